//! One test a rule, with plain values; `walk` holds the whole room against a naive model.

mod deadlines;
mod model;
mod sales;
mod steps;
mod tickets;
mod waits;
mod walk;

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::lobby;

const T0: i64 = 1_800_000_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    at_ms(seconds * 1_000)
}

fn at_ms(ms: i64) -> DateTime<Utc> {
    time(T0 + ms)
}

fn token(n: u64) -> TokenId {
    TokenId(Uuid::from_u64_pair(0x0190, n))
}

fn user(n: u64) -> UserId {
    UserId::from_stored(&format!("fan-{n}"))
}

fn join(n: u64) -> Command {
    Command::Join { token: token(n), user: user(n) }
}

fn secret() -> DrawSecret {
    DrawSecret::new([3; 32])
}

/// Opens at 0 s, closes at 10,000 s.
fn sale() -> SaleState {
    SaleState { opens_at: at(0), closes_at: at(10_000), paused: false, sold_out: false }
}

/// No limits; silence of 60 s, sessions of 600 s.
fn unlimited() -> QueuePolicy {
    QueuePolicy { max_active: None, admit_per_interval: None, ..QueuePolicy::default() }
}

fn at_once(most: u32) -> QueuePolicy {
    QueuePolicy { max_active: Some(most), ..unlimited() }
}

fn paced(most: u32, interval_seconds: u32) -> QueuePolicy {
    QueuePolicy { admit_per_interval: Some(most), interval_seconds, ..unlimited() }
}

fn room(policy: QueuePolicy) -> Room {
    Room::new(sale(), policy, secret())
}

/// One cycle, applied.
fn cycle(room: &mut Room, commands: &[Command], now: DateTime<Utc>) -> Decision {
    let decision = room.decide(commands, now);
    room.apply(&decision.events);
    decision
}

/// Cycles until nothing is left to do; who was admitted.
fn settle(room: &mut Room, now: DateTime<Utc>) -> Vec<TokenId> {
    let mut admitted = Vec::new();
    loop {
        let events = cycle(room, &[], now).events;
        if events.is_empty() {
            return admitted;
        }
        admitted.extend(events.iter().filter_map(|event| match event {
            Event::Admitted { token, .. } => Some(*token),
            _ => None,
        }));
    }
}

fn join_all(room: &mut Room, who: std::ops::Range<u64>, now: DateTime<Utc>) {
    cycle(room, &who.map(join).collect::<Vec<_>>(), now);
}

fn position(room: &Room, n: u64) -> Option<u32> {
    room.view(token(n), at(0)).and_then(|view| view.position)
}

#[test]
fn first_come_first_served_by_accepted_joins() {
    let mut room = room(at_once(0));
    cycle(&mut room, &[join(7), join(3)], at(1));
    cycle(&mut room, &[join(5)], at(1));
    assert_eq!([7, 3, 5].map(|n| position(&room, n)), [Some(1), Some(2), Some(3)]);
}

#[test]
fn a_user_has_one_live_place_also_within_a_batch() {
    let mut room = room(at_once(0));
    let again = Command::Join { token: token(99), user: user(1) };
    let first = cycle(&mut room, &[join(1), again.clone()], at(1)).outcomes;
    assert_eq!(first, [Outcome::Joined { token: token(1) }, Outcome::Already { token: token(1) }]);
    assert_eq!(cycle(&mut room, &[again], at(2)).outcomes, [Outcome::Already { token: token(1) }]);
    assert_eq!((room.counts().waiting, room.live_place(&user(1))), (1, Some(token(1))));
}

#[test]
fn a_token_of_somebody_else_cannot_be_joined_with() {
    let mut room = room(at_once(0));
    let thief = Command::Join { token: token(1), user: user(2) };
    let outcomes = cycle(&mut room, &[join(1), thief.clone()], at(1)).outcomes;
    assert_eq!(outcomes, [Outcome::Joined { token: token(1) }, Outcome::Unknown]);
    assert_eq!(cycle(&mut room, &[thief], at(2)).outcomes, [Outcome::Unknown]);
    assert_eq!(room.counts().waiting, 1);
}

