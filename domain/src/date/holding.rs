//! Taking seats for five minutes, and giving them back.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    catalog::SeriesStatus,
    date::{
        cells::Cells,
        command::{Outcome, Result, SeatChoice, status_of},
        draft::Draft,
        event::Event,
        holds::LiveHold,
        places::{Place, State},
        time,
    },
    id::{HoldId, TokenId, UserId},
    sale::{HOLD_SECONDS, HoldStatus, Problem, ProblemCode, SeatState, SeatStatus},
};

pub(super) fn hold(
    draft: &mut Draft<'_>,
    user: &UserId,
    token: Option<TokenId>,
    seats: &SeatChoice,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Outcome> {
    draft.settle(user);
    selling(draft.status())?;
    let place = admitted(draft, user, token)?;
    let choice = choose(draft, seats)?;
    // Asking again for a seat that one holds already is no new hold: a repeated click or a lost answer.
    let wanted: Vec<_> = choice.iter().flatten().map(|seat| (*seat, own_hold(draft, user, *seat))).collect();
    let new = wanted.iter().filter(|(_, own)| own.is_none()).count();
    // Who asks for the best seats and finds none has none of them yet.
    if new > 0 || wanted.is_empty() {
        may_take(draft, &place)?;
    }
    if choice.is_none() {
        let SeatChoice::Best { count, .. } = seats else { return Err(ProblemCode::SeatNotFound.into()) };
        return Err(Problem::NoAdjacentSeats(*count));
    }
    let is_taken = |seat: u32| draft.seat(seat).status(draft.now) != SeatStatus::Available;
    let taken = wanted.iter().filter(|(seat, own)| own.is_none() && is_taken(*seat));
    let taken: Vec<_> = taken.map(|(seat, _)| draft.seat_id(*seat)).collect();
    if !taken.is_empty() {
        return Err(Problem::SeatTaken(taken));
    }
    let limit = draft.settings().policy.max_seats_per_user;
    if draft.live_holds_of(user).len() + draft.reserved_of(user) as usize + new > limit as usize {
        return Err(Problem::SeatLimitReached(limit));
    }
    let held = wanted.into_iter().map(|(seat, own)| {
        let hold = own.unwrap_or_else(|| take(draft, &place, seat, HoldId(new_id())));
        draft.shown(&hold, HoldStatus::Active)
    });
    Ok(Outcome::Held(held.collect()))
}

fn selling(status: SeriesStatus) -> std::result::Result<(), ProblemCode> {
    match status {
        SeriesStatus::OnSale => Ok(()),
        SeriesStatus::Upcoming => Err(ProblemCode::SaleNotOpen),
        SeriesStatus::Paused => Err(ProblemCode::SalePaused),
        SeriesStatus::SoldOut => Err(ProblemCode::SoldOut),
        SeriesStatus::Closed => Err(ProblemCode::SaleClosed),
    }
}

/// The user's ADMITTED place (rule 13).
fn admitted(draft: &Draft<'_>, user: &UserId, token: Option<TokenId>) -> Result<Place> {
    let place = match token {
        Some(token) => draft.place(token).filter(|place| place.user == *user),
        None => draft.place_of(user),
    };
    match place {
        Some(place) if matches!(place.state, State::Admitted { .. }) => Ok(place.clone()),
        Some(place) => Err(Problem::NotAdmitted(Some(place.token))),
        None => {
            let ended = token.and_then(|token| draft.known.ended.get(&token));
            match ended.filter(|(owner, _)| owner == user) {
                Some(_) => Err(ProblemCode::TokenExpired.into()),
                None => Err(Problem::NotAdmitted(None)),
            }
        }
    }
}

/// Whether new holds may be taken: by the place, until the time that was fixed at its admission (rule 7), and by the user,
/// who has not let too many end unpaid (rule 13).
fn may_take(draft: &Draft<'_>, place: &Place) -> Result<()> {
    let State::Admitted { until } = place.state else { return Err(Problem::NotAdmitted(Some(place.token))) };
    if draft.now >= time(until) {
        return Err(Problem::ChoosingIsOver(draft.pinned_until(place)));
    }
    match draft.unpaid_of(&place.user).barred_until(draft.now) {
        Some(until) => Err(Problem::TooManyUnpaid(until)),
        None => Ok(()),
    }
}

/// The places of the seats in the layout; `None` if no so many side by side are left.
fn choose(draft: &Draft<'_>, seats: &SeatChoice) -> std::result::Result<Option<Vec<u32>>, ProblemCode> {
    let map = &draft.sale.seats;
    let found: Option<Vec<_>> = match seats {
        SeatChoice::Ids(ids) => ids.iter().map(|id| map.place_of(*id)).collect(),
        SeatChoice::Numbers(numbers) => numbers.iter().map(|number| map.place_of_number(*number)).collect(),
        SeatChoice::Best { count, section } => {
            let section = section
                .as_ref()
                .map(|name| map.section(name).ok_or(ProblemCode::SeatNotFound))
                .transpose()?;
            let open = |seat| draft.seat(seat).status(draft.now) == SeatStatus::Available;
            let count = usize::try_from(*count).unwrap_or_default().max(1);
            return Ok(map.best_of(count, section.as_deref(), open));
        }
    };
    found.map(Some).ok_or(ProblemCode::SeatNotFound)
}

fn own_hold(draft: &Draft<'_>, user: &UserId, seat: u32) -> Option<LiveHold> {
    let SeatState::Held { hold, .. } = draft.seat(seat) else { return None };
    draft.hold(hold).filter(|hold| hold.user == *user && hold.is_live(draft.now)).cloned()
}

fn take(draft: &mut Draft<'_>, place: &Place, seat: u32, id: HoldId) -> LiveHold {
    // Whoever had it before has let it lapse.
    if let SeatState::Held { hold, .. } = draft.seat(seat)
        && let Some(owner) = draft.hold(hold).map(|hold| hold.user.clone())
    {
        draft.settle(&owner);
    }
    let (user, token) = (place.user.clone(), place.token);
    let until = draft.now + TimeDelta::seconds(HOLD_SECONDS);
    let number = draft.sale.seats.seat(seat).number;
    draft.emit(Event::Held { hold: id, seat: number, user: user.clone(), token, until });
    LiveHold { id, seat, user, token, created_at: draft.now, expires_at: until }
}

pub(super) fn release(draft: &mut Draft<'_>, user: &UserId, id: HoldId) -> Result<Outcome> {
    let hold = draft.hold(id).filter(|hold| hold.user == *user).cloned();
    draft.settle(user);
    let Some(hold) = hold else {
        return match status_of(&draft.known, user, id) {
            Some(HoldStatus::Released) => {
                let hold = draft.known.holds.get(&id).cloned().ok_or(ProblemCode::HoldNotFound)?;
                Ok(Outcome::Released(hold))
            }
            Some(HoldStatus::Expired) => Err(ProblemCode::HoldExpired.into()),
            Some(HoldStatus::Active | HoldStatus::Confirmed) | None => Err(ProblemCode::HoldNotFound.into()),
        };
    };
    if !hold.is_live(draft.now) {
        return Err(ProblemCode::HoldExpired.into());
    }
    draft.end_unpaid(&hold);
    let shown = draft.shown(&hold, HoldStatus::Released);
    // The same may be asked again in the same breath.
    draft.known.holds.insert(id, shown.clone());
    Ok(Outcome::Released(shown))
}
