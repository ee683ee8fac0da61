//! What happened to a date: the lines of its journal.

use chrono::{DateTime, Utc, serde::ts_milliseconds};
use serde::{Deserialize, Serialize};

use crate::{
    date::unpaid::Unpaid,
    id::{HoldId, PaymentId, ReservationId, TokenId, UserId},
    policy::QueuePolicy,
    sale::Entry,
    text::{IdempotencyKey, PersonName},
};

/// Why a place is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndReason {
    /// Its owner has paid.
    Paid,
    /// Its owner gave it up.
    Left,
    /// Its owner was not heard from in time (rule 7).
    Silent,
    /// The time to choose was over, and nothing was held.
    SessionOver,
    /// The time to choose was over, and the last hold that had kept it open has lapsed.
    HoldLapsed,
    /// The sales window was over before its turn came.
    SaleClosed,
}

/// A hold that was paid, and the reservation that it became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The hold.
    pub hold: HoldId,
    /// What it became.
    pub reservation: ReservationId,
}

/// One thing that happened. The time is that of its [`Batch`](super::Batch). Other processes read it as bytes: whoever
/// changes what it consists of gives those bytes another number of their format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Somebody got a place (rule 4).
    Joined {
        /// The place.
        token: TokenId,
        /// Whose it is.
        user: UserId,
        /// As the owner wants to be called.
        name: PersonName,
        /// Counts the joins of the date.
        seq: u64,
        /// Whether it takes part in the draw (rule 5).
        lobby: bool,
    },
    /// The lobby was put into its order (rule 5); once in the life of a date.
    Drawn,
    /// The sales window is over, and so is every place that still waited.
    Closed,
    /// Somebody may take holds (rule 6).
    Admitted {
        /// The place.
        token: TokenId,
        /// Until then, which never changes (rule 7).
        #[serde(with = "ts_milliseconds")]
        until: DateTime<Utc>,
    },
    /// A place is over.
    Ended {
        /// The place.
        token: TokenId,
        /// Why.
        reason: EndReason,
    },
    /// A seat is somebody's for five minutes (rule 12).
    Held {
        /// The hold.
        hold: HoldId,
        /// The number of the seat.
        seat: i32,
        /// Whose.
        user: UserId,
        /// The place with which it was taken.
        token: TokenId,
        /// From then on it holds nothing.
        #[serde(with = "ts_milliseconds")]
        until: DateTime<Utc>,
    },
    /// A hold ended by itself.
    Lapsed {
        /// The hold.
        hold: HoldId,
    },
    /// A hold was given back.
    Released {
        /// The hold.
        hold: HoldId,
    },
    /// What a user has let end unpaid now comes to this (rule 13).
    Unpaid {
        /// Who.
        user: UserId,
        /// How it stands now.
        unpaid: Unpaid,
    },
    /// Holds became reservations (rule 15).
    Paid {
        /// The payment.
        payment: PaymentId,
        /// The line of the ledger: the order of lists (rule 26).
        line: i32,
        /// Whose.
        user: UserId,
        /// Points.
        amount: i32,
        /// What was paid for.
        tickets: Vec<Ticket>,
    },
    /// A reservation was given back (rule 18).
    Cancelled {
        /// The reservation.
        reservation: ReservationId,
        /// The number of the seat.
        seat: i32,
        /// Whose it was.
        user: UserId,
        /// What had paid for it.
        payment: PaymentId,
        /// Points that are given back.
        price: i32,
    },
    /// A line was added to a ledger (rule 16).
    Posted(Entry),
    /// An idempotency key was used up (rule 17); what came of it are the other events of its command.
    KeyUsed {
        /// Whose key.
        owner: UserId,
        /// The key.
        key: IdempotencyKey,
        /// The operation and its input, in one line of text.
        fingerprint: String,
        /// The entry, payment or reservation that came of it.
        result: uuid::Uuid,
    },
    /// The organiser changed the policy.
    PolicySet(QueuePolicy),
    /// The organiser stopped the sale, or let it go on.
    PauseSet(bool),
}