#[test]
fn join_and_leave_in_one_batch_leaves_nothing_behind() {
    let mut room = room(at_once(0));
    let leave = Command::Leave { token: token(1) };
    let again = Command::Join { token: token(2), user: user(1) };
    let outcomes = cycle(&mut room, &[join(1), leave.clone(), leave, again], at(1)).outcomes;
    let joined = |n| Outcome::Joined { token: token(n) };
    assert_eq!(outcomes, [joined(1), Outcome::Left, Outcome::Unknown, joined(2)]);
    assert_eq!((room.counts().waiting, room.live_place(&user(1))), (1, Some(token(2))));
}

#[test]
fn leaving_an_admitted_place_is_the_sales_business() {
    let mut room = room(unlimited());
    join_all(&mut room, 1..2, at(1));
    settle(&mut room, at(1));
    let decision = cycle(&mut room, &[Command::Leave { token: token(1) }], at(2));
    assert_eq!(decision.outcomes, [Outcome::Admitted]);
    assert_eq!(room.counts().admitted, 1);
    room.ended(token(1));
    assert_eq!(cycle(&mut room, &[Command::Leave { token: token(1) }], at(2)).outcomes, [Outcome::Unknown]);
}

#[test]
fn the_lobby_is_drawn_once_and_later_arrivals_queue_behind_it() {
    let mut room = room(at_once(2));
    join_all(&mut room, 0..50, at(-5));
    assert_eq!(settle(&mut room, at_ms(-1)), []);
    assert_eq!(position(&room, 0), None);

    let decision = cycle(&mut room, &[join(50)], at(0));
    let late = Event::Joined { token: token(50), user: user(50), seq: 50, lobby: false, at: at(0) };
    assert_eq!(decision.events, [Event::Drawn { at: at(0) }, late]);
    let drawn = lobby::order(&secret(), (0..50).map(token));
    assert_ne!(drawn, (0..50).map(token).collect::<Vec<_>>());
    for (ahead, id) in (1..).zip(&drawn) {
        assert_eq!(room.view(*id, at(0)).unwrap().position, Some(ahead));
    }
    assert_eq!(position(&room, 50), Some(51));
    assert_eq!(settle(&mut room, at(0)), drawn[..2]);
    assert!(room.is_drawn());
}

#[test]
fn a_draw_that_was_not_persisted_is_decided_again() {
    let mut room = room(unlimited());
    join_all(&mut room, 0..3, at(-5));
    let first = room.decide(&[], at(0));
    assert_eq!(position(&room, 0), None);
    assert_eq!(room.decide(&[], at(0)), first);
    room.apply(&first.events[..1]);
    let positions = [0, 1, 2].map(|n| position(&room, n));
    room.apply(&first.events[..1]);
    assert_eq!([0, 1, 2].map(|n| position(&room, n)), positions);
}

#[test]
fn a_dropped_decision_has_not_happened() {
    let mut room = room(at_once(1));
    join_all(&mut room, 1..3, at(1));
    let dropped = room.decide(&[join(3), Command::Leave { token: token(2) }], at(2));
    assert_eq!(dropped.events.len(), 3);
    assert_eq!((room.counts(), position(&room, 2)), (Counts { waiting: 2, admitted: 0 }, Some(2)));
    let Event::Joined { seq, .. } = room.decide(&[join(4)], at(2)).events[0].clone() else {
        panic!("a join")
    };
    assert_eq!(seq, 2);
}

#[test]
fn nobody_is_admitted_while_the_sale_does_not_run() {
    for stop in [SaleState { paused: true, ..sale() }, SaleState { sold_out: true, ..sale() }] {
        let mut room = room(unlimited());
        join_all(&mut room, 0..3, at(1));
        room.set_sale(stop);
        assert_eq!(settle(&mut room, at(1)), []);
        assert_eq!(room.counts().waiting, 3);
        room.set_sale(sale());
        assert_eq!(settle(&mut room, at(2)).len(), 3);
    }
}

#[test]
fn joins_are_refused_when_there_is_nothing_to_wait_for() {
    let mut room = room(at_once(0));
    assert_eq!(
        cycle(&mut room, &[join(1)], at_ms(9_999_999)).outcomes,
        [Outcome::Joined { token: token(1) }]
    );
    assert_eq!(cycle(&mut room, &[join(2)], at(10_000)).outcomes, [Outcome::Closed]);
    room.set_sale(SaleState { sold_out: true, ..sale() });
    assert_eq!(cycle(&mut room, &[join(3)], at(5)).outcomes, [Outcome::SoldOut]);
}

