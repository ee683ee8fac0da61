//! Points: charging, spending, paying for holds, and giving tickets back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    id::{EntryId, HoldId, PaymentId, ReservationId, SeriesId, TokenId, UserId},
    sale::{
        command::{Command, Outcome, Paid},
        holds::end_pass,
        problem::{Problem, ProblemCode},
        rows::{
            EntryKind, Hold, HoldStatus, Payment, Recorded, Reservation, ReservationStatus, SeatState,
            TokenStatus, Wallet,
        },
        working_set::WorkingSet,
    },
    wallet::{Line, positive},
};

type NewId<'a> = &'a mut dyn FnMut() -> Uuid;

/// Does `act` unless its key was used before: then answers with what came of it then (rule 17). A command that
/// ended in a problem did nothing, so it does not use up its key.
pub(super) fn once(
    set: &mut WorkingSet,
    command: &Command,
    act: impl FnOnce(&mut WorkingSet) -> Result<Outcome, Problem>,
) -> Result<Outcome, Problem> {
    let (Some((owner, key)), Some(wallet)) = (command.key(), command.wallet()) else { return act(set) };
    let key = (owner.clone(), key.clone());
    let fingerprint = command.fingerprint();
    if let Some(recorded) = set.keys.get(&key) {
        return if recorded.fingerprint == fingerprint {
            Ok(replay(command, recorded.result, wallet_of(set, wallet)))
        } else {
            Err(ProblemCode::IdempotencyKeyReused.into())
        };
    }
    let outcome = act(set)?;
    if let Some(result) = result_of(&outcome) {
        set.keys.insert(key, Recorded { fingerprint, result });
    }
    Ok(outcome)
}

fn result_of(outcome: &Outcome) -> Option<Uuid> {
    match outcome {
        Outcome::Points(entry, _) => Some(entry.0),
        Outcome::Paid(paid) => Some(paid.payment.0),
        Outcome::Cancelled(reservation, _) => Some(reservation.0),
        _ => None,
    }
}

fn replay(command: &Command, result: Uuid, wallet: Wallet) -> Outcome {
    match command {
        Command::Pay { .. } => Outcome::Paid(Paid { payment: PaymentId(result), wallet }),
        Command::Cancel { .. } => Outcome::Cancelled(ReservationId(result), wallet),
        _ => Outcome::Points(EntryId(result), wallet),
    }
}

/// The ledger says who charged, unless that is the owner.
pub(super) fn charge(
    set: &mut WorkingSet,
    caller: &UserId,
    wallet: &UserId,
    amount: i32,
    now: DateTime<Utc>,
    new_id: NewId<'_>,
) -> Result<Outcome, Problem> {
    positive(amount)?;
    let actor = Some(caller).filter(|caller| *caller != wallet);
    let line = Line { user: wallet, actor, kind: EntryKind::Charge, amount, payment: None };
    let (entry, wallet) = post(set, &line, now, new_id)?;
    Ok(Outcome::Points(entry, wallet))
}

pub(super) fn spend(
    set: &mut WorkingSet,
    user: &UserId,
    amount: i32,
    now: DateTime<Utc>,
    new_id: NewId<'_>,
) -> Result<Outcome, Problem> {
    positive(amount)?;
    let line = Line { user, actor: None, kind: EntryKind::Use, amount: -amount, payment: None };
    let (entry, wallet) = post(set, &line, now, new_id)?;
    Ok(Outcome::Points(entry, wallet))
}

/// Payment, points, ledger line, seats and the place in one step, or nothing at all (rule 15).
pub(super) fn pay(
    set: &mut WorkingSet,
    user: &UserId,
    token: Option<TokenId>,
    series: SeriesId,
    wanted: Option<&[HoldId]>,
    now: DateTime<Utc>,
    new_id: NewId<'_>,
) -> Result<Outcome, Problem> {
    let holds = match wanted {
        Some(ids) => named_holds(set, user, series, ids, now)?,
        None => live_holds(set, user, token, series, now)?,
    };
    let prices = holds.iter().filter_map(|hold| set.seats.get(&hold.seat)).map(|seat| i64::from(seat.price));
    // Seats cost at most what an Int holds all together, so this fits; the wallet would not have it anyway.
    let amount = i32::try_from(prices.sum::<i64>()).unwrap_or(i32::MAX);
    let payment = PaymentId(new_id());
    let line = Line { user, actor: None, kind: EntryKind::Use, amount: -amount, payment: Some(payment) };
    let (_, wallet) = post(set, &line, now, new_id)?;
    for hold in &holds {
        confirm(set, hold, payment, wallet.lines, now, new_id);
    }
    let (user, line) = (user.clone(), wallet.lines);
    let made = Payment { id: payment, user, series, line, amount, refunded: 0, created_at: now };
    set.payments.insert(payment, made);
    for token in holds.iter().map(|hold| hold.token) {
        if set.passes.get(&token).is_some_and(|pass| pass.status == TokenStatus::Admitted) {
            end_pass(set, token, TokenStatus::Completed);
        }
    }
    Ok(Outcome::Paid(Paid { payment, wallet }))
}

