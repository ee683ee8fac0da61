//! Joining, and giving a place up.

use uuid::Uuid;

use crate::{
    catalog::SeriesStatus,
    date::{
        command::{Kept, Outcome, Result},
        draft::Draft,
        event::{EndReason, Event},
        places::State,
    },
    id::{TokenId, UserId},
    identity::JoinOrder,
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
    may_wait(draft)?;
    let token = TokenId(new_id());
    draft.emit(joined(token, user, name, draft.last_in_order()));
    Ok(Outcome::Joined(token))
}

/// Nobody has been drawn before the draw, so that who comes back then joins the lobby like everybody else: what is hashed
/// of it is never anything but the joins in their order. After it the place goes where it stood.
pub(super) fn come_back(
    draft: &mut Draft<'_>,
    token: TokenId,
    user: &UserId,
    name: &PersonName,
    order: JoinOrder,
) -> Result<Outcome> {
    if let Some(place) = draft.place_of(user) {
        return Ok(Outcome::Already(place.token));
    }
    if draft.is_over(token) {
        return Ok(Outcome::Over(token));
    }
    may_wait(draft)?;
    if draft.place(token).is_some() {
        // Of somebody else, which a token of ours never says.
        return Err(Problem::NotAdmitted(None));
    }
    let order = if draft.is_drawn() { order } else { draft.last_in_order() };
    draft.emit(joined(token, user, name, order));
    Ok(Outcome::Joined(token))
}

fn may_wait(draft: &Draft<'_>) -> std::result::Result<(), ProblemCode> {
    match draft.status() {
        SeriesStatus::Closed => Err(ProblemCode::SaleClosed),
        SeriesStatus::SoldOut => Err(ProblemCode::SoldOut),
        SeriesStatus::Upcoming | SeriesStatus::OnSale | SeriesStatus::Paused => Ok(()),
    }
}

fn joined(token: TokenId, user: &UserId, name: &PersonName, JoinOrder { seq, lobby }: JoinOrder) -> Event {
    Event::Joined { token, user: user.clone(), name: name.clone(), seq, lobby }
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

/// A place that a live hold keeps open is to be told of again when the hold has ended.
pub(super) fn silent(draft: &mut Draft<'_>, tokens: &[TokenId]) -> Outcome {
    let mut kept = Vec::new();
    for token in tokens {
        let Some(place) = draft.place(*token).cloned() else { continue };
        draft.settle(&place.user);
        match draft.pinned_until(&place) {
            Some(until) => kept.push(Kept { token: *token, seq: place.seq, until }),
            None => draft.end(*token, EndReason::Silent),
        }
    }
    Outcome::Kept(kept)
}
