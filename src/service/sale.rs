//! Holding seats, paying for them, and giving them back.

use crate::{
    domain::{
        id::{HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
        identity::Caller,
        mistake::Mistake,
        page::{LedgerKey, Page, Slice, TicketKey},
        policy::QueuePolicy,
        sale::{Command, Hold, Outcome, Paid, Payment, Problem, ProblemCode, Reservation, Wallet},
        text::{IdempotencyKey, SectionName},
    },
    service::{Failure, House, committer::Best},
};

impl House {
    /// Holds all of these seats or none (rules 11 to 14). With an identity token the caller's live place in
    /// the series of the seats counts.
    ///
    /// # Errors
    /// The problems of holding; BAD_USER_INPUT for no seat, the same seat twice, or seats of several series.
    pub async fn hold_seats(&self, caller: &Caller, seats: Vec<SeatId>) -> Result<Vec<HoldId>, Failure> {
        let most = QueuePolicy::MAX_SEATS_PER_USER;
        if seats.is_empty() || seats.len() > most as usize {
            let n = seats.len();
            return Err(Failure::bad("seatIds", format!("must name 1 to {most} seats, not {n}")));
        }
        let again = (1..seats.len()).filter(|i| seats[..*i].contains(&seats[*i]));
        let again =
            again.map(|i| Mistake::at(["seatIds".into(), i.into()], "must not name a seat a second time"));
        let again: Vec<_> = again.collect();
        if !again.is_empty() {
            return Err(again.into());
        }
        let found = self.database.seats_by_id(&seats).await?;
        let series = match caller.pass {
            Some(pass) => pass.series,
            None => seats.iter().find_map(|id| found.get(id)).ok_or(ProblemCode::SeatNotFound)?.series,
        };
        if seats.iter().any(|id| !found.contains_key(id)) {
            return Err(ProblemCode::SeatNotFound.into());
        }
        // A queue token of another series: "only an ADMITTED token of that series holds seats" (rule 13).
        if caller.pass.is_some() && found.values().any(|seat| seat.series != series) {
            return Err(Problem::NotAdmitted(None).into());
        }
        let (user, token) = (caller.user.clone(), token_of(caller));
        self.held(Command::Hold { user, token, series, seats }).await
    }

    /// Holds the best `count` seats side by side (rule 14), of the series of the caller's queue token or place.
    ///
    /// # Errors
    /// The problems of holding; BAD_USER_INPUT for a section that is not there.
    pub async fn hold_best_seats(
        &self,
        caller: &Caller,
        count: usize,
        section: Option<SectionName>,
    ) -> Result<Vec<HoldId>, Failure> {
        let series = caller.pass.map(|pass| pass.series).ok_or_else(|| {
            let why =
                "cannot be answered: best seats need the queue token of a date, which says where to look";
            Failure::BadInput(vec![Mistake::at([], why)])
        })?;
        let map = self.maps.of(series).await?.ok_or(ProblemCode::SeriesNotFound)?;
        let section = match section {
            Some(name) => Some(map.section(&name).ok_or_else(|| {
                Failure::bad("section", format!("must be one of this date, and \"{name}\" is none"))
            })?),
            None => None,
        };
        let (user, token) = (caller.user.clone(), token_of(caller));
        held(self.committer.hold_best(Best { user, token, series, count, section }).await?)
    }

    async fn held(&self, command: Command) -> Result<Vec<HoldId>, Failure> {
        held(self.committer.run(command).await?)
    }

    /// Gives a hold back.
    ///
    /// # Errors
    /// The problems HOLD_NOT_FOUND and HOLD_EXPIRED.
    pub async fn release_hold(&self, caller: &Caller, hold: HoldId) -> Result<HoldId, Failure> {
        let found = self.hold(caller, hold).await?.ok_or(ProblemCode::HoldNotFound)?;
        let (user, series) = (caller.user.clone(), found.series);
        match self.committer.run(Command::Release { user, series, hold }).await? {
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
    ) -> Result<Paid, Failure> {
        let most = QueuePolicy::MAX_SEATS_PER_USER;
        if let Some(n) = holds.as_ref().map(Vec::len).filter(|n| *n > most as usize) {
            return Err(Failure::bad("holdIds", format!("must name at most {most} holds, not {n}")));
        }
        let holds = holds.map(|mut holds| {
            holds.sort_unstable();
            holds.dedup();
            holds
        });
        let series = self.series_to_pay(caller, holds.as_deref()).await?;
        let (user, token) = (caller.user.clone(), token_of(caller));
        match self.committer.run(Command::Pay { user, token, series, holds, key }).await? {
            Outcome::Paid(paid) => Ok(paid),
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
    ) -> Result<(ReservationId, Wallet), Failure> {
        let found = self.database.reservation(reservation).await?;
        let found = found.filter(|r| r.user == caller.user).ok_or(ProblemCode::ReservationNotFound)?;
        let (user, series) = (caller.user.clone(), found.series);
        match self.committer.run(Command::Cancel { user, series, reservation, key }).await? {
            Outcome::Cancelled(id, wallet) => Ok((id, wallet)),
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

/// How many seats side by side.
///
/// # Errors
/// A sentence that says how many there may be.
pub fn best_count(count: i32) -> Result<usize, String> {
    let most = QueuePolicy::MAX_SEATS_PER_USER;
    let fits = usize::try_from(count).ok().filter(|n| (1..=most as usize).contains(n));
    fits.ok_or_else(|| format!("must be between 1 and {most}, not {count}"))
}

pub(super) fn unexpected(outcome: &Outcome) -> Failure {
    Failure::Internal(format!("a command ended as {outcome:?}").into())
}

fn token_of(caller: &Caller) -> Option<TokenId> {
    caller.pass.map(|pass| pass.token)
}

fn held(outcome: Outcome) -> Result<Vec<HoldId>, Failure> {
    match outcome {
        Outcome::Held(holds) => Ok(holds),
        other => Err(unexpected(&other)),
    }
}