#[test]
fn at_the_closing_every_waiting_place_expires() {
    let mut room = room(at_once(1));
    join_all(&mut room, 0..3, at(9_990));
    settle(&mut room, at(9_990));
    assert_eq!(room.view(token(1), at(9_990)).unwrap().expires_at, at(10_000));
    assert_eq!(room.next_wake(at(9_990)), Some(at(10_000)));
    assert_eq!(cycle(&mut room, &[], at_ms(9_999_999)).events, []);
    assert_eq!(room.hear(token(1), at(10_000)), Heard::Due);
    assert_eq!(cycle(&mut room, &[], at(10_000)).events.len(), 2);
    assert_eq!(room.counts(), Counts { waiting: 0, admitted: 1 });
}

#[test]
fn a_slot_goes_to_the_next_in_line_at_once() {
    let mut room = room(at_once(2));
    join_all(&mut room, 0..5, at(1));
    assert_eq!(settle(&mut room, at(1)), [token(0), token(1)]);
    room.ended(token(0));
    assert_eq!(room.next_wake(at(2)), Some(at(2)));
    assert_eq!(settle(&mut room, at(2)), [token(2)]);
    assert_eq!(position(&room, 3), Some(1));
}

#[test]
fn the_interval_is_half_open_to_the_millisecond() {
    let mut room = room(paced(2, 10));
    join_all(&mut room, 0..5, at(1));
    assert_eq!(settle(&mut room, at(1)).len(), 2);
    // Ended places count all the same.
    room.ended(token(0));
    room.ended(token(1));
    (2..5).for_each(|n| assert_eq!(room.hear(token(n), at(10)), Heard::Ok));
    assert_eq!(room.next_wake(at(10)), Some(at(11)));
    assert_eq!(settle(&mut room, at_ms(10_999)), []);
    assert_eq!(settle(&mut room, at(11)), [token(2), token(3)]);
}

#[test]
fn the_tighter_limit_wins() {
    let mut room = room(QueuePolicy { max_active: Some(3), ..paced(2, 10) });
    join_all(&mut room, 0..9, at(1));
    assert_eq!(settle(&mut room, at(1)).len(), 2);
    assert_eq!(settle(&mut room, at(11)).len(), 1);
    assert_eq!(settle(&mut room, at(30)).len(), 0);
}

#[test]
fn a_new_policy_is_in_force_at_once_and_throws_nobody_out() {
    let mut room = room(at_once(3));
    join_all(&mut room, 0..8, at(1));
    assert_eq!(settle(&mut room, at(1)).len(), 3);
    room.set_policy(at_once(1));
    assert_eq!(settle(&mut room, at(2)), []);
    assert_eq!(room.counts().admitted, 3);
    room.set_policy(at_once(4));
    assert_eq!(settle(&mut room, at(3)).len(), 1);
    // A longer interval knows what was admitted before it was set.
    room.set_policy(paced(5, 3_600));
    assert_eq!(settle(&mut room, at(4)).len(), 1);
    room.set_policy(unlimited());
    assert_eq!(settle(&mut room, at(5)).len(), 3);
}

#[test]
fn a_restart_changes_nobodys_place_and_gives_everyone_a_full_timeout() {
    let mut before = room(at_once(3));
    join_all(&mut before, 0..40, at(-5));
    settle(&mut before, at(0));
    join_all(&mut before, 40..60, at(1));
    let rows: Vec<_> = (0..60).rev().map(|n| restored(&before, n)).collect();
    let admissions = std::iter::repeat_n(at(0), 3);
    let mut after =
        Room::restore(sale(), at_once(3), secret(), true, rows.into_iter(), admissions, at(1_000));
    for n in 0..60 {
        let [was, is] = [&before, &after].map(|room| room.view(token(n), at(1_000)).unwrap());
        assert_eq!((is.position, is.status, is.order), (was.position, was.status, was.order));
        assert_eq!(is.last_seen_at, at(1_000));
    }
    let decision = cycle(&mut after, &[join(60)], at_ms(1_059_999));
    assert_eq!(decision.outcomes, [Outcome::Joined { token: token(60) }]);
    assert_eq!((after.counts().waiting, after.view(token(60), at(1_060)).unwrap().order.seq), (58, 60));
    assert_eq!(cycle(&mut after, &[], at(1_060)).events.len(), 57);
}

