//! Holding seats, paying for them, and giving them back.

use std::sync::Arc;

use crate::{
    domain::{
        date::{Command, Outcome, SeatChoice},
        id::{HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
        identity::Caller,
        mistake::Mistake,
        page::{LedgerKey, Page, Slice, TicketKey},
        policy::QueuePolicy,
        sale::{Hold, Payment, Problem, ProblemCode, Reservation, Wallet},
        text::{IdempotencyKey, SectionName},
    },
    service::{Date, Failure, Services},
};

/// Seats that a fan wants, as they were named.
#[derive(Clone, Debug)]
pub enum NamedSeats {
    /// By their ids, which say of which date they are.
    Ids(Vec<SeatId>),
    /// By their numbers in a date; left out, that of the queue token.
    Numbers(Option<SeriesId>, Vec<i32>),
}

impl From<Vec<SeatId>> for NamedSeats {
    fn from(ids: Vec<SeatId>) -> Self {
        Self::Ids(ids)
    }
}

impl Services {
    /// Holds all of these seats or none (rules 11 to 14). With an identity token the caller's live place in
    /// the series of the seats counts.
    ///
    /// # Errors
    /// The problems of holding; BAD_USER_INPUT for no seat, the same seat twice, or seats of several series.
    pub async fn hold_seats(
        &self,
        caller: &Caller,
        seats: impl Into<NamedSeats>,
    ) -> Result<Vec<Hold>, Failure> {
        let (date, seats) = match seats.into() {
            NamedSeats::Ids(ids) => {
                each_once("seatIds", &ids)?;
                (self.date_of_seats(caller, &ids).await?, SeatChoice::Ids(ids))
            }
            NamedSeats::Numbers(series, numbers) => {
                each_once("numbers", &numbers)?;
                (self.date_of_numbers(caller, series).await?, SeatChoice::Numbers(numbers))
            }
        };
        let (user, token) = (caller.user.clone(), token_of(caller));
        held(&date, caller, Command::Hold { user, token, seats }).await
    }

    /// The date whose seats a caller means by their numbers alone.
    async fn date_of_numbers(&self, caller: &Caller, series: Option<SeriesId>) -> Result<Arc<Date>, Failure> {
        match (caller.pass.map(|pass| pass.series), series) {
            // As for seats of another series (rule 13).
            (Some(own), Some(other)) if own != other => Err(Problem::NotAdmitted(None).into()),
            (Some(series), _) | (None, Some(series)) => self.date_to_join(series).await,
            (None, None) => {
                let why = "must say of which date the numbers are: an identity token is of none";
                Err(Failure::bad("seriesId", why))
            }
        }
    }

    /// The date of the queue token, if these are seats of it; with an identity token, the date of the first seat.
    async fn date_of_seats(&self, caller: &Caller, seats: &[SeatId]) -> Result<Arc<Date>, Failure> {
        let found = match caller.pass {
            Some(pass) => {
                let date = self.sales.of(pass.series).await?;
                if date.see(|sale| seats.iter().all(|seat| sale.seats().place_of(*seat).is_some())) {
                    return Ok(date);
                }
                self.database.seats_by_id(seats).await?
            }
            None => self.database.seats_by_id(seats).await?,
        };
        if seats.iter().any(|id| !found.contains_key(id)) {
            return Err(ProblemCode::SeatNotFound.into());
        }
        // A queue token of another series: "only an ADMITTED token of that series holds seats" (rule 13).
        if caller.pass.is_some() {
            return Err(Problem::NotAdmitted(None).into());
        }
        let first = seats.first().and_then(|id| found.get(id)).ok_or(ProblemCode::SeatNotFound)?;
        Ok(self.sales.of(first.series).await?)
    }

    /// Holds the best `count` seats side by side (rule 14), of the series of the caller's queue token or place.
    ///
    /// # Errors
    /// The problems of holding; BAD_USER_INPUT for a section that is not there.
    pub async fn hold_best_seats(
        &self,
        caller: &Caller,
        count: i32,
        section: Option<SectionName>,
    ) -> Result<Vec<Hold>, Failure> {
        let series = caller.pass.map(|pass| pass.series).ok_or_else(|| {
            let why =
                "cannot be answered: best seats need the queue token of a date, which says where to look";
            Failure::BadInput(vec![Mistake::at([], why)])
        })?;
        let date = self.sales.of(series).await?;
        if let Some(name) = &section
            && date.see(|sale| sale.seats().section(name).is_none())
        {
            return Err(Failure::bad("section", format!("must be one of this date, and \"{name}\" is none")));
        }
        let (user, token) = (caller.user.clone(), token_of(caller));
        held(&date, caller, Command::Hold { user, token, seats: SeatChoice::Best { count, section } }).await
    }

    /// Gives a hold back.
    ///
    /// # Errors
    /// The problems HOLD_NOT_FOUND and HOLD_EXPIRED.
    pub async fn release_hold(&self, caller: &Caller, hold: HoldId) -> Result<Hold, Failure> {
        let found = self.hold(caller, hold).await?.ok_or(ProblemCode::HoldNotFound)?;
        let date = self.sales.of(found.series).await?;
        match run(&date, caller, Command::Release { user: caller.user.clone(), hold }).await? {
            Outcome::Released(hold) => Ok(hold),
            other => Err(unexpected(&other)),
        }
    }

    /// Pays for holds, of the series of the queue token or of the holds that are named (rule 15).
    ///
    /// # Errors
    /// The problems of paying; BAD_USER_INPUT for more holds than one can have.
    pub async fn pay(
        &self,
        caller: &Caller,
        holds: Option<Vec<HoldId>>,
        key: IdempotencyKey,
    ) -> Result<(Payment, Vec<Reservation>, Wallet), Failure> {
        let most = QueuePolicy::MAX_SEATS_PER_USER;
        if let Some(n) = holds.as_ref().map(Vec::len).filter(|n| *n > most as usize) {
            return Err(Failure::bad("holdIds", format!("must name at most {most} holds, not {n}")));
        }
        let holds = holds.map(|mut holds| {
            holds.sort_unstable();
            holds.dedup();
            holds
        });
        let date = self.sales.of(self.series_to_pay(caller, holds.as_deref()).await?).await?;
        let (user, token) = (caller.user.clone(), token_of(caller));
        match run(&date, caller, Command::Pay { user, token, holds, key }).await? {
            Outcome::Paid(payment, reservations, wallet) => Ok((payment, reservations, wallet)),
            other => Err(unexpected(&other)),
        }
    }

    async fn series_to_pay(&self, caller: &Caller, holds: Option<&[HoldId]>) -> Result<SeriesId, Failure> {
        if let Some(pass) = caller.pass {
            return Ok(pass.series);
        }
        // An identity token: the holds say which series, or else the one that was last held of.
        let hold = match holds {
            Some(ids) => {
                let found = self.database.holds_by_id(ids).await?;
                let hold = ids.iter().find_map(|id| found.get(id)).filter(|hold| hold.user == caller.user);
                hold.cloned().ok_or(ProblemCode::HoldNotFound)?
            }
            None => self.database.latest_hold(&caller.user).await?.ok_or(ProblemCode::NothingToPay)?,
        };
        Ok(hold.series)
    }

    /// Gives a ticket back (rule 18).
    ///
    /// # Errors
    /// The problems of cancelling.
    pub async fn cancel(
        &self,
        caller: &Caller,
        reservation: ReservationId,
        key: IdempotencyKey,
    ) -> Result<(Reservation, Wallet), Failure> {
        let found = self.database.reservation(reservation).await?;
        let found = found.filter(|r| r.user == caller.user).ok_or(ProblemCode::ReservationNotFound)?;
        let date = self.sales.of(found.series).await?;
        match date.run(Command::Cancel { user: caller.user.clone(), reservation, key }).await? {
            Outcome::Cancelled(reservation, wallet) => Ok((reservation, wallet)),
            other => Err(unexpected(&other)),
        }
    }

    /// The caller's live holds.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds(&self, caller: &Caller) -> Result<Vec<Hold>, Failure> {
        Ok(self.database.live_holds(&caller.user, None, self.clock.now()).await?)
    }

    /// A hold that the caller may read.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn hold(&self, caller: &Caller, id: HoldId) -> Result<Option<Hold>, Failure> {
        let found = self.database.holds_by_id(&[id]).await?.remove(&id);
        Ok(found.filter(|hold| caller.may_read_of(&hold.user)))
    }

    /// A reservation that the caller may read.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reservation(
        &self,
        caller: &Caller,
        id: ReservationId,
    ) -> Result<Option<Reservation>, Failure> {
        Ok(self.database.reservation(id).await?.filter(|found| caller.may_read_of(&found.user)))
    }

    /// A payment that the caller may read.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn payment(&self, caller: &Caller, id: PaymentId) -> Result<Option<Payment>, Failure> {
        let found = self.database.payments_by_id(&[id]).await?.remove(&id);
        Ok(found.filter(|payment| caller.may_read_of(&payment.user)))
    }

    /// The reservations of the caller, or for an ADMIN of anybody.
    ///
    /// # Errors
    /// FORBIDDEN for another user's.
    pub async fn reservations(
        &self,
        caller: &Caller,
        user: UserId,
        page: Page<TicketKey>,
    ) -> Result<Slice<TicketKey, Reservation>, Failure> {
        Ok(self.database.reservations(&readable(caller, Some(user))?, page).await?)
    }

    /// The payments of the caller, or for an ADMIN of anybody.
    ///
    /// # Errors
    /// FORBIDDEN for another user's.
    pub async fn payments(
        &self,
        caller: &Caller,
        user: UserId,
        page: Page<LedgerKey>,
    ) -> Result<Slice<LedgerKey, Payment>, Failure> {
        Ok(self.database.payments(&readable(caller, Some(user))?, page).await?)
    }
}

