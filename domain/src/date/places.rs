//! A live place of a date, and what it is.

use crate::{
    id::{TokenId, UserId},
    places::Keyed,
};

/// One live place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) token: TokenId,
    pub(super) user: UserId,
    /// Counts the joins.
    pub(super) seq: u64,
    /// Whether the draw decides its order.
    pub(super) lobby: bool,
    pub(super) state: State,
}

impl Place {
    /// Whether nobody stands behind it, once the lobby is drawn, if the next join has the number `next`.
    pub(super) fn is_last(&self, next: u64) -> bool {
        !self.lobby && self.seq >= next
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In the lobby or in line; `rank` is `None` before the draw.
    Waiting { rank: Option<u32> },
    /// May take holds until then; milliseconds since the epoch.
    Admitted { until: i64 },
}
