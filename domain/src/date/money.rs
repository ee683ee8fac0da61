//! Paying for holds, and giving tickets back.

use uuid::Uuid;

use crate::{
    date::{
        command::{Command, Outcome, Result, status_of},
        draft::Draft,
        event::{EndReason, Event, Ticket},
        holds::LiveHold,
        places::State,
        till::Once,
    },
    id::{EntryId, HoldId, PaymentId, ReservationId, TokenId, UserId},
    sale::{EntryKind, HoldStatus, Payment, ProblemCode, Reservation, ReservationStatus},
    wallet::Line,
};

type NewId<'a> = &'a mut dyn FnMut() -> Uuid;

/// Does `act` unless its key was used before: then answers with what came of it then (rule 17).
pub(super) fn once(
    draft: &mut Draft<'_>,
    command: &Command,
    act: impl FnOnce(&mut Draft<'_>) -> Result<Outcome>,
) -> Result<Outcome> {
    let (Some((owner, key)), Some(wallet)) = (command.key(), command.wallet()) else { return act(draft) };
    let fingerprint = command.fingerprint(draft.sale.id);
    let once = Once { key: (owner.clone(), key.clone()), fingerprint, wallet };
    if let Some(answered) = draft.known.till.answered(&once) {
        return answered;
    }
    let outcome = act(draft)?;
    if let Some(used) = draft.known.till.record(once, &outcome) {
        draft.emit(used);
    }
    Ok(outcome)
}

/// Payment, points, ledger line, seats and the place in one step, or nothing at all (rule 15).
pub(super) fn pay(
    draft: &mut Draft<'_>,
    user: &UserId,
    token: Option<TokenId>,
    wanted: Option<&[HoldId]>,
    new_id: NewId<'_>,
) -> Result<Outcome> {
    let holds = match wanted {
        Some(ids) => named_holds(draft, user, ids)?,
        None => live_holds(draft, user, token)?,
    };
    let prices = holds.iter().map(|hold| i64::from(draft.sale.seats.seat(hold.seat).price));
    // Seats cost at most what an Int holds all together, so this fits; the wallet would not have it anyway.
    let amount = i32::try_from(prices.sum::<i64>()).unwrap_or(i32::MAX);
    let payment = PaymentId(new_id());
    let line = Line { user, actor: None, kind: EntryKind::Use, amount: -amount, payment: Some(payment) };
    let (entry, wallet) = draft.known.till.post(&line, draft.now, || EntryId(new_id()))?;
    let paid = Paid { payment, line: entry.line };
    draft.emit(Event::Posted(entry));
    let reservations: Vec<_> =
        holds.iter().map(|hold| reservation(draft, hold, paid, ReservationId(new_id()))).collect();
    let tickets = holds.iter().zip(&reservations);
    let tickets = tickets.map(|(hold, ticket)| Ticket { hold: hold.id, reservation: ticket.id }).collect();
    draft.emit(Event::Paid { payment, line: paid.line, user: user.clone(), amount, tickets });
    for hold in &holds {
        if draft.place(hold.token).is_some_and(|place| matches!(place.state, State::Admitted { .. })) {
            draft.end(hold.token, EndReason::Paid);
        }
        // The same may be asked again in the same breath.
        let shown = draft.shown(hold, HoldStatus::Confirmed);
        draft.known.holds.insert(hold.id, shown);
    }
    let (series, created_at) = (draft.sale.id, draft.now);
    let made =
        Payment { id: payment, user: user.clone(), series, amount, refunded: 0, line: paid.line, created_at };
    for reservation in &reservations {
        draft.known.reservations.insert(reservation.id, reservation.clone());
    }
    Ok(Outcome::Paid(made, reservations, wallet))
}

/// A payment, and the line of the ledger that it stands in: the order of lists (rule 26).
#[derive(Clone, Copy)]
struct Paid {
    payment: PaymentId,
    line: i32,
}

fn reservation(draft: &Draft<'_>, hold: &LiveHold, paid: Paid, id: ReservationId) -> Reservation {
    let seat = draft.sale.seats.seat(hold.seat);
    Reservation {
        id,
        user: hold.user.clone(),
        series: draft.sale.id,
        seat: seat.id,
        payment: paid.payment,
        line: paid.line,
        price: seat.price,
        status: ReservationStatus::Confirmed,
        created_at: draft.now,
    }
}

fn named_holds(
    draft: &Draft<'_>,
    user: &UserId,
    ids: &[HoldId],
) -> std::result::Result<Vec<LiveHold>, ProblemCode> {
    let find = |id: &HoldId| match draft.hold(*id).filter(|hold| hold.user == *user) {
        Some(hold) if hold.is_live(draft.now) => Ok(hold.clone()),
        Some(_) => Err(ProblemCode::HoldExpired),
        None => match status_of(&draft.known, user, *id) {
            Some(HoldStatus::Expired) => Err(ProblemCode::HoldExpired),
            Some(HoldStatus::Confirmed) => Err(ProblemCode::NothingToPay),
            Some(HoldStatus::Active | HoldStatus::Released) | None => Err(ProblemCode::HoldNotFound),
        },
    };
    match ids {
        [] => Err(ProblemCode::NothingToPay),
        ids => ids.iter().map(find).collect(),
    }
}

/// Every live hold; if there is none but there was one, the fan came too late (rule 12).
fn live_holds(
    draft: &Draft<'_>,
    user: &UserId,
    token: Option<TokenId>,
) -> std::result::Result<Vec<LiveHold>, ProblemCode> {
    let live = draft.live_holds_of(user);
    let is_of = |of: &TokenId| token.is_none_or(|token| *of == token);
    let due = draft.holds_of(user);
    let mut lapsed =
        due.iter().map(|hold| &hold.token).chain(draft.known.lapsed.get(user).into_iter().flatten());
    if !live.is_empty() {
        Ok(live)
    } else if lapsed.any(is_of) {
        Err(ProblemCode::HoldExpired)
    } else {
        Err(ProblemCode::NothingToPay)
    }
}

pub(super) fn cancel(
    draft: &mut Draft<'_>,
    user: &UserId,
    id: ReservationId,
    new_id: NewId<'_>,
) -> Result<Outcome> {
    let standing = |r: &&Reservation| r.user == *user && r.status == ReservationStatus::Confirmed;
    let found = draft.known.reservations.get(&id).filter(standing).cloned();
    let reservation = found.ok_or(ProblemCode::ReservationNotFound)?;
    if draft.now >= draft.settings().start_at {
        return Err(ProblemCode::CancellationClosed.into());
    }
    let seat = draft.sale.seats.place_of(reservation.seat).ok_or(ProblemCode::ReservationNotFound)?;
    let (payment, price) = (reservation.payment, reservation.price);
    let line = Line { user, actor: None, kind: EntryKind::Refund, amount: price, payment: Some(payment) };
    let (entry, wallet) = draft.known.till.post(&line, draft.now, || EntryId(new_id()))?;
    draft.emit(Event::Posted(entry));
    let number = draft.sale.seats.seat(seat).number;
    draft.emit(Event::Cancelled { reservation: id, seat: number, user: user.clone(), payment, price });
    let cancelled = Reservation { status: ReservationStatus::Cancelled, ..reservation };
    draft.known.reservations.insert(id, cancelled.clone());
    Ok(Outcome::Cancelled(cancelled, wallet))
}
