//! What a sale is about, as plain values: seats, holds, reservations, wallets, payments; and why something is not done.

mod problem;
mod rows;

use crate::{id::UserId, text::IdempotencyKey};

pub use problem::{Problem, ProblemCode};
pub use rows::{
    Entry, EntryKind, Hold, HoldStatus, Payment, PaymentStatus, Reservation, ReservationStatus, Seat,
    SeatState, SeatStatus, Token, TokenStatus, Wallet,
};

/// Whose idempotency key, and which (rule 17).
pub type KeyOf = (UserId, IdempotencyKey);

/// How long a hold lasts (rule 12), in seconds.
pub const HOLD_SECONDS: i64 = 300;

/// The most points in one wallet (rule 16).
pub const MAX_BALANCE: i32 = 1_000_000_000;
