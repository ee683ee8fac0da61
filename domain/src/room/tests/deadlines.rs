//! Silence, sessions and what keeps them alive (rule 7).

use super::*;
use crate::attendance::{Absence, Attendance};

#[test]
fn silence_for_the_whole_timeout_ends_a_waiting_place() {
    let mut room = room(at_once(0));
    join_all(&mut room, 0..3, at(1));
    assert_eq!(room.hear(token(1), at(30)), Heard::Ok);
    assert_eq!(room.hear(token(9), at(30)), Heard::Unknown);
    assert_eq!(cycle(&mut room, &[], at_ms(60_999)).events, []);
    assert_eq!(room.hear(token(0), at(61)), Heard::Due);
    let gone = cycle(&mut room, &[], at(61)).events;
    let expired = |n| Event::Expired { token: token(n), at: at(61) };
    assert_eq!(gone, [expired(0), expired(2)]);
    assert_eq!(position(&room, 1), Some(1));
    assert_eq!(room.next_wake(at(61)), Some(at(90)));
    assert_eq!(room.last_seen(token(1), at(61)), Some(at(30)));
}

#[test]
fn whoever_expires_is_not_admitted_in_the_same_decision() {
    let mut room = room(at_once(0));
    join_all(&mut room, 0..1, at(1));
    join_all(&mut room, 1..2, at(50));
    room.set_policy(at_once(1));
    let events = cycle(&mut room, &[], at(61)).events;
    let session_ends_at = at(661);
    let admitted = Event::Admitted { token: token(1), at: at(61), session_ends_at };
    assert_eq!(events, [Event::Expired { token: token(0), at: at(61) }, admitted]);
}

#[test]
fn an_open_stream_is_never_silent_and_its_end_is_heard() {
    let mut room = room(at_once(0));
    join_all(&mut room, 0..1, at(1));
    room.open_stream(token(0));
    room.open_stream(token(0));
    assert_eq!(cycle(&mut room, &[], at(500)).events, []);
    assert_eq!(room.last_seen(token(0), at(501)), Some(at(501)));
    room.close_stream(token(0), at(510));
    assert_eq!(cycle(&mut room, &[], at(600)).events, []);
    room.close_stream(token(0), at(610));
    assert_eq!(cycle(&mut room, &[], at_ms(669_999)).events, []);
    assert_eq!(cycle(&mut room, &[], at(670)).events.len(), 1);
}

#[test]
fn a_shorter_timeout_counts_from_the_last_sign_of_life() {
    let mut room = room(at_once(1));
    join_all(&mut room, 0..2, at(1));
    settle(&mut room, at(1));
    room.set_policy(QueuePolicy { heartbeat_timeout_seconds: 5, ..at_once(1) });
    let decision = cycle(&mut room, &[], at(6));
    assert_eq!(decision.events, [Event::Expired { token: token(1), at: at(6) }]);
    assert_eq!(decision.sessions_over, [token(0)]);
}

#[test]
fn a_session_that_is_over_keeps_its_slot_until_the_sale_says_so() {
    let mut room = room(QueuePolicy { session_seconds: 30, ..at_once(1) });
    join_all(&mut room, 0..2, at(1));
    settle(&mut room, at(1));
    assert_eq!(room.view(token(0), at(1)).unwrap().admitted_until, Some(at(31)));
    assert_eq!(cycle(&mut room, &[], at_ms(30_999)).sessions_over, []);
    for now in [31, 32] {
        assert_eq!(cycle(&mut room, &[], at(now)).sessions_over, [token(0)]);
    }
    // Reported once, it does not keep the owner awake: the next is the silence of the one who waits.
    assert_eq!(room.next_wake(at(32)), Some(at(61)));
    assert_eq!(room.counts().admitted, 1);
    room.ended(token(0));
    assert_eq!(settle(&mut room, at(33)), [token(1)]);
}

