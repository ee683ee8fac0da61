//! Holds whose end nobody has journaled yet, with the indexes by which they are found.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::{
    date::millis,
    id::{HoldId, TokenId, UserId},
};

/// A hold whose end nobody has journaled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveHold {
    pub(super) id: HoldId,
    /// The place of the seat in the layout.
    pub(super) seat: u32,
    pub(super) user: UserId,
    pub(super) token: TokenId,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

impl LiveHold {
    /// Whether the seat is its owner's at `now` (rule 12).
    pub(super) fn is_live(&self, now: DateTime<Utc>) -> bool {
        now < self.expires_at
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Holds {
    by_id: HashMap<HoldId, LiveHold>,
    /// Those of each user, in the order in which they were taken.
    by_user: HashMap<UserId, Vec<HoldId>>,
    /// By the end, in milliseconds.
    due: BTreeSet<(i64, HoldId)>,
}

impl Holds {
    pub(super) fn insert(&mut self, hold: LiveHold) {
        self.due.insert((millis(hold.expires_at), hold.id));
        self.by_user.entry(hold.user.clone()).or_default().push(hold.id);
        self.by_id.insert(hold.id, hold);
    }

    pub(super) fn remove(&mut self, id: HoldId) -> Option<LiveHold> {
        let hold = self.by_id.remove(&id)?;
        self.due.remove(&(millis(hold.expires_at), id));
        if let Some(own) = self.by_user.get_mut(&hold.user) {
            own.retain(|one| *one != id);
            if own.is_empty() {
                self.by_user.remove(&hold.user);
            }
        }
        Some(hold)
    }

    pub(super) fn get(&self, id: HoldId) -> Option<&LiveHold> {
        self.by_id.get(&id)
    }

    pub(super) fn of(&self, user: &UserId) -> &[HoldId] {
        self.by_user.get(user).map_or(&[], Vec::as_slice)
    }

    /// By when they end, in milliseconds.
    pub(super) fn by_end(&self) -> impl Iterator<Item = (i64, HoldId)> + '_ {
        self.due.iter().copied()
    }

    /// Those that have lapsed at `now` and nobody has journaled as over, in the order in which they did.
    pub(super) fn lapsed(&self, now: i64) -> impl Iterator<Item = HoldId> + '_ {
        self.by_end().take_while(move |(end, _)| *end <= now).map(|(_, hold)| hold)
    }

    /// When the next one lapses.
    pub(super) fn next(&self) -> Option<i64> {
        self.due.first().map(|(end, _)| *end)
    }
}