/// Whose things are asked for, if the caller may read them (rule 2).
pub(super) fn readable(caller: &Caller, user: Option<UserId>) -> Result<UserId, Failure> {
    let user = user.unwrap_or_else(|| caller.user.clone());
    if caller.may_read_of(&user) {
        Ok(user)
    } else {
        Err(Failure::Forbidden("Only an ADMIN may read what is another user's; leave userId out.".into()))
    }
}

/// There are some, not too many, and none of them twice.
fn each_once<T: PartialEq>(field: &'static str, seats: &[T]) -> Result<(), Failure> {
    let most = QueuePolicy::MAX_SEATS_PER_USER;
    if seats.is_empty() || seats.len() > most as usize {
        return Err(Failure::bad(field, format!("must name 1 to {most} seats, not {}", seats.len())));
    }
    let again = (1..seats.len()).filter(|at| seats[..*at].contains(&seats[*at]));
    let again = again.map(|at| Mistake::at([field.into(), at.into()], "must not name a seat a second time"));
    let again: Vec<_> = again.collect();
    if again.is_empty() { Ok(()) } else { Err(again.into()) }
}

/// How many seats side by side.
///
/// # Errors
/// A sentence that says how many there may be.
pub fn best_count(count: i32) -> Result<i32, String> {
    let most = QueuePolicy::MAX_SEATS_PER_USER;
    let fits = Some(count).filter(|n| u32::try_from(*n).is_ok_and(|n| (1..=most).contains(&n)));
    fits.ok_or_else(|| format!("must be between 1 and {most}, not {count}"))
}

pub(super) fn unexpected(outcome: &Outcome) -> Failure {
    Failure::Internal(format!("a command ended as {outcome:?}").into())
}

fn token_of(caller: &Caller) -> Option<TokenId> {
    caller.pass.map(|pass| pass.token)
}

/// Runs a command of a fan's, which is a sign of life too.
async fn run(date: &Date, caller: &Caller, command: Command) -> Result<Outcome, Failure> {
    if let Some(token) = date.place_of(&caller.user) {
        let _ = date.hear(token);
    }
    Ok(date.run(command).await?)
}

async fn held(date: &Date, caller: &Caller, command: Command) -> Result<Vec<Hold>, Failure> {
    match run(date, caller, command).await? {
        Outcome::Held(holds) => Ok(holds),
        other => Err(unexpected(&other)),
    }
}
