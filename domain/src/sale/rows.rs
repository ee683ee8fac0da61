//! What a sale remembers, as plain values.

use chrono::{DateTime, Utc, serde::ts_milliseconds};
use serde::{Deserialize, Serialize};

use crate::{
    date::EndReason,
    id::{EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
};

/// A seat of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its id.
    pub id: SeatId,
    /// Its series.
    pub series: SeriesId,
    /// 1-based, unique in its series.
    pub number: i32,
    /// The section's name.
    pub section: String,
    /// 1-based in its section.
    pub row: i32,
    /// 1-based in its row.
    pub col: i32,
    /// Points.
    pub price: i32,
    /// Whose it is.
    pub state: SeatState,
}

/// Whose a seat is: nobody's, or one hold's, or one reservation's (rule 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatState {
    /// Nobody's.
    Free,
    /// A hold's, for as long as that lives.
    Held {
        /// The hold.
        hold: HoldId,
        /// The instant at which it ends.
        until: DateTime<Utc>,
    },
    /// A standing reservation's.
    Reserved(ReservationId),
}

impl SeatState {
    /// What fans see at `now`: a hold that has ended holds nothing, cleaner or no cleaner (rule 12).
    #[must_use]
    pub fn status(self, now: DateTime<Utc>) -> SeatStatus {
        match self {
            Self::Free => SeatStatus::Available,
            Self::Held { until, .. } if now >= until => SeatStatus::Available,
            Self::Held { .. } => SeatStatus::Held,
            Self::Reserved(_) => SeatStatus::Reserved,
        }
    }
}

/// A seat as fans see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeatStatus {
    /// Can be held right now.
    Available,
    /// Somebody is choosing it.
    Held,
    /// Sold.
    Reserved,
}

/// Where a place of the waiting room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenStatus {
    /// In the lobby or in line.
    Waiting,
    /// May hold seats.
    Admitted,
    /// Has paid.
    Completed,
    /// Was not heard from, or ran out of time.
    Expired,
    /// Left by its own wish.
    Left,
}

/// A place of the waiting room, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its owner.
    pub user: UserId,
    /// As the owner wants to be called.
    pub name: String,
    /// The series it is for.
    pub series: SeriesId,
    /// Where it stands, as journaled.
    pub status: TokenStatus,
    /// When the join was accepted.
    pub created_at: DateTime<Utc>,
    /// When it was over, if it is.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why, if it is over and anybody knows: former versions have not written it down.
    pub end_reason: Option<EndReason>,
}

/// A temporary reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose.
    pub user: UserId,
    /// The pass it was taken with.
    pub token: TokenId,
    /// The series of the seat.
    pub series: SeriesId,
    /// The seat.
    pub seat: SeatId,
    /// When it was taken.
    pub created_at: DateTime<Utc>,
    /// The instant from which on it holds nothing.
    pub expires_at: DateTime<Utc>,
    /// What is stored; see [`Hold::status_at`].
    pub status: HoldStatus,
}

impl Hold {
    /// What it is at `now`, whether or not any cleaner has run (rule 12).
    #[must_use]
    pub fn status_at(&self, now: DateTime<Utc>) -> HoldStatus {
        match self.status {
            HoldStatus::Active if now >= self.expires_at => HoldStatus::Expired,
            status => status,
        }
    }

    /// Whether the seat is its owner's at `now`.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.status_at(now) == HoldStatus::Active
    }
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldStatus {
    /// Live until it expires.
    Active,
    /// Paid.
    Confirmed,
    /// Lapsed.
    Expired,
    /// Given back.
    Released,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// Whose.
    pub user: UserId,
    /// The series of the seat.
    pub series: SeriesId,
    /// The seat.
    pub seat: SeatId,
    /// What paid for it.
    pub payment: PaymentId,
    /// See [`Payment::line`].
    pub line: i32,
    /// Points that it cost.
    pub price: i32,
    /// Whether it stands.
    pub status: ReservationStatus,
    /// When it was paid.
    pub created_at: DateTime<Utc>,
}

/// Whether a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReservationStatus {
    /// It stands.
    Confirmed,
    /// Given back, and the points with it.
    Cancelled,
}

/// A payment for one or more seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Whose.
    pub user: UserId,
    /// The series of the seats.
    pub series: SeriesId,
    /// The line of its owner's ledger that paid it. A wallet is locked from before a line gets its number until after
    /// the commit, so these are in the order of the commits, as ids are not (rule 26).
    pub line: i32,
    /// Points.
    pub amount: i32,
    /// Points of it that were given back.
    pub refunded: i32,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Payment {
    /// What became of it.
    #[must_use]
    pub fn status(&self) -> PaymentStatus {
        match self.refunded {
            0 => PaymentStatus::Complete,
            n if n == self.amount => PaymentStatus::Refunded,
            _ => PaymentStatus::PartiallyRefunded,
        }
    }
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// Nothing was given back.
    Complete,
    /// All of it was given back.
    Refunded,
    /// Some of it was given back.
    PartiallyRefunded,
}

/// A prepaid wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub user: UserId,
    /// Points: the sum of its lines, 0 to [`super::MAX_BALANCE`].
    pub balance: i32,
    /// How many lines its ledger has.
    pub lines: i32,
}

/// A line of a wallet's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// Whose wallet.
    pub user: UserId,
    /// Who did it, where that was not the owner.
    pub actor: Option<UserId>,
    /// Its place in that ledger, from 1.
    pub line: i32,
    /// What happened.
    pub kind: EntryKind,
    /// Points, signed.
    pub amount: i32,
    /// The balance with this line.
    pub balance_after: i32,
    /// The payment that was made or given back, if any.
    pub payment: Option<PaymentId>,
    /// When.
    #[serde(with = "ts_milliseconds")]
    pub created_at: DateTime<Utc>,
}

/// What a line of the ledger is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    /// Points came in.
    Charge,
    /// Points were spent.
    Use,
    /// Points came back.
    Refund,
}
