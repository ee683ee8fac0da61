//! The sale: seats, holds, wallets, reservations, payments.
//!
//! [`decide`] is the whole of it: given the rows that a command touches (a [`WorkingSet`]), the command and the
//! time, it says what comes of it and leaves the changes in the working set. It checks everything before it
//! changes anything, so a command that ends in a [`Problem`] has changed nothing (rule 15) except that holds
//! which had lapsed may have been marked so.
//!
//! To add a command: a variant of [`Command`] and [`Outcome`], its function in the file of its noun, its arm in
//! [`decide`], and what it touches in `store::sale`.

mod command;
mod holds;
mod money;
mod problem;
mod rows;
mod unpaid;
mod working_set;

#[cfg(test)]
mod model_test;
#[cfg(test)]
mod tests;

pub use command::{Command, Outcome, Paid, decide};
pub use problem::{Problem, ProblemCode};
pub use rows::{
    Entry, EntryKind, Hold, HoldStatus, Pass, Payment, PaymentStatus, Recorded, Reservation,
    ReservationStatus, SaleSeries, Seat, SeatState, SeatStatus, Token, TokenStatus, Wallet,
};
pub use working_set::{KeyOf, Table, WorkingSet};

/// How long a hold lasts (rule 12), in seconds.
pub const HOLD_SECONDS: i64 = 300;

/// The most points in one wallet (rule 16).
pub const MAX_BALANCE: i32 = 1_000_000_000;
