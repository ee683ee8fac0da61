//! A live place of a room, and what it is.

use crate::{
    attendance::Absence,
    id::{TokenId, UserId},
    identity::JoinOrder,
    places::Keyed,
};

/// "No hold pins this session": earlier than every time, so that a maximum ignores it.
pub(super) const UNPINNED: i64 = i64::MIN;

/// One live place; times in milliseconds since the epoch, and attended time where it says so.
pub(super) struct Place {
    pub(super) token: TokenId,
    pub(super) user: UserId,
    pub(super) seq: u64,
    /// Whether the draw decides its order.
    pub(super) lobby: bool,
    /// The attended time at which its owner was last heard from, open streams and stalls aside.
    pub(super) heard: i64,
    /// The key under which the place stands in its deadline set: never later than the true one.
    pub(super) filed: i64,
    pub(super) state: State,
    /// Open subscriptions.
    pub(super) streams: u32,
}

impl Keyed for Place {
    fn token(&self) -> TokenId {
        self.token
    }

    fn user(&self) -> &UserId {
        &self.user
    }
}

/// What a place is.
pub(super) enum State {
    /// In the lobby or in line; `rank` is `None` before the draw.
    Waiting { rank: Option<u32> },
    /// May book.
    Admitted { since: i64, session_ends: i64, pinned: i64 },
}

impl Place {
    /// The attended time at which its owner counts as last heard from: an open stream is heard all the time, and
    /// everybody at the end of a stall.
    pub(super) fn heard_at(&self, now: i64, absence: &Absence) -> i64 {
        let heard = absence.heard(self.heard);
        if self.streams > 0 { absence.attended(now).max(heard) } else { heard }
    }

    /// A sign of life at `now`.
    pub(super) fn hear(&mut self, now: i64, absence: &Absence) {
        self.heard = self.heard.max(absence.attended(now));
    }

    /// Where its join stands among the others.
    pub(super) fn order(&self) -> JoinOrder {
        JoinOrder { seq: self.seq, lobby: self.lobby }
    }

    /// When the place ends unless something happens (rule 7); never earlier for what the server misses.
    pub(super) fn deadline(&self, now: i64, absence: &Absence, timeout: i64) -> i64 {
        let silent = absence.instant(self.heard_at(now, absence)) + timeout;
        match self.state {
            State::Waiting { .. } => silent,
            State::Admitted { session_ends, pinned, .. } => session_ends.min(silent).max(pinned),
        }
    }
}