#[test]
fn a_live_hold_pins_the_session() {
    let mut room = room(QueuePolicy { session_seconds: 30, ..at_once(1) });
    join_all(&mut room, 0..1, at(1));
    settle(&mut room, at(1));
    room.pin(token(0), Some(at(300)));
    let view = room.view(token(0), at(40)).unwrap();
    assert_eq!((view.admitted_until, view.expires_at), (Some(at(31)), at(300)), "longer for paying only");
    assert_eq!(cycle(&mut room, &[], at_ms(299_999)).sessions_over, []);
    assert_eq!(room.next_wake(at(299)), Some(at(300)));
    room.pin(token(0), None);
    assert!(room.next_wake(at(299)).is_some_and(|wake| wake <= at(299)));
    assert_eq!(cycle(&mut room, &[], at(299)).sessions_over, [token(0)]);
}

#[test]
fn an_admitted_fan_who_is_silent_is_out_of_time() {
    let mut room = room(unlimited());
    join_all(&mut room, 0..1, at(1));
    settle(&mut room, at(1));
    assert_eq!(room.hear(token(0), at(60)), Heard::Ok);
    assert_eq!(cycle(&mut room, &[], at_ms(119_999)).sessions_over, []);
    assert_eq!(cycle(&mut room, &[], at(120)).sessions_over, [token(0)]);
    assert_eq!(room.hear(token(0), at(120)), Heard::Due);
}

/// What a server that looked in until 1 s knows that looks at the clock again at `now`.
fn stopped_until(now: DateTime<Utc>) -> Absence {
    let mut attendance = Attendance::default();
    attendance.look(millis(at(1)));
    attendance.at(millis(now))
}

/// Rule 9: stopped for longer than the timeout, and the first thing that runs afterwards is a decision.
#[test]
fn after_a_stall_everybody_has_a_full_timeout_and_who_is_silent_then_expires() {
    let mut room = room(at_once(1));
    join_all(&mut room, 0..3, at(1));
    settle(&mut room, at(1));
    room.server_missed(&stopped_until(at(200)));
    assert_eq!(cycle(&mut room, &[], at(200)), Decision::default());
    assert_eq!(room.hear(token(1), at(201)), Heard::Ok);
    for n in 0..3 {
        let view = room.view(token(n), at(201)).unwrap();
        let heard = if n == 1 { at(201) } else { at(200) };
        assert_eq!((view.last_seen_at, view.expires_at), (heard, heard + TimeDelta::seconds(60)));
    }
    assert_eq!(cycle(&mut room, &[], at_ms(259_999)), Decision::default());
    assert_eq!(room.next_wake(at_ms(259_999)).map(|wake| wake <= at(260)), Some(true));
    let decision = cycle(&mut room, &[], at(260));
    assert_eq!(decision.events, [Event::Expired { token: token(2), at: at(260) }]);
    assert_eq!(decision.sessions_over, [token(0)]);
}

/// Rule 9: they are instants, and stay.
#[test]
fn sessions_and_what_holds_pin_end_also_while_the_server_stands_still() {
    let mut room = room(QueuePolicy { session_seconds: 30, ..at_once(2) });
    join_all(&mut room, 0..2, at(1));
    settle(&mut room, at(1));
    room.pin(token(1), Some(at(150)));
    room.server_missed(&stopped_until(at(100)));
    assert_eq!(cycle(&mut room, &[], at(100)).sessions_over, [token(0)]);
    assert_eq!(room.view(token(0), at(100)).unwrap().admitted_until, Some(at(31)));
    room.server_missed(&stopped_until(at(150)));
    assert_eq!(cycle(&mut room, &[], at(150)).sessions_over, [token(0), token(1)]);
}

/// A journal of before the clock was set back: what it has of later times was not later than now.
#[test]
fn admissions_of_a_later_time_count_as_of_now_after_a_restart() {
    let waiting =
        |n| Restored { token: token(n), user: user(n), seq: n, lobby: false, state: RestoredState::Waiting };
    let admissions = std::iter::repeat_n(at(100_000), 2);
    let mut room =
        Room::restore(sale(), paced(2, 10), secret(), true, (0..3).map(waiting), admissions, at(20));
    assert_eq!(settle(&mut room, at_ms(29_999)), []);
    assert_eq!(room.next_wake(at_ms(29_999)), Some(at(30)));
    assert_eq!(settle(&mut room, at(30)).len(), 2);
}
