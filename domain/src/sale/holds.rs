//! Holds: taking seats for five minutes, giving them back, and what becomes of the places behind them.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    catalog::SeriesStatus,
    id::{HoldId, SeatId, SeriesId, TokenId, UserId},
    sale::{
        HOLD_SECONDS,
        command::Outcome,
        problem::{Problem, ProblemCode},
        rows::{Hold, HoldStatus, ReservationStatus, SaleSeries, Seat, SeatState, SeatStatus, TokenStatus},
        unpaid::{self, expire_all, has_lapsed, mark_lapsed},
        working_set::WorkingSet,
    },
};

pub(super) fn hold(
    set: &mut WorkingSet,
    user: &UserId,
    token: Option<TokenId>,
    series: SeriesId,
    seats: &[SeatId],
    now: DateTime<Utc>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Outcome, Problem> {
    mark_lapsed(set, user, series, now);
    let limit = {
        let series = set.series.get(&series).ok_or(ProblemCode::SeriesNotFound)?;
        selling(series, now)?;
        series.policy.max_seats_per_user
    };
    let token = admitted(set, user, token, series)?;
    let wanted = find_seats(set, series, seats)?;
    // Asking again for a seat that one holds already is no new hold: a repeated click or a lost answer.
    let own = |seat: &Seat| own_hold(set, user, seat, now);
    // Who asks for the best seats and finds none has none of them yet.
    if wanted.is_empty() || wanted.iter().any(|seat| own(seat).is_none()) {
        may_take(set, user, token, series, now)?;
    }
    let taken: Vec<_> = wanted
        .iter()
        .filter(|seat| seat.state.status(now) != SeatStatus::Available && own(seat).is_none())
        .map(|seat| seat.id)
        .collect();
    if !taken.is_empty() {
        return Err(Problem::SeatTaken(taken));
    }
    let new = wanted.iter().filter(|seat| own(seat).is_none()).count();
    if seats_of(set, user, series, now) + new > limit as usize {
        return Err(Problem::SeatLimitReached(limit));
    }
    let wanted: Vec<_> = wanted.iter().map(|seat| (seat.id, seat.state, own(seat))).collect();
    let held = wanted.into_iter().map(|(seat, state, own)| {
        own.unwrap_or_else(|| {
            if let SeatState::Held { hold, .. } = state
                && let Some(owner) = set.holds.get(&hold).map(|hold| hold.user.clone())
            {
                mark_lapsed(set, &owner, series, now);
            }
            take(set, user, token, series, seat, now, HoldId(new_id()))
        })
    });
    Ok(Outcome::Held(held.collect()))
}

fn selling(series: &SaleSeries, now: DateTime<Utc>) -> Result<(), ProblemCode> {
    match series.state().status(now) {
        SeriesStatus::OnSale => Ok(()),
        SeriesStatus::Upcoming => Err(ProblemCode::SaleNotOpen),
        SeriesStatus::Paused => Err(ProblemCode::SalePaused),
        SeriesStatus::SoldOut => Err(ProblemCode::SoldOut),
        SeriesStatus::Closed => Err(ProblemCode::SaleClosed),
    }
}

/// The user's ADMITTED place of that series (rule 13).
fn admitted(
    set: &WorkingSet,
    user: &UserId,
    token: Option<TokenId>,
    series: SeriesId,
) -> Result<TokenId, Problem> {
    let pass = match token {
        Some(token) => set.passes.get(&token).filter(|pass| pass.user == *user),
        None => set.live_pass(user, series),
    };
    let pass = pass.filter(|pass| pass.series == series).ok_or(Problem::NotAdmitted(None))?;
    match pass.status {
        TokenStatus::Admitted => Ok(pass.id),
        TokenStatus::Waiting => Err(Problem::NotAdmitted(Some(pass.id))),
        TokenStatus::Completed | TokenStatus::Expired | TokenStatus::Left => {
            Err(ProblemCode::TokenExpired.into())
        }
    }
}

/// Whether new holds may be taken: by the place, until the time that was fixed at its admission (rule 7), and by the
/// user, who has not let too many end unpaid (rule 13).
fn may_take(
    set: &WorkingSet,
    user: &UserId,
    token: TokenId,
    series: SeriesId,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let admitted_until = set.passes.get(&token).and_then(|pass| pass.admitted_until);
    if admitted_until.is_none_or(|until| now >= until) {
        return Err(Problem::ChoosingIsOver(pinned_until(set, token, now)));
    }
    match set.unpaid.get(&(series, user.clone())).and_then(|unpaid| unpaid.barred_until(now)) {
        Some(until) => Err(Problem::TooManyUnpaid(until)),
        None => Ok(()),
    }
}

fn find_seats(set: &WorkingSet, series: SeriesId, seats: &[SeatId]) -> Result<Vec<Seat>, ProblemCode> {
    seats
        .iter()
        .map(|seat| set.seats.get(seat).filter(|seat| seat.series == series).cloned())
        .collect::<Option<_>>()
        .ok_or(ProblemCode::SeatNotFound)
}

fn own_hold(set: &WorkingSet, user: &UserId, seat: &Seat, now: DateTime<Utc>) -> Option<HoldId> {
    let SeatState::Held { hold, .. } = seat.state else { return None };
    set.holds.get(&hold).filter(|hold| hold.user == *user && hold.is_live(now)).map(|hold| hold.id)
}

/// Live holds plus standing reservations of the user in the series.
fn seats_of(set: &WorkingSet, user: &UserId, series: SeriesId, now: DateTime<Utc>) -> usize {
    let holds = set.holds.iter().filter(|h| h.user == *user && h.series == series && h.is_live(now));
    let reservations = set
        .reservations
        .iter()
        .filter(|r| r.user == *user && r.series == series && r.status == ReservationStatus::Confirmed);
    holds.count() + reservations.count()
}

fn take(
    set: &mut WorkingSet,
    user: &UserId,
    token: TokenId,
    series: SeriesId,
    seat: SeatId,
    now: DateTime<Utc>,
    id: HoldId,
) -> HoldId {
    let expires_at = now + TimeDelta::seconds(HOLD_SECONDS);
    if let Some(seat) = set.seats.change(&seat) {
        seat.state = SeatState::Held { hold: id, until: expires_at };
    }
    let status = HoldStatus::Active;
    let user = user.clone();
    set.holds.insert(id, Hold { id, user, token, series, seat, created_at: now, expires_at, status });
    id
}

pub(super) fn release(
    set: &mut WorkingSet,
    user: &UserId,
    id: HoldId,
    now: DateTime<Utc>,
) -> Result<Outcome, Problem> {
    let hold = set.holds.get(&id).filter(|hold| hold.user == *user).ok_or(ProblemCode::HoldNotFound)?;
    let (status, series) = (hold.status_at(now), hold.series);
    mark_lapsed(set, user, series, now);
    match status {
        HoldStatus::Active => finish(set, id, HoldStatus::Released, now),
        HoldStatus::Released => {}
        HoldStatus::Expired => return Err(ProblemCode::HoldExpired.into()),
        HoldStatus::Confirmed => return Err(ProblemCode::HoldNotFound.into()),
    }
    Ok(Outcome::Released(id))
}

pub(super) fn lapse(set: &mut WorkingSet, holds: &[HoldId], now: DateTime<Utc>) -> Outcome {
    let due = |hold: &&HoldId| set.holds.get(hold).is_some_and(|hold| has_lapsed(hold, now));
    let due: Vec<_> = holds.iter().filter(due).copied().collect();
    let lapsed = due.len();
    expire_all(set, due, now);
    Outcome::Lapsed(lapsed)
}

pub(super) fn end_session(set: &mut WorkingSet, token: TokenId, now: DateTime<Utc>) -> Outcome {
    if !is_admitted(set, token, now) {
        return Outcome::NotAdmitted;
    }
    if let Some(until) = pinned_until(set, token, now) {
        return Outcome::Pinned(until);
    }
    end_pass(set, token, TokenStatus::Expired)
}

pub(super) fn leave(set: &mut WorkingSet, token: TokenId, now: DateTime<Utc>) -> Outcome {
    if !is_admitted(set, token, now) {
        return Outcome::NotAdmitted;
    }
    let held: Vec<_> = set
        .holds
        .iter()
        .filter(|hold| hold.token == token && hold.is_live(now))
        .map(|hold| hold.id)
        .collect();
    for hold in held {
        finish(set, hold, HoldStatus::Released, now);
    }
    end_pass(set, token, TokenStatus::Left)
}

/// Whether the place is ADMITTED; what has lapsed of its owner's holds is marked then.
fn is_admitted(set: &mut WorkingSet, token: TokenId, now: DateTime<Utc>) -> bool {
    let admitted = set.passes.get(&token).filter(|pass| pass.status == TokenStatus::Admitted);
    let Some((user, series)) = admitted.map(|pass| (pass.user.clone(), pass.series)) else { return false };
    mark_lapsed(set, &user, series, now);
    true
}

pub(super) fn end_pass(set: &mut WorkingSet, token: TokenId, status: TokenStatus) -> Outcome {
    if let Some(pass) = set.passes.change(&token) {
        pass.status = status;
    }
    Outcome::Ended
}

/// Until when live holds keep the session of `token` open.
pub(super) fn pinned_until(set: &WorkingSet, token: TokenId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    set.holds.iter().filter(|hold| hold.token == token && hold.is_live(now)).map(|hold| hold.expires_at).max()
}

/// Ends a live hold unpaid, at its own end or at `now` if it is given back, and gives the seat back to the sale. Every
/// hold that is not paid ends here, so here it is counted (rule 13).
pub(super) fn finish(set: &mut WorkingSet, id: HoldId, status: HoldStatus, now: DateTime<Utc>) {
    let active = set.holds.get(&id).is_some_and(|hold| hold.status == HoldStatus::Active);
    let Some(hold) = active.then(|| set.holds.change(&id)).flatten() else { return };
    hold.status = status;
    let hold = hold.clone();
    let holds_it = |seat: &Seat| matches!(seat.state, SeatState::Held { hold, .. } if hold == id);
    if set.seats.get(&hold.seat).is_some_and(holds_it)
        && let Some(seat) = set.seats.change(&hold.seat)
    {
        seat.state = SeatState::Free;
    }
    unpaid::count(set, &hold, now.min(hold.expires_at));
}