fn named_holds(
    set: &WorkingSet,
    user: &UserId,
    series: SeriesId,
    ids: &[HoldId],
    now: DateTime<Utc>,
) -> Result<Vec<Hold>, ProblemCode> {
    let find = |id| {
        let own = set.holds.get(id).filter(|hold| hold.user == *user && hold.series == series);
        let hold = own.ok_or(ProblemCode::HoldNotFound)?;
        match hold.status_at(now) {
            HoldStatus::Active => Ok(hold.clone()),
            HoldStatus::Expired => Err(ProblemCode::HoldExpired),
            HoldStatus::Confirmed => Err(ProblemCode::NothingToPay),
            HoldStatus::Released => Err(ProblemCode::HoldNotFound),
        }
    };
    match ids {
        [] => Err(ProblemCode::NothingToPay),
        ids => ids.iter().map(find).collect(),
    }
}

/// Every live hold of the series; if there is none but there was one, the fan came too late (rule 12).
fn live_holds(
    set: &WorkingSet,
    user: &UserId,
    token: Option<TokenId>,
    series: SeriesId,
    now: DateTime<Utc>,
) -> Result<Vec<Hold>, ProblemCode> {
    let own = || set.holds.iter().filter(|hold| hold.user == *user && hold.series == series);
    let live: Vec<_> = own().filter(|hold| hold.is_live(now)).cloned().collect();
    let lapsed = |hold: &Hold| {
        hold.status_at(now) == HoldStatus::Expired && token.is_none_or(|token| hold.token == token)
    };
    if !live.is_empty() {
        Ok(live)
    } else if own().any(lapsed) {
        Err(ProblemCode::HoldExpired)
    } else {
        Err(ProblemCode::NothingToPay)
    }
}

fn confirm(
    set: &mut WorkingSet,
    hold: &Hold,
    payment: PaymentId,
    line: i32,
    now: DateTime<Utc>,
    new_id: NewId<'_>,
) {
    let id = ReservationId(new_id());
    let Some(seat) = set.seats.change(&hold.seat) else { return };
    seat.state = SeatState::Reserved(id);
    let price = seat.price;
    if let Some(hold) = set.holds.change(&hold.id) {
        hold.status = HoldStatus::Confirmed;
    }
    if let Some(series) = set.series.change(&hold.series) {
        series.reserved_count += 1;
    }
    set.reservations.insert(
        id,
        Reservation {
            id,
            user: hold.user.clone(),
            series: hold.series,
            seat: hold.seat,
            payment,
            line,
            price,
            status: ReservationStatus::Confirmed,
            created_at: now,
        },
    );
}

pub(super) fn cancel(
    set: &mut WorkingSet,
    user: &UserId,
    id: ReservationId,
    now: DateTime<Utc>,
    new_id: NewId<'_>,
) -> Result<Outcome, Problem> {
    let standing = |r: &&Reservation| r.user == *user && r.status == ReservationStatus::Confirmed;
    let reservation = set.reservations.get(&id).filter(standing).ok_or(ProblemCode::ReservationNotFound)?;
    let (series, seat, payment, price) =
        (reservation.series, reservation.seat, reservation.payment, reservation.price);
    if set.series.get(&series).is_none_or(|series| now >= series.start_at) {
        return Err(ProblemCode::CancellationClosed.into());
    }
    let line = Line { user, actor: None, kind: EntryKind::Refund, amount: price, payment: Some(payment) };
    let (_, wallet) = post(set, &line, now, new_id)?;
    if let Some(payment) = set.payments.change(&payment) {
        payment.refunded += price;
    }
    if let Some(reservation) = set.reservations.change(&id) {
        reservation.status = ReservationStatus::Cancelled;
    }
    if let Some(series) = set.series.change(&series) {
        series.reserved_count -= 1;
    }
    if let Some(seat) = set.seats.change(&seat) {
        seat.state = SeatState::Free;
    }
    Ok(Outcome::Cancelled(id, wallet))
}

fn wallet_of(set: &WorkingSet, user: &UserId) -> Wallet {
    set.wallets.get(user).cloned().unwrap_or_else(|| Wallet::empty(user))
}

/// Adds a line to a ledger and moves the balance with it (rule 16).
fn post(
    set: &mut WorkingSet,
    line: &Line<'_>,
    now: DateTime<Utc>,
    new_id: NewId<'_>,
) -> Result<(EntryId, Wallet), Problem> {
    let (entry, wallet) = wallet_of(set, line.user).posted(line, now, || EntryId(new_id()))?;
    let id = entry.id;
    set.entries.insert(id, entry);
    match set.wallets.change(line.user) {
        Some(row) => *row = wallet.clone(),
        None => set.wallets.insert(line.user.clone(), wallet.clone()),
    }
    Ok((id, wallet))
}
