//! The rows that a batch of commands touches, and which of them it changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    date::Unpaid,
    id::{EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    sale::rows::{Entry, Hold, Pass, Payment, Recorded, Reservation, SaleSeries, Seat, TokenStatus, Wallet},
    text::IdempotencyKey,
};

/// Rows of one kind by their key. Remembers which are new and which were changed.
#[derive(Clone, Debug)]
pub struct Table<K, T> {
    rows: BTreeMap<K, T>,
    inserted: BTreeSet<K>,
    updated: BTreeSet<K>,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), inserted: BTreeSet::new(), updated: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, T> Table<K, T> {
    /// Puts in a row as it is stored.
    pub fn load(&mut self, key: K, row: T) {
        self.rows.insert(key, row);
    }

    /// The row of that key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&T> {
        self.rows.get(key)
    }

    /// Every row.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// Adds a row that is not stored yet.
    pub fn insert(&mut self, key: K, row: T) {
        self.inserted.insert(key.clone());
        self.rows.insert(key, row);
    }

    /// The row of that key, to be changed.
    pub fn change(&mut self, key: &K) -> Option<&mut T> {
        let row = self.rows.get_mut(key)?;
        if !self.inserted.contains(key) {
            self.updated.insert(key.clone());
        }
        Some(row)
    }

    /// The rows that are not stored yet.
    pub fn inserted(&self) -> impl Iterator<Item = (&K, &T)> {
        self.inserted.iter().filter_map(|key| self.rows.get_key_value(key))
    }

    /// The stored rows that were changed.
    pub fn updated(&self) -> impl Iterator<Item = (&K, &T)> {
        self.updated.iter().filter_map(|key| self.rows.get_key_value(key))
    }

    /// The rows that were added or changed.
    pub fn touched(&self) -> impl Iterator<Item = (&K, &T)> {
        self.inserted().chain(self.updated())
    }
}

/// Whose idempotency key, and which.
pub type KeyOf = (UserId, IdempotencyKey);

/// Everything that one batch of commands may look at or change.
#[derive(Clone, Debug, Default)]
pub struct WorkingSet {
    /// By id.
    pub series: Table<SeriesId, SaleSeries>,
    /// By id.
    pub seats: Table<SeatId, Seat>,
    /// By token. Those of the batch's users and tokens.
    pub passes: Table<TokenId, Pass>,
    /// By id. The live and lapsed ones of the batch's users and seats, and those named.
    pub holds: Table<HoldId, Hold>,
    /// By id. The standing ones of the batch's users, and those named.
    pub reservations: Table<ReservationId, Reservation>,
    /// By series and user. What the batch's users, and the owners of its holds, have let end unpaid.
    pub unpaid: Table<(SeriesId, UserId), Unpaid>,
    /// By id.
    pub payments: Table<PaymentId, Payment>,
    /// By owner.
    pub wallets: Table<UserId, Wallet>,
    /// New lines of ledgers.
    pub entries: Table<EntryId, Entry>,
    /// What keys were used for.
    pub keys: Table<KeyOf, Recorded>,
}

impl WorkingSet {
    /// The pass that is live for `user` in `series`.
    #[must_use]
    pub fn live_pass(&self, user: &UserId, series: SeriesId) -> Option<&Pass> {
        self.passes.iter().find(|pass| {
            pass.user == *user
                && pass.series == series
                && matches!(pass.status, TokenStatus::Waiting | TokenStatus::Admitted)
        })
    }
}
