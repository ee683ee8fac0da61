//! What is told of a wait in single situations; whole sales are in `sales`.

use super::*;
use crate::{id::ReservationId, sale::SeatState};

/// Whoever is admitted stays for as long as `length` says; every second from then on `look` is called.
fn run(
    queue: &mut Queue,
    seconds: std::ops::Range<i64>,
    length: impl Fn(u64) -> i64,
    mut look: impl FnMut(&Queue, i64),
) {
    let mut over = std::collections::BTreeMap::<i64, Vec<TokenId>>::new();
    for now in seconds {
        for token in over.remove(&now).unwrap_or_default() {
            queue.end(token, at(now));
        }
        for token in queue.settle(at(now)) {
            let stays = length(number(token));
            if stays > 600 {
                queue.pin(token, at(now), at(now + stays));
            }
            over.entry(now + stays).or_default().push(token);
        }
        look(queue, now);
    }
}

/// The example of the issue: with one slot and sessions of ten minutes, place 15 was told 25 seconds.
#[test]
fn with_slots_alone_nothing_is_told_until_three_sessions_have_ended() {
    let mut queue = Queue::new(settings(at_once(1), 10_000));
    queue.join(0..40, at(1));
    let mut least = u32::MAX;
    run(
        &mut queue,
        1..6_500,
        |n| 560 + 20 * (n % 5).cast_signed(),
        |queue, now| {
            // Three have ended at 1 + 560 + 580 + 600.
            let ended = now >= 1_741;
            let all = (0..40).filter_map(|n| queue.told(n, at(now)));
            if !ended {
                assert_eq!(all.count(), 0, "at {now}");
            } else if now >= 1_800 {
                all.for_each(|told| assert_eq!(told.basis, Basis::Measured));
                let place = (0..40).find(|n| queue.position(*n) == Some(15));
                least = least
                    .min(place.and_then(|n| queue.told(n, at(now))).map_or(u32::MAX, |it| it.min_seconds));
            }
        },
    );
    // Fourteen sessions and a part of one: what was measured of how long they are may be off by some.
    assert!(least > 5_000, "{least}");
}

/// What the interval allows is known to the second, from the first one on.
#[test]
fn nothing_below_the_policys_best_is_told() {
    for (most, length) in [(1, 10), (3, 7), (50, 60), (7, 3_600)] {
        let mut queue = Queue::new(settings(paced(most, i64::from(length).try_into().unwrap()), 10_000));
        queue.join(0..300, at_ms(1_300));
        queue.settle(at_ms(1_300));
        for n in u64::from(most)..300 {
            // The next `most` are let in when the first have been in for an interval, and so on.
            let rounds = n.cast_signed() / i64::from(most);
            for now in [1_300, 1_400, 5_000] {
                let best = 1_300 + rounds * i64::from(length) * 1_000 - now;
                let Some(told) = queue.told(n, at_ms(now)) else {
                    assert!(now + best >= 10_000_000, "the sale is over before that");
                    continue;
                };
                assert_eq!(i64::from(told.min_seconds), best / 1_000, "{most} in {length} s: {n} at {now}");
                assert!(told.max_seconds.is_some_and(|max| i64::from(max) * 1_000 > best));
                assert_eq!(told.basis, Basis::Policy);
            }
        }
    }
}

#[test]
fn with_both_limits_the_interval_is_a_bound_before_anything_was_measured() {
    let mut queue = Queue::new(settings(QueuePolicy { max_active: Some(5), ..paced(2, 60) }, 10_000));
    queue.join(0..100, at(1));
    queue.settle(at(1));
    // The tenth of the fifth round; for how long the five slots stay taken nobody knows.
    let tenth = queue.told(10, at(1)).unwrap();
    assert_eq!(tenth, WaitEstimate { min_seconds: 300, max_seconds: None, basis: Basis::Policy });
    // The next round finds free slots, whatever those do who are in.
    let second = queue.told(2, at(1)).unwrap();
    assert_eq!((second.min_seconds, second.max_seconds), (60, Some(84)));
}

#[test]
fn nothing_is_told_in_the_lobby_nor_while_nobody_is_admitted() {
    let mut queue = Queue::new(settings(paced(1, 10), 10_000));
    queue.join(0..50, at(-5));
    assert_eq!(queue.told(30, at(-1)), None);
    queue.settle(at(0));
    let of = |queue: &Queue, now| (0..50).filter(|n| queue.told(*n, at(now)).is_some()).count();
    assert_eq!(of(&queue, 1), 49);
    queue.apply(at(2), vec![Event::PauseSet(true)]);
    assert_eq!(of(&queue, 2), 0);
    queue.apply(at(2), vec![Event::PauseSet(false)]);
    assert_eq!(of(&queue, 2), 49);
    let everybody_has = |queue: &mut Queue, state| {
        (0..u32::try_from(SEATS).unwrap()).for_each(|seat| queue.sale.seats.set(seat, state));
    };
    everybody_has(&mut queue, SeatState::Reserved(ReservationId(Uuid::nil())));
    assert_eq!(of(&queue, 2), 0);
    everybody_has(&mut queue, SeatState::Free);
    // Whoever would not be admitted before the sale is over is not told when that would be.
    queue.sale.settings.closes_at = at(205);
    let admitted_in_time =
        (0..50).filter(|n| queue.told(*n, at(5)).is_some_and(|it| it.min_seconds < 200)).count();
    assert_eq!((of(&queue, 5), admitted_in_time), (20, 20));
}

#[test]
fn without_limits_nobody_waits() {
    let mut queue = Queue::new(settings(unlimited(), 10_000));
    queue.join(0..3, at(1));
    let told = queue.told(2, at(1)).unwrap();
    assert!(told.min_seconds == 0 && told.max_seconds.is_some_and(|max| max < 60), "{told:?}");
}

