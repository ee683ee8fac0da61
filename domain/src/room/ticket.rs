//! A position without a look-up: what an open subscription asks for, again and again.

use chrono::{DateTime, Utc};

use super::{Room, View, Waits, millis, places::State, time};
use crate::{id::TokenId, identity::JoinOrder};

/// Where a WAITING place stands in line, to be kept by whoever asks for its position often. It belongs to the [`Room`]
/// value that gave it, not to one restored from the same journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    rank: u32,
    epoch: u32,
    order: JoinOrder,
}

impl Room {
    /// The ticket of a WAITING place; `None` without one, and in the lobby before the draw, where nobody has a
    /// position (rule 5).
    #[must_use]
    pub fn ticket(&self, token: TokenId) -> Option<Ticket> {
        let place = self.places.get(self.places.by_token(token)?);
        match place.state {
            State::Waiting { rank: Some(rank) } => {
                Some(Ticket { rank, epoch: self.line.epoch(), order: place.order() })
            }
            State::Waiting { rank: None } | State::Admitted { .. } => None,
        }
    }

    /// The number of people ahead plus one (rule 8), at the same cost however many wait. `None`: the place no longer
    /// waits, or the line was closed up since; [`Room::view`] and [`Room::ticket`] tell which.
    #[must_use]
    pub fn position_of(&self, ticket: &Ticket) -> Option<u32> {
        (ticket.epoch == self.line.epoch()).then(|| self.position_at(ticket.rank)).flatten()
    }

    /// The same as [`Room::view`] for a place whose owner has a stream open, which is heard from now; `None` as for
    /// [`Room::position_of`].
    #[must_use]
    pub fn view_of(&self, ticket: &Ticket, now: DateTime<Utc>) -> Option<View> {
        let position = self.position_of(ticket)?;
        let now = millis(now);
        Some(View::waiting(Waits {
            position: Some(position),
            order: ticket.order,
            heard_at: time(now),
            silent: time((now + self.timeout()).min(millis(self.sale.closes_at))),
            counts: self.counts(),
            estimate: self.estimate(ticket.rank, now),
        }))
    }

    pub(super) fn position_at(&self, rank: u32) -> Option<u32> {
        self.line.before(rank).map(|ahead| ahead + 1)
    }
}
