//! Joining, and giving a place up.

use uuid::Uuid;

use crate::{
    catalog::SeriesStatus,
    date::{
        command::{Outcome, Result},
        draft::Draft,
        event::{EndReason, Event},
        places::State,
    },
    id::{TokenId, UserId},
    sale::{Problem, ProblemCode},
    text::PersonName,
};

pub(super) fn join(
    draft: &mut Draft<'_>,
    user: &UserId,
    name: &PersonName,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Outcome> {
    if let Some(place) = draft.place_of(user) {
        return Ok(Outcome::Already(place.token));
    }
    match draft.status() {
        SeriesStatus::Closed => return Err(ProblemCode::SaleClosed.into()),
        SeriesStatus::SoldOut => return Err(ProblemCode::SoldOut.into()),
        SeriesStatus::Upcoming | SeriesStatus::OnSale | SeriesStatus::Paused => {}
    }
    let token = TokenId(new_id());
    let (user, name, seq, lobby) = (user.clone(), name.clone(), draft.next_seq, !draft.is_drawn());
    draft.emit(Event::Joined { token, user, name, seq, lobby });
    Ok(Outcome::Joined(token))
}

pub(super) fn leave(draft: &mut Draft<'_>, user: &UserId, token: TokenId) -> Result<Outcome> {
    let Some(place) = draft.place(token).filter(|place| place.user == *user) else {
        let was_theirs = draft.known.ended.get(&token).is_some_and(|(owner, _)| owner == user);
        return if was_theirs { Ok(Outcome::Over(token)) } else { Err(Problem::NotAdmitted(None)) };
    };
    if let State::Admitted { .. } = place.state {
        draft.settle(user);
        for hold in draft.live_holds_of(user).into_iter().filter(|hold| hold.token == token) {
            draft.end_unpaid(&hold);
        }
    }
    draft.end(token, EndReason::Left);
    Ok(Outcome::Over(token))
}

/// A place that a live hold keeps open is told of again when the hold has ended.
pub(super) fn silent(draft: &mut Draft<'_>, tokens: &[TokenId]) -> Outcome {
    for token in tokens {
        let Some(place) = draft.place(*token).cloned() else { continue };
        draft.settle(&place.user);
        if draft.pinned_until(&place).is_none() {
            draft.end(*token, EndReason::Silent);
        }
    }
    Outcome::Done
}
