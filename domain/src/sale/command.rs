//! What can be asked of a sale, and what comes of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    id::{EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    sale::{holds, money, problem::Problem, rows::Wallet, working_set::WorkingSet},
    text::IdempotencyKey,
};

/// Something that changes a sale. The series is that of the seat, hold, reservation or token, which never
/// changes, so it is looked up before the batch and tells which series a batch has to lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hold all of these seats or none (rules 11 to 14).
    Hold {
        /// Who.
        user: UserId,
        /// The queue token that was shown; without one the user's live place of the series counts.
        token: Option<TokenId>,
        /// The series of the seats.
        series: SeriesId,
        /// Which, without repetition.
        seats: Vec<SeatId>,
    },
    /// Give a hold back.
    Release {
        /// Whose.
        user: UserId,
        /// The series of the hold.
        series: SeriesId,
        /// Which.
        hold: HoldId,
    },
    /// Put points into a wallet.
    Charge {
        /// Who asks; the key is theirs.
        caller: UserId,
        /// Whose wallet.
        wallet: UserId,
        /// Points.
        amount: i32,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Spend points on something that is not a ticket.
    Use {
        /// Whose wallet, and key.
        user: UserId,
        /// Points.
        amount: i32,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Pay for live holds of one series (rule 15).
    Pay {
        /// Who.
        user: UserId,
        /// The queue token that was shown.
        token: Option<TokenId>,
        /// The series of the holds.
        series: SeriesId,
        /// Which; `None` for every live one.
        holds: Option<Vec<HoldId>>,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Give a ticket back (rule 18).
    Cancel {
        /// Whose.
        user: UserId,
        /// The series of the reservation.
        series: SeriesId,
        /// Which.
        reservation: ReservationId,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Mark the holds of a series that have lapsed, so that watchers hear of it.
    Lapse {
        /// The series.
        series: SeriesId,
        /// Which holds to look at.
        holds: Vec<HoldId>,
    },
    /// The waiting room's word that an admitted fan is out of time or silent: ends the place unless a live
    /// hold pins it (rule 7).
    EndSession {
        /// The series.
        series: SeriesId,
        /// The place.
        token: TokenId,
    },
    /// An admitted fan leaves: their holds go back to the sale.
    Leave {
        /// The series.
        series: SeriesId,
        /// The place.
        token: TokenId,
    },
}

impl Command {
    /// The series that it changes, if any.
    #[must_use]
    pub fn series(&self) -> Option<SeriesId> {
        match self {
            Self::Hold { series, .. }
            | Self::Release { series, .. }
            | Self::Pay { series, .. }
            | Self::Cancel { series, .. }
            | Self::Lapse { series, .. }
            | Self::EndSession { series, .. }
            | Self::Leave { series, .. } => Some(*series),
            Self::Charge { .. } | Self::Use { .. } => None,
        }
    }

    /// Whose wallet it changes, if any.
    #[must_use]
    pub fn wallet(&self) -> Option<&UserId> {
        match self {
            Self::Charge { wallet, .. } => Some(wallet),
            Self::Use { user, .. } | Self::Pay { user, .. } | Self::Cancel { user, .. } => Some(user),
            Self::Hold { .. }
            | Self::Release { .. }
            | Self::Lapse { .. }
            | Self::EndSession { .. }
            | Self::Leave { .. } => None,
        }
    }

    /// Its idempotency key and whose that is, if it has one.
    #[must_use]
    pub fn key(&self) -> Option<(&UserId, &IdempotencyKey)> {
        match self {
            Self::Charge { caller, key, .. } => Some((caller, key)),
            Self::Use { user, key, .. } | Self::Pay { user, key, .. } | Self::Cancel { user, key, .. } => {
                Some((user, key))
            }
            Self::Hold { .. }
            | Self::Release { .. }
            | Self::Lapse { .. }
            | Self::EndSession { .. }
            | Self::Leave { .. } => None,
        }
    }

    /// The operation and its input in one line: what an idempotency key stands for (rule 17). The token is
    /// not part of it, so that a fan who joined again can repeat a payment that was made before.
    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Charge { wallet, amount, .. } => format!("charge {wallet} {amount}"),
            Self::Use { amount, .. } => format!("use {amount}"),
            Self::Pay { series, holds: None, .. } => format!("pay {series} all"),
            Self::Pay { series, holds: Some(holds), .. } => {
                let mut holds: Vec<_> = holds.iter().map(ToString::to_string).collect();
                holds.sort_unstable();
                format!("pay {series} {}", holds.join(" "))
            }
            Self::Cancel { reservation, .. } => format!("cancel {reservation}"),
            other => format!("{other:?}"),
        }
    }
}

/// What came of a command that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Seats are held, in the order in which they were asked for.
    Held(Vec<HoldId>),
    /// The hold is over.
    Released(HoldId),
    /// A line was added to the ledger, and how the wallet stands now.
    Points(EntryId, Wallet),
    /// Paid.
    Paid(Paid),
    /// The ticket was given back, and how the wallet stands now.
    Cancelled(ReservationId, Wallet),
    /// So many holds had lapsed.
    Lapsed(usize),
    /// The place is over.
    Ended,
    /// The place lives on until then because of a hold.
    Pinned(DateTime<Utc>),
    /// The place was not admitted any more (or not yet): nothing was done.
    NotAdmitted,
}

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The payment; its reservations carry its id.
    pub payment: PaymentId,
    /// How the wallet stands now.
    pub wallet: Wallet,
}

/// Decides one command: what comes of it, and the changes in `set`. `new_id` makes ids for what is created.
///
/// # Errors
/// The [`Problem`] for which nothing was done.
pub fn decide(
    set: &mut WorkingSet,
    command: &Command,
    now: DateTime<Utc>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Outcome, Problem> {
    match command {
        Command::Hold { user, token, series, seats } => {
            holds::hold(set, user, *token, *series, seats, now, new_id)
        }
        Command::Release { user, series: _, hold } => holds::release(set, user, *hold, now),
        Command::Lapse { series: _, holds } => Ok(holds::lapse(set, holds, now)),
        Command::EndSession { series: _, token } => Ok(holds::end_session(set, *token, now)),
        Command::Leave { series: _, token } => Ok(holds::leave(set, *token, now)),
        Command::Charge { caller, wallet, amount, key: _ } => {
            money::once(set, command, |set| money::charge(set, caller, wallet, *amount, now, new_id))
        }
        Command::Use { user, amount, key: _ } => {
            money::once(set, command, |set| money::spend(set, user, *amount, now, new_id))
        }
        Command::Pay { user, token, series, holds, key: _ } => money::once(set, command, |set| {
            money::pay(set, user, *token, *series, holds.as_deref(), now, new_id)
        }),
        Command::Cancel { user, series: _, reservation, key: _ } => {
            money::once(set, command, |set| money::cancel(set, user, *reservation, now, new_id))
        }
    }
}
