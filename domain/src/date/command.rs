//! What can be asked of a date, what a decision has to be told beside it, and what comes of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    date::{event::EndReason, sale::Sale, till::Till},
    id::{EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    identity::JoinOrder,
    mistake::Mistake,
    policy::PolicyPatch,
    sale::{Entry, Hold, HoldStatus, KeyOf, Payment, Problem, Reservation, Wallet},
    text::{IdempotencyKey, PersonName, SectionName},
};

/// What came of a command, or the problem for which nothing was done.
pub type Result<T> = std::result::Result<T, Problem>;

/// Which seats somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatChoice {
    /// These, without repetition.
    Ids(Vec<SeatId>),
    /// Those of these numbers, without repetition.
    Numbers(Vec<i32>),
    /// The best so many side by side (rule 14).
    Best {
        /// How many, at least one.
        count: i32,
        /// In which section, if not anywhere.
        section: Option<SectionName>,
    },
}

/// Something that changes a date. Which date is the caller's knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Wait for this date (rule 4).
    Join {
        /// Who.
        user: UserId,
        /// As the user wants to be called.
        name: PersonName,
    },
    /// Come back, by a token of ours, to a place that neither memory nor any row knows, because the database was set back to
    /// an earlier state: it stands where it stood (rule 9).
    ComeBack {
        /// The place.
        token: TokenId,
        /// Whose it is.
        user: UserId,
        /// As the user wants to be called.
        name: PersonName,
        /// Where its join stood among the others.
        order: JoinOrder,
    },
    /// Give a place up; what it holds goes back to the sale.
    Leave {
        /// Whose.
        user: UserId,
        /// The place.
        token: TokenId,
    },
    /// Nobody has heard from these places for the whole timeout (rule 7).
    Silent {
        /// The places.
        tokens: Vec<TokenId>,
    },
    /// Hold all of these seats or none (rules 11 to 14).
    Hold {
        /// Who.
        user: UserId,
        /// The queue token that was shown; without one the user's live place counts.
        token: Option<TokenId>,
        /// Which.
        seats: SeatChoice,
    },
    /// Give a hold back.
    Release {
        /// Whose.
        user: UserId,
        /// Which.
        hold: HoldId,
    },
    /// Pay for live holds (rule 15).
    Pay {
        /// Who.
        user: UserId,
        /// The queue token that was shown.
        token: Option<TokenId>,
        /// Which; `None` for every live one.
        holds: Option<Vec<HoldId>>,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Give a ticket back (rule 18).
    Cancel {
        /// Whose.
        user: UserId,
        /// Which.
        reservation: ReservationId,
        /// Rule 17.
        key: IdempotencyKey,
    },
    /// Change some settings of the policy, which throws nobody out (rule 6).
    PatchPolicy(PolicyPatch),
    /// Stop admissions and holds, or let them go on.
    SetPaused(bool),
}

/// What came of a command that took effect; values, so that nothing has to be looked up for the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new place, or one that somebody came back to.
    Joined(TokenId),
    /// The user has a live place already (rule 4).
    Already(TokenId),
    /// The place is over: since now, or it had been.
    Over(TokenId),
    /// Seats are held, in the order in which they were asked for.
    Held(Vec<Hold>),
    /// The hold is over.
    Released(Hold),
    /// A line was added to the ledger, and how the wallet stands now.
    Posted(Entry, Wallet),
    /// Paid; the reservations are in the order of the holds.
    Paid(Payment, Vec<Reservation>, Wallet),
    /// The ticket was given back.
    Cancelled(Reservation, Wallet),
    /// Those of the silent places that are not over, because of a live hold; for [`Presence::kept`].
    ///
    /// [`Presence::kept`]: crate::presence::Presence::kept
    Kept(Vec<Kept>),
    /// It was done, and there is nothing to show.
    Done,
    /// Nothing was done, because what was asked for cannot be.
    Mistaken(Vec<Mistake>),
}

/// A silent place that a hold keeps open (rule 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The place.
    pub token: TokenId,
    /// The number of its join.
    pub seq: u64,
    /// The end of its last hold.
    pub until: DateTime<Utc>,
}

/// What an idempotency key was first used for (rule 17). Only what took effect is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The operation and its input, in one line of text.
    pub fingerprint: String,
    /// What came of it; the wallet in it is the one of then.
    pub outcome: Outcome,
}

