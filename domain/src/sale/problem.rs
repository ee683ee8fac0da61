//! Why something was not done although it was asked correctly.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::id::{SeatId, TokenId};

macro_rules! problem_codes {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// The code of a [`Problem`], as front ends know it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $text] $name,)*
        }
    };
}

problem_codes! {
    SeriesNotFound = "There is no such date.",
    SaleNotOpen = "The sale has not begun.",
    SaleClosed = "The sale is over.",
    SalePaused = "The organiser has paused the sale.",
    SoldOut = "Every seat is sold.",
    TokenExpired = "The place in the waiting room is over.",
    NotAdmitted = "It is not the fan's turn.",
    SeatNotFound = "There is no such seat.",
    SeatTaken = "Somebody else has the seat.",
    SeatLimitReached = "The fan has as many seats as one may have.",
    HoldNotFound = "There is no such hold of the fan's.",
    HoldExpired = "The five minutes are over.",
    NothingToPay = "There is no live hold.",
    AmountNotPositive = "The amount is zero or negative.",
    InsufficientPoints = "The wallet has too few points.",
    BalanceLimitExceeded = "The wallet would have too many points.",
    IdempotencyKeyReused = "The key was used for something else.",
    ReservationNotFound = "There is no such standing reservation of the fan's.",
    CancellationClosed = "The concert has begun.",
}

/// Why something was not done, with what the fan may want to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A problem whose code says it all.
    Simple(ProblemCode),
    /// NOT_ADMITTED, with the place that is not admitted, if there is one.
    NotAdmitted(Option<TokenId>),
    /// SEAT_TAKEN, with those that were taken.
    SeatTaken(Vec<SeatId>),
    /// SEAT_LIMIT_REACHED, with the limit.
    SeatLimitReached(u32),
    /// TOKEN_EXPIRED: the time to take holds is over, of a place that lives until then because of those it has.
    ChoosingIsOver(Option<DateTime<Utc>>),
    /// SEAT_LIMIT_REACHED: too many holds have ended unpaid, until then.
    TooManyUnpaid(DateTime<Utc>),
    /// INSUFFICIENT_POINTS.
    InsufficientPoints {
        /// What the wallet has.
        balance: i32,
        /// What it would take.
        required: i32,
    },
    /// SEAT_TAKEN: no so many seats side by side are left.
    NoAdjacentSeats(i32),
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self::Simple(code)
    }
}

impl Problem {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Simple(code) => *code,
            Self::NotAdmitted(_) => ProblemCode::NotAdmitted,
            Self::SeatTaken(_) | Self::NoAdjacentSeats(_) => ProblemCode::SeatTaken,
            Self::ChoosingIsOver(_) => ProblemCode::TokenExpired,
            Self::SeatLimitReached(_) | Self::TooManyUnpaid(_) => ProblemCode::SeatLimitReached,
            Self::InsufficientPoints { .. } => ProblemCode::InsufficientPoints,
        }
    }
}

/// For the fan: what happened, and what to do next.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAdmitted(None) => {
                f.write_str("You have no place in the waiting room of this date: call issueToken first.")
            }
            Self::SeatTaken(seats) if seats.len() > 1 => {
                write!(f, "{} of these seats are taken; choose others.", seats.len())
            }
            Self::NoAdjacentSeats(count) => {
                write!(f, "No {count} seats side by side are left; ask for fewer, or choose them one by one.")
            }
            Self::SeatLimitReached(limit) => {
                write!(f, "One fan may have at most {limit} seats of this date, held and reserved together.")
            }
            Self::ChoosingIsOver(Some(until)) => write!(
                f,
                "Your time to choose seats is over; pay for those that you hold, the last of which ends at {}.",
                shown(*until)
            ),
            Self::TooManyUnpaid(until) => write!(
                f,
                "Too many of your holds of this date ended unpaid; you can hold seats of it again at {}.",
                shown(*until)
            ),
            Self::InsufficientPoints { balance, required } => write!(
                f,
                "This takes {required} points and the wallet has {balance}; charge {} and try again.",
                i64::from(*required) - i64::from(*balance)
            ),
            other => f.write_str(words(other.code())),
        }
    }
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn words(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::SeriesNotFound => "There is no such date.",
        ProblemCode::SaleNotOpen => "The sale of this date has not begun yet.",
        ProblemCode::SaleClosed => "The sale of this date is over.",
        ProblemCode::SalePaused => "The organiser has paused the sale; wait until it goes on.",
        ProblemCode::SoldOut => "Every seat of this date is sold.",
        ProblemCode::TokenExpired => "Your place in the waiting room is over; join again with issueToken.",
        ProblemCode::NotAdmitted => "It is not your turn yet; keep your place and wait to be admitted.",
        ProblemCode::SeatNotFound => "There is no such seat in this date.",
        ProblemCode::SeatTaken => "This seat is taken; choose another.",
        ProblemCode::SeatLimitReached => "You have as many seats of this date as one fan may have.",
        ProblemCode::HoldNotFound => "You have no such hold.",
        ProblemCode::HoldExpired => "The five minutes are over and the hold has ended; nothing was taken.",
        ProblemCode::NothingToPay => "There is no live hold to pay for.",
        ProblemCode::AmountNotPositive => "The amount must be at least 1 point.",
        ProblemCode::InsufficientPoints => "The wallet has too few points.",
        ProblemCode::BalanceLimitExceeded => "A wallet holds at most 1,000,000,000 points.",
        ProblemCode::IdempotencyKeyReused => {
            "This idempotency key was used with another input; use a new key for each thing you mean to do."
        }
        ProblemCode::ReservationNotFound => "You have no such standing reservation.",
        ProblemCode::CancellationClosed => "The concert has begun; its tickets can no longer be given back.",
    }
}