/// From one second to the next by no more than a tenth, or by three seconds.
fn no_jump(before: Option<WaitEstimate>, after: Option<WaitEstimate>, when: &str) {
    let of = |it: WaitEstimate| [Some(it.min_seconds), it.max_seconds];
    for (before, after) in before.into_iter().flat_map(of).zip(after.into_iter().flat_map(of)) {
        if let (Some(before), Some(after)) = (before, after) {
            let most = (0.1 * f64::from(before)).max(3.0);
            assert!(f64::from(before.abs_diff(after)) <= most, "{when}: {before} and then {after}");
        }
    }
}

/// A third of the line in front leaves at once, and so a whole round of it.
#[test]
fn a_crowd_that_leaves_is_told_by_and_by() {
    let mut queue = Queue::new(settings(paced(50, 120), 10_000));
    queue.join(0..1_000, at(1));
    queue.settle(at(1));
    let mut before: std::collections::HashMap<u64, WaitEstimate> = std::collections::HashMap::new();
    for now in 2..200 {
        if now == 10 {
            (200..500).for_each(|n| queue.end(token(n), at(now)));
        }
        queue.settle(at(now));
        for n in (50..1_000).step_by(19) {
            let after = queue.told(n, at(now));
            no_jump(before.get(&n).copied(), after, &format!("{n} at {now}"));
            if let Some(after) = after {
                before.insert(n, after);
            }
        }
    }
    // In the end everybody is told what is so; whoever was in front of them too.
    let (front, back) = (queue.told(190, at(199)).unwrap(), queue.told(990, at(199)).unwrap());
    assert_eq!(front.min_seconds, 3 * 120 - 198);
    assert!(back.min_seconds.abs_diff(13 * 120 - 198) < 300, "{back:?}");
}

/// Those who are let in just then move up everybody, also those who have left.
#[test]
fn a_crowd_that_leaves_before_others_are_let_in_is_told_by_and_by() {
    let mut queue = Queue::new(settings(paced(50, 120), 10_000));
    queue.join(0..1_000, at(1));
    queue.settle(at(1));
    (200..500).for_each(|n| queue.end(token(n), at(118)));
    let mut before = queue.told(510, at(118));
    for now in 119..130 {
        queue.settle(at(now));
        let after = queue.told(510, at(now));
        no_jump(before, after, &format!("at {now}"));
        before = after;
    }
}

/// More are let in: told by and by. Fewer are: told at once, because nothing below the policy's best is.
#[test]
fn a_wider_door_is_told_by_and_by_and_a_narrower_one_at_once() {
    let mut queue = Queue::new(settings(paced(10, 60), 10_000));
    queue.join(0..1_000, at(1));
    queue.settle(at(1));
    queue.apply(at(1), vec![Event::PolicySet(paced(100, 60))]);
    let mut before = None;
    for now in 2..120 {
        let after = queue.told(999, at(now));
        no_jump(before, after, &format!("at {now}"));
        before = after.or(before);
    }
    queue.settle(at(120));
    let wide = queue.told(999, at(120)).unwrap().min_seconds;
    assert!((480..700).contains(&wide), "{wide}");
    queue.apply(at(120), vec![Event::PolicySet(paced(10, 60))]);
    assert!(queue.told(999, at(121)).unwrap().min_seconds > 5_000);
}

/// A date that is opened is measured anew, and nothing is concluded from those who happen to be there.
#[test]
fn an_opened_date_is_measured_anew() {
    let mut queue = Queue::new(settings(at_once(5), 10_000));
    queue.join(0..50, at(-5));
    queue.sale.settings.policy.max_active = Some(5);
    queue.settle(at(0));
    queue.forecast = RefCell::default();
    let waits = (0..50).find(|n| queue.position(*n) == Some(16)).unwrap();
    assert_eq!(queue.told(waits, at(301)), None);
    let there: Vec<_> = (0..50).filter(|n| queue.position(*n) == Some(0)).collect();
    there[..3].iter().for_each(|n| queue.end(token(*n), at(310)));
    queue.settle(at(310));
    // Three of them stayed for 310 seconds; for how long others do is not known.
    let waits = (0..50).find(|n| queue.position(*n) == Some(35)).unwrap();
    let told = queue.told(waits, at(311)).unwrap();
    assert_eq!((told.max_seconds, told.basis), (None, Basis::Measured));
}

/// Places do not move by who is told of whom: those who have left count by where they stood.
#[test]
fn who_left_behind_somebody_is_nothing_to_them() {
    let mut queue = Queue::new(settings(paced(10, 60), 100_000));
    queue.join(0..2_000, at(1));
    queue.settle(at(1));
    let before = queue.told(500, at(2));
    (1_000..1_400).for_each(|n| queue.end(token(n), at(2)));
    let after = queue.told(500, at(2));
    assert_eq!(before, after);
}

/// The line is closed up when most have left, which changes nothing of what is told by and by.
#[test]
fn a_crowd_of_which_most_leave_is_told_by_and_by() {
    let mut queue = Queue::new(settings(paced(50, 120), 100_000));
    queue.join(0..3_000, at(1));
    queue.settle(at(1));
    let mut before = queue.told(2_990, at(9));
    for now in 10..100_i64 {
        if now < 14 {
            let first = 100 + 500 * (now - 10).unsigned_abs();
            (first..first + 500).for_each(|n| queue.end(token(n), at(now)));
        }
        let after = queue.told(2_990, at(now));
        no_jump(before, after, &format!("at {now}"));
        before = after;
    }
    assert_eq!(queue.position(2_990), Some(941));
}
