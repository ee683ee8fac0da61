//! Wallets and idempotency keys: what a date is handed with its commands, and all that a command needs which only moves
//! points.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    date::{
        command::{Outcome, Recorded, Result},
        event::Event,
    },
    id::{EntryId, UserId},
    sale::{Entry, EntryKind, KeyOf, ProblemCode, Wallet},
    text::IdempotencyKey,
    wallet::{Line, positive},
};

/// Something that changes a wallet and no date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalletCommand {
    /// Put points into a wallet.
    Charge {
        /// Who asks; the key is theirs.
        caller: UserId,
        /// Whose wallet.
        wallet: UserId,
        /// Points.
        amount: i32,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Spend points on something that is not a ticket.
    Use {
        /// Whose wallet, and key.
        user: UserId,
        /// Points.
        amount: i32,
        /// Rule 17.
        key: IdempotencyKey,
    },
}

impl WalletCommand {
    /// Whose wallet.
    #[must_use]
    pub fn wallet(&self) -> &UserId {
        match self {
            Self::Charge { wallet, .. } => wallet,
            Self::Use { user, .. } => user,
        }
    }

    /// Its idempotency key and whose that is.
    #[must_use]
    pub fn key(&self) -> KeyOf {
        match self {
            Self::Charge { caller: owner, key, .. } | Self::Use { user: owner, key, .. } => {
                (owner.clone(), key.clone())
            }
        }
    }

    fn fingerprint(&self) -> String {
        match self {
            Self::Charge { wallet, amount, .. } => format!("charge {wallet} {amount}"),
            Self::Use { amount, .. } => format!("use {amount}"),
        }
    }

    fn line(&self) -> Line<'_> {
        match self {
            // The ledger says who charged, unless that is the owner.
            Self::Charge { caller, wallet, amount, .. } => {
                let actor = Some(caller).filter(|caller| *caller != wallet);
                Line { user: wallet, actor, kind: EntryKind::Charge, amount: *amount, payment: None }
            }
            Self::Use { user, amount, .. } => {
                let amount = amount.saturating_neg();
                Line { user, actor: None, kind: EntryKind::Use, amount, payment: None }
            }
        }
    }

    fn amount(&self) -> i32 {
        match self {
            Self::Charge { amount, .. } | Self::Use { amount, .. } => *amount,
        }
    }
}

/// What [`decide_wallets`] found to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletDecision {
    /// When.
    pub at: DateTime<Utc>,
    /// One for each command, in the same order; true once the events are durable.
    pub outcomes: Vec<Result<Outcome>>,
    /// To be made durable together: lines of ledgers, and keys.
    pub events: Vec<Event>,
}

/// Decides commands that touch wallets only, each upon what the ones before it decided.
pub fn decide_wallets(
    mut till: Till,
    commands: &[WalletCommand],
    now: DateTime<Utc>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> WalletDecision {
    let mut events = Vec::new();
    let outcomes = commands.iter().map(|command| {
        let once = Once { key: command.key(), fingerprint: command.fingerprint(), wallet: command.wallet() };
        if let Some(answered) = till.answered(&once) {
            return answered;
        }
        positive(command.amount())?;
        let (entry, wallet) = till.post(&command.line(), now, || EntryId(new_id()))?;
        events.push(Event::Posted(entry.clone()));
        let outcome = Outcome::Posted(entry, wallet);
        events.extend(till.record(once, &outcome));
        Ok(outcome)
    });
    let outcomes = outcomes.collect();
    WalletDecision { at: now, outcomes, events }
}

/// Wallets and keys, as far as the commands need them.
#[derive(Clone, Debug, Default)]
pub struct Till {
    /// By owner; who has none yet has an empty one.
    pub wallets: HashMap<UserId, Wallet>,
    /// What keys were used for.
    pub keys: HashMap<KeyOf, Recorded>,
}

/// What makes a command take effect once (rule 17).
pub(super) struct Once<'a> {
    pub(super) key: KeyOf,
    pub(super) fingerprint: String,
    pub(super) wallet: &'a UserId,
}

impl Till {
    pub(super) fn wallet(&self, user: &UserId) -> Wallet {
        self.wallets.get(user).cloned().unwrap_or_else(|| Wallet::empty(user))
    }

    /// What a key that was used before is answered with. A command that ended in a problem did nothing, so it did not use
    /// up its key.
    pub(super) fn answered(&self, once: &Once<'_>) -> Option<Result<Outcome>> {
        let recorded = self.keys.get(&once.key)?;
        Some(if recorded.fingerprint == once.fingerprint {
            Ok(recorded.outcome.clone().with_wallet(self.wallet(once.wallet)))
        } else {
            Err(ProblemCode::IdempotencyKeyReused.into())
        })
    }

    /// Uses the key up.
    pub(super) fn record(&mut self, once: Once<'_>, outcome: &Outcome) -> Option<Event> {
        let result = outcome.result()?;
        let Once { key, fingerprint, .. } = once;
        let recorded = Recorded { fingerprint: fingerprint.clone(), outcome: outcome.clone() };
        self.keys.insert(key.clone(), recorded);
        let (owner, key) = key;
        Some(Event::KeyUsed { owner, key, fingerprint, result })
    }

    /// Adds a line to a ledger and moves the balance with it (rule 16).
    pub(super) fn post(
        &mut self,
        line: &Line<'_>,
        now: DateTime<Utc>,
        id: impl FnOnce() -> EntryId,
    ) -> Result<(Entry, Wallet)> {
        let (entry, wallet) = self.wallet(line.user).posted(line, now, id)?;
        self.wallets.insert(wallet.user.clone(), wallet.clone());
        Ok((entry, wallet))
    }
}
