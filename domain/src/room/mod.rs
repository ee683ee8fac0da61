//! The waiting room of one series: who waits, in which order, and who may book (rules 4 to 10).
//!
//! The owner runs cycles of *decide, persist, apply*: [`Room::decide`] changes nothing that anyone can see; the owner
//! writes its events to the journal in one transaction and only then calls [`Room::apply`] for each. If that fails
//! the decision is dropped and nothing has happened. After a cycle that applied something the owner decides again at
//! once without commands, so that a slot freed in one cycle is filled in the next.
//!
//! An admitted place ends in the sale, not here: the room says whose session is over, and the sale reports back with
//! [`Room::ended`] or [`Room::pin`], because a hold may have been committed in that very moment.
//!
//! To add a transition, add an [`Event`], decide it in `decide.rs`, apply it in `apply.rs`, and teach both to the
//! naive model of the tests.

mod admissions;
mod apply;
mod decide;
mod estimate;
mod places;
mod restore;
#[cfg(test)]
mod tests;
mod ticket;
mod view;

use std::{cell::RefCell, collections::BTreeSet};

use chrono::{DateTime, Utc};

use self::{admissions::Admissions, estimate::Forecast, places::Place};
use super::{
    attendance::Absence,
    id::{TokenId, UserId},
    identity::JoinOrder,
    line::Line,
    lobby::DrawSecret,
    places::Places,
    policy::QueuePolicy,
};

pub use super::catalog::SaleState;

pub use self::{
    estimate::{Basis, WaitEstimate},
    restore::{Restored, RestoredState},
    ticket::Ticket,
    view::{Counts, Status, View, Waits},
};

/// What a fan asks of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Wait for this series (rule 4).
    Join {
        /// The id that a new place gets.
        token: TokenId,
        /// Who is asking.
        user: UserId,
    },
    /// Come back with a token of ours whose place is not known any more: it stands where it stood (rule 9).
    ComeBack {
        /// The place.
        token: TokenId,
        /// Whose it is.
        user: UserId,
        /// Its order among the joins.
        order: JoinOrder,
    },
    /// Give up a WAITING place; an ADMITTED one is given up through the sale.
    Leave {
        /// The place.
        token: TokenId,
    },
}

/// The answer to one command, true once the decision's events are journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new place.
    Joined {
        /// The place.
        token: TokenId,
    },
    /// The user has a live place already (rule 4).
    Already {
        /// That place.
        token: TokenId,
    },
    /// The place was given up.
    Left,
    /// The place is ADMITTED: the sale must end it.
    Admitted,
    /// No live place has this token (or, for a join, it is another user's).
    Unknown,
    /// The sales window is over.
    Closed,
    /// The last seat is gone for good (rule 10).
    SoldOut,
}

/// What happened in the room: the journal's lines, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody got a place (rule 4).
    Joined {
        /// The place.
        token: TokenId,
        /// Whose it is.
        user: UserId,
        /// Counts the joins of the room.
        seq: u64,
        /// Whether it takes part in the draw (rule 5).
        lobby: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// The lobby was put into its order (rule 5); once in the life of a room.
    Drawn {
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody may book (rule 6).
    Admitted {
        /// The place.
        token: TokenId,
        /// When.
        at: DateTime<Utc>,
        /// Until when, unless a hold pins the session.
        session_ends_at: DateTime<Utc>,
    },
    /// A WAITING place was not heard from in time, or the sale closed (rule 7).
    Expired {
        /// The place.
        token: TokenId,
        /// When.
        at: DateTime<Utc>,
    },
    /// A WAITING place was given up.
    Left {
        /// The place.
        token: TokenId,
        /// When.
        at: DateTime<Utc>,
    },
}

/// What [`Room::decide`] found to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// One for each command, in the same order.
    pub outcomes: Vec<Outcome>,
    /// To be journaled in one transaction, then applied in this order.
    pub events: Vec<Event>,
    /// ADMITTED places that are out of time (rule 7): ask the sale, which reports `ended` or `pin`. They keep their
    /// slots, and are named again by each decision, until it does.
    pub sessions_over: Vec<TokenId>,
}

/// What came of a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The place lives on.
    Ok,
    /// Too late: its deadline has passed and is not yet decided. Run a cycle.
    Due,
    /// No live place has this token.
    Unknown,
}

/// The waiting room of one series. Times inside are milliseconds since the epoch; silence is measured in attended time.
pub struct Room {
    sale: SaleState,
    policy: QueuePolicy,
    /// What the server has missed: see [`Room::server_missed`].
    absence: Absence,
    secret: DrawSecret,
    drawn: bool,
    next_seq: u64,
    places: Places<Place>,
    line: Line,
    /// Somebody has come back to a place that is not at the end: the line has to be put in order.
    out_of_order: bool,
    /// `(filed, slot)` of everyone WAITING, filed under the attended time at which they were last heard from, or
    /// earlier. A heartbeat leaves it alone; it is put right when it comes due.
    silences: BTreeSet<(i64, u32)>,
    /// `(filed, slot)` of everyone ADMITTED, filed under the deadline, or earlier.
    sessions: BTreeSet<(i64, u32)>,
    admissions: Admissions,
    /// In a cell, because whoever looks makes it look ahead.
    forecast: RefCell<Forecast>,
    /// Sessions filed under this time or an earlier one have been reported as over.
    decided: i64,
}

impl Room {
    /// The series' draw secret; to be shown once [`Room::is_drawn`] (rule 5).
    #[must_use]
    pub fn secret(&self) -> &DrawSecret {
        &self.secret
    }

    /// Whether the lobby has its order (rule 5).
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &QueuePolicy {
        &self.policy
    }

    /// What the room was last told of the sale.
    #[must_use]
    pub fn sale(&self) -> &SaleState {
        &self.sale
    }

    fn timeout(&self) -> i64 {
        self.policy.heartbeat_timeout().num_milliseconds()
    }

    fn is_closed(&self, now: i64) -> bool {
        now >= millis(self.sale.closes_at)
    }

    /// Whether anybody may be admitted at all, limits aside.
    fn is_admitting(&self, now: i64) -> bool {
        let open = now >= millis(self.sale.opens_at) && !self.is_closed(now);
        self.drawn && open && !self.sale.paused && !self.sale.sold_out
    }
}

fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
