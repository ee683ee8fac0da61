//! What events come to in wallets, ledgers and keys.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        date::Event,
        id::UserId,
        sale::{Entry, EntryKind},
        text::IdempotencyKey,
    },
    store::journal::{
        changes::{Change, ENTRIES, KEYS, POINTS, WALLETS},
        sheet::Sheet,
    },
};

/// What is to be written of wallets: in the order of [`POINTS`].
pub(super) fn folded_points(events: &[Event], at: DateTime<Utc>) -> Vec<Sheet> {
    let mut points = Points::default();
    for event in events {
        points.take(event);
    }
    let mut sheets: Vec<_> = POINTS.iter().map(Change::sheet).collect();
    if let [wallets, entries, keys] = &mut sheets[..] {
        points.write(at, wallets, entries, keys);
    }
    sheets
}

/// Lines of ledgers and what wallets come to, and keys: sorted, so that who writes the same ones on other connections
/// does so in the same order.
#[derive(Default)]
pub(super) struct Points<'a> {
    entries: Vec<&'a Entry>,
    wallets: BTreeMap<&'a UserId, (i32, i32)>,
    keys: BTreeMap<(&'a UserId, &'a IdempotencyKey), (&'a str, Uuid)>,
}

impl<'a> Points<'a> {
    pub(super) fn take(&mut self, event: &'a Event) {
        match event {
            Event::Posted(entry) => {
                self.wallets.insert(&entry.user, (entry.balance_after, entry.line));
                self.entries.push(entry);
            }
            Event::KeyUsed { owner, key, fingerprint, result } => {
                self.keys.insert((owner, key), (fingerprint, *result));
            }
            _ => {}
        }
    }

    pub(super) fn write(self, at: DateTime<Utc>, wallets: &mut Sheet, entries: &mut Sheet, keys: &mut Sheet) {
        debug_assert_eq!((POINTS[0].sql, POINTS[1].sql, POINTS[2].sql), (WALLETS.sql, ENTRIES.sql, KEYS.sql));
        for (user, (balance, lines)) in self.wallets {
            wallets.push([user.as_str().into(), balance.into(), lines.into()]);
        }
        for entry in self.entries {
            let kind = match entry.kind {
                EntryKind::Charge => "CHARGE",
                EntryKind::Use => "USE",
                EntryKind::Refund => "REFUND",
            };
            entries.push([
                entry.id.0.into(),
                entry.user.as_str().into(),
                entry.actor.as_ref().map(ToString::to_string).into(),
                entry.line.into(),
                kind.into(),
                entry.amount.into(),
                entry.balance_after.into(),
                entry.payment.map(|payment| payment.0).into(),
                entry.created_at.into(),
            ]);
        }
        for ((owner, key), (fingerprint, result)) in self.keys {
            keys.push([
                owner.as_str().into(),
                key.as_str().into(),
                fingerprint.into(),
                result.into(),
                at.into(),
            ]);
        }
    }
}