fn restored(room: &Room, n: u64) -> Restored {
    let view = room.view(token(n), at(1)).unwrap();
    let state = view.admitted_until.map_or(RestoredState::Waiting, |session_ends_at| {
        RestoredState::Admitted { at: at(0), session_ends_at, pinned_until: None }
    });
    Restored { token: token(n), user: user(n), seq: view.order.seq, lobby: n < 40, state }
}

#[test]
fn positions_hold_through_compaction() {
    let mut room = room(at_once(0));
    join_all(&mut room, 0..5_000, at(1));
    let mut last = 5_000;
    for n in 0..4_990 {
        cycle(&mut room, &[Command::Leave { token: token(n) }], at(2));
        let now = position(&room, 4_999).unwrap();
        assert_eq!(now, last - 1);
        last = now;
    }
}

#[test]
fn an_opening_moved_later_after_the_draw_does_not_reopen_the_lobby() {
    let mut room = room(at_once(0));
    join_all(&mut room, 0..2, at(1));
    let opens_at = at(0) + TimeDelta::seconds(100);
    room.set_sale(SaleState { opens_at, ..sale() });
    join_all(&mut room, 2..3, at(2));
    assert_eq!(position(&room, 2), Some(3));
    room.set_policy(unlimited());
    assert_eq!(settle(&mut room, at(50)), []);
    assert_eq!(room.next_wake(at(50)).map(|wake| wake <= opens_at), Some(true));
}

#[test]
fn a_clock_set_back_cannot_break_the_interval() {
    let mut room = room(paced(2, 10));
    join_all(&mut room, 0..9, at(20));
    assert_eq!(settle(&mut room, at(20)).len(), 2);
    assert_eq!(settle(&mut room, at(15)).len(), 0);
    assert_eq!(settle(&mut room, at(30)).len(), 2);
}

/// Rule 9, when the journal has lost places too: their tokens say where they stood, and nobody overtakes anybody.
#[test]
fn who_comes_back_with_a_token_stands_where_they_stood() {
    let mut before = room(at_once(3));
    join_all(&mut before, 0..40, at(-5));
    settle(&mut before, at(0));
    join_all(&mut before, 40..60, at(1));
    let order = |n| before.view(token(n), at(1)).unwrap().order;
    let lost =
        |n: u64| before.view(token(n), at(1)).unwrap().status == Status::Waiting && n.is_multiple_of(3);
    let rows: Vec<_> = (0..60).filter(|n| !lost(*n)).map(|n| restored(&before, n)).collect();
    let admissions = std::iter::repeat_n(at(0), 3);
    let mut after = Room::restore(sale(), at_once(3), secret(), true, rows.into_iter(), admissions, at(2));
    let back = |n| Command::ComeBack { token: token(n), user: user(n), order: order(n) };
    let (late, early): (Vec<_>, Vec<_>) = (0..60).filter(|n| lost(*n)).rev().partition(|n| n % 2 == 0);
    for some in [late, early] {
        let decision = cycle(&mut after, &some.iter().map(|n| back(*n)).collect::<Vec<_>>(), at(2));
        assert_eq!(decision.outcomes.len(), some.len());
        assert!(decision.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Joined { .. })));
    }
    for n in 0..60 {
        let [was, is] = [&before, &after].map(|room| room.view(token(n), at(2)).unwrap());
        assert_eq!((is.position, is.status, is.order), (was.position, was.status, was.order));
    }
    // Twice is once, and who joins now is behind everybody.
    assert_eq!(cycle(&mut after, &[back(3)], at(3)).outcomes, [Outcome::Already { token: token(3) }]);
    cycle(&mut after, &[join(60)], at(3));
    assert_eq!(after.view(token(60), at(3)).unwrap().order.seq, 60);
}
