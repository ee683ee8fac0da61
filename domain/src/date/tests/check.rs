//! The rules, asked of the rows, the date and the decision between them.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;

use super::Stage;
use crate::{
    catalog::SeriesStatus,
    date::{
        Decision, Event, Status,
        model::{Rows, Where},
    },
    sale::{HOLD_SECONDS, HoldStatus, SeatState},
};

/// What a decision may say, given the rows before it.
pub(super) fn decision(before: &Rows, decision: &Decision) {
    let now = decision.at;
    for event in &decision.events {
        match event {
            // Rule 12: to the millisecond.
            Event::Held { until, .. } => assert_eq!(*until, now + TimeDelta::seconds(HOLD_SECONDS)),
            Event::Lapsed { hold } => {
                let hold = before.holds.iter().find(|one| one.id == *hold).unwrap();
                assert!(hold.expires_at <= now, "rule 12: a hold lapsed too early");
            }
            _ => {}
        }
    }
    admissions(before, decision);
}

/// Rules 4 to 6: who is let in is next in line, and no more of them than may be.
fn admissions(before: &Rows, decision: &Decision) {
    let admitted: Vec<_> = decision
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Admitted { token, .. } => Some(*token),
            _ => None,
        })
        .collect();
    let gone: HashSet<_> = decision
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { token, .. } => Some(*token),
            _ => None,
        })
        .collect();
    let line = before.line();
    let next = line.iter().filter(|token| !gone.contains(token)).take(admitted.len()).copied();
    let next: Vec<_> = next.collect();
    assert_eq!(admitted[..next.len()], next[..], "not the next in line");
}

/// What holds whenever a decision has been committed.
pub(super) fn stage(stage: &Stage) {
    rows(&stage.rows);
    limits(&stage.rows, stage);
    memory(stage);
}

fn rows(rows: &Rows) {
    // Rule 4.
    let mut users = HashSet::new();
    for row in rows.tokens.iter().filter(|row| !matches!(row.at, Where::Ended(_))) {
        assert!(users.insert(&row.user), "rule 4: two live places of {}", row.user);
    }
    // Rule 11.
    let mut taken = BTreeMap::new();
    for hold in rows.holds.iter().filter(|hold| hold.status == HoldStatus::Active) {
        assert_eq!(taken.insert(hold.seat, hold.id), None, "rule 11: two holds of a seat");
        assert!(matches!(rows.seat(hold.seat).state, SeatState::Held { hold: of, .. } if of == hold.id));
    }
    for reservation in rows.standing() {
        assert!(!taken.contains_key(&reservation.seat), "rule 11: held and reserved");
        assert_eq!(rows.seat(reservation.seat).state, SeatState::Reserved(reservation.id));
    }
    let of_someone = taken.len() + rows.standing().count();
    let not_free = rows.seats.iter().filter(|seat| seat.state != SeatState::Free).count();
    assert_eq!(of_someone, not_free);
    // Rule 16.
    let mut balances = BTreeMap::new();
    for entry in &rows.entries {
        let balance = balances.entry(&entry.user).or_insert(0);
        *balance += entry.amount;
        assert_eq!(*balance, entry.balance_after);
        assert!(*balance >= 0, "rule 16: {} owes", entry.user);
    }
    // Rule 15: what was paid is what the tickets cost.
    for payment in rows.payments.values() {
        let tickets = rows.reservations.values().filter(|one| one.payment == payment.id);
        assert_eq!(tickets.map(|one| one.price).sum::<i32>(), payment.amount);
    }
}

/// Rules 6, 7 and 13.
fn limits(rows: &Rows, stage: &Stage) {
    let (policy, now) = (rows.settings.policy, stage.now);
    for row in &rows.tokens {
        let Where::Admitted(until) = row.at else { continue };
        let held =
            rows.live_holds(now).filter(|hold| hold.token == row.token).map(|hold| hold.expires_at).max();
        let longest = until + TimeDelta::seconds(HOLD_SECONDS);
        assert!(held.is_none_or(|end| end <= longest), "rule 7: {held:?} is after {longest}");
        assert!(now < until || held.is_some(), "rule 7: a session without end");
    }
    for row in &rows.tokens {
        let seats = rows.live_holds(now).filter(|hold| hold.user == row.user).count()
            + rows.standing().filter(|ticket| ticket.user == row.user).count();
        assert!(seats <= policy.max_seats_per_user as usize, "rule 13: {seats} seats of {}", row.user);
    }
    // Nobody waits who could be let in.
    let has_slot = policy.max_active.is_none_or(|most| rows.admitted() < most as usize);
    let has_turn =
        policy.admit_per_interval.is_none_or(|most| rows.admitted_within(&policy, now) < most as usize);
    let is_open = rows.drawn.is_some() && rows.status(now) == SeriesStatus::OnSale;
    assert!(!(is_open && has_slot && has_turn) || rows.line().is_empty(), "somebody waits for nothing");
}

/// The date in memory shows what the rows say.
fn memory(stage: &Stage) {
    let (rows, sale) = (&stage.rows, &stage.sale);
    let line = rows.line();
    for row in &rows.tokens {
        let shown = sale.position(row.token);
        match row.at {
            Where::Ended(_) => assert_eq!(shown, None),
            Where::Waiting => {
                let ahead = line.iter().position(|token| *token == row.token).unwrap();
                let position = rows.drawn.map(|_| u32::try_from(ahead).unwrap() + 1);
                let shown = shown.unwrap();
                assert_eq!((shown.status, shown.position), (Status::Waiting, position), "rule 8");
            }
            Where::Admitted(until) => {
                assert_eq!(shown.unwrap().admitted_until, Some(until));
                assert_eq!(sale.place_of(&row.user), Some(row.token));
            }
        }
    }
    let counts = sale.counts();
    assert_eq!((counts.waiting as usize, counts.admitted as usize), (line.len(), rows.admitted()));
    assert_eq!(sale.seats().version(), rows.seats_version);
    for (at, seat) in (0..).zip(&rows.seats) {
        assert_eq!(sale.seats().state(at), seat.state);
    }
}
