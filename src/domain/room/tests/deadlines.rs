//! Silence, sessions and what keeps them alive (rule 7).

use super::*;

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
