//! One date as one state machine: its line, sessions, seats and holds together.
//!
//! [`decide`] says what comes of commands at a time, upon a [`Sale`] that it leaves alone: the answer is a list of
//! [`Event`]s that the caller makes durable, and only then gives to [`Sale::apply`]. If it cannot, nothing has happened.
//! Whoever applies the same events in the same order has the same date: that is how other processes follow.
//!
//! What an event means stands once, in `cells::transition`: over the date itself, and over the draft in which a decision
//! is made and each command sees what the ones before it decided.
//!
//! To add a command: a variant of [`Command`] and [`Outcome`], its function in the file of its subject, its arm in
//! `decide.rs`. To add an event: a variant of [`Event`], its arm in `cells.rs`, and the naive model of the tests.
//!
//! Silence is not known here: whoever listens to the fans reports it with [`Command::Silent`].

mod admissions;
mod cells;
mod command;
mod decide;
mod draft;
mod due;
mod estimate;
mod event;
mod holding;
mod holds;
pub mod model;
mod money;
mod open;
mod places;
mod queueing;
mod sale;
#[cfg(test)]
mod tests;
mod till;
mod unpaid;
mod view;

use chrono::{DateTime, Utc};

pub use super::lobby::{Drawn, LobbyHash};

pub use self::{
    command::{Command, Kept, Known, Needs, Outcome, Recorded, Result, SeatChoice},
    decide::{Decision, Summary, decide},
    estimate::{Basis, Forecast, WaitEstimate},
    event::{EndReason, Event, Ticket},
    open::{Opened, OpenedPlace, OpenedState},
    sale::{Batch, Sale, Settings},
    till::{Till, WalletCommand, WalletDecision, decide_wallets},
    unpaid::Unpaid,
    view::{Counts, Position, Status},
};

/// The most events of one decision that are due by themselves (lapses, ends of sessions, admissions): the rest follows in
/// the next one, so that a payment never waits for a whole house to lapse.
pub const DUE_AT_ONCE: usize = 500;

fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