/// Rows that a date does not keep in memory, which its commands name: loaded, and locked, before the decision.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The wallets, and the keys of the commands.
    pub till: Till,
    /// Places that are over.
    pub ended: HashMap<TokenId, (UserId, EndReason)>,
    /// Holds that are over.
    pub holds: HashMap<HoldId, Hold>,
    /// With which tokens a user has taken holds that lapsed.
    pub lapsed: HashMap<UserId, Vec<TokenId>>,
    /// Reservations.
    pub reservations: HashMap<ReservationId, Reservation>,
}

/// What has to be in [`Known`] for a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whose wallet.
    pub wallet: Option<UserId>,
    /// Which key.
    pub key: Option<KeyOf>,
    /// Which places.
    pub tokens: Vec<TokenId>,
    /// Which holds.
    pub holds: Vec<HoldId>,
    /// Whose lapsed holds.
    pub lapsed: Option<UserId>,
    /// Which reservation.
    pub reservation: Option<ReservationId>,
}

impl Command {
    /// What has to be loaded that `sale` does not know.
    #[must_use]
    pub fn needs(&self, sale: &Sale) -> Needs {
        let mut needs = Needs {
            wallet: self.wallet().cloned(),
            key: self.key().map(|(owner, key)| (owner.clone(), key.clone())),
            ..Needs::default()
        };
        let is_over = |token: &TokenId| !sale.is_live(*token);
        match self {
            Self::Leave { token, .. } | Self::ComeBack { token, .. } => {
                needs.tokens.extend(Some(*token).filter(is_over));
            }
            Self::Hold { token, .. } => needs.tokens.extend(token.filter(is_over)),
            Self::Release { hold, .. } => {
                needs.holds.extend(Some(*hold).filter(|hold| !sale.has_hold(*hold)))
            }
            Self::Pay { holds: Some(holds), .. } => {
                needs.holds.extend(holds.iter().filter(|hold| !sale.has_hold(**hold)));
            }
            // Only who has nothing to pay is told why.
            Self::Pay { holds: None, user, .. } => {
                needs.lapsed = Some(user.clone()).filter(|user| !sale.has_holds(user));
            }
            Self::Cancel { reservation, .. } => needs.reservation = Some(*reservation),
            Self::Join { .. } | Self::Silent { .. } | Self::PatchPolicy(_) | Self::SetPaused(_) => {}
        }
        needs
    }

    /// Whose wallet it changes, if any.
    #[must_use]
    pub fn wallet(&self) -> Option<&UserId> {
        match self {
            Self::Pay { user, .. } | Self::Cancel { user, .. } => Some(user),
            _ => None,
        }
    }

    /// Its idempotency key and whose that is, if it has one.
    #[must_use]
    pub fn key(&self) -> Option<(&UserId, &IdempotencyKey)> {
        match self {
            Self::Pay { user, key, .. } | Self::Cancel { user, key, .. } => Some((user, key)),
            _ => None,
        }
    }

    /// The operation and its input in one line: what an idempotency key stands for (rule 17). The token is not part of
    /// it, so that a fan who joined again can repeat a payment that was made before.
    pub(super) fn fingerprint(&self, series: SeriesId) -> String {
        match self {
            Self::Pay { holds: None, .. } => format!("pay {series} all"),
            Self::Pay { holds: Some(holds), .. } => {
                let mut holds: Vec<_> = holds.iter().map(ToString::to_string).collect();
                holds.sort_unstable();
                format!("pay {series} {}", holds.join(" "))
            }
            Self::Cancel { reservation, .. } => format!("cancel {reservation}"),
            other => format!("{other:?}"),
        }
    }
}

impl Outcome {
    /// The id of the thing that came of it, by which a repeated key finds it again.
    pub(super) fn result(&self) -> Option<Uuid> {
        match self {
            Self::Posted(Entry { id: EntryId(id), .. }, _)
            | Self::Paid(Payment { id: PaymentId(id), .. }, ..)
            | Self::Cancelled(Reservation { id: ReservationId(id), .. }, _) => Some(*id),
            _ => None,
        }
    }

    /// The same with how the wallet stands now.
    pub(super) fn with_wallet(self, now: Wallet) -> Self {
        match self {
            Self::Posted(entry, _) => Self::Posted(entry, now),
            Self::Paid(payment, reservations, _) => Self::Paid(payment, reservations, now),
            Self::Cancelled(reservation, _) => Self::Cancelled(reservation, now),
            other => other,
        }
    }
}

/// Whether a hold that is over was paid, lapsed or given back is what its owner is told.
pub(super) fn status_of(known: &Known, user: &UserId, hold: HoldId) -> Option<HoldStatus> {
    known.holds.get(&hold).filter(|hold| hold.user == *user).map(|hold| hold.status)
}
