//! What is told of a wait in single situations; whole sales are in `sales`.

use super::*;

fn told(room: &Room, n: u64, now: DateTime<Utc>) -> Option<WaitEstimate> {
    room.view(token(n), now).and_then(|view| view.estimate)
}

/// They join and never fall silent.
fn stay(room: &mut Room, who: std::ops::Range<u64>, now: DateTime<Utc>) {
    join_all(room, who.clone(), now);
    who.for_each(|n| room.open_stream(token(n)));
}

/// Whoever is admitted stays for as long as `length` says; every second from then on `look` is called.
fn run(
    room: &mut Room,
    seconds: std::ops::Range<i64>,
    length: impl Fn(u64) -> i64,
    mut look: impl FnMut(&Room, i64),
) {
    let mut over = std::collections::BTreeMap::<i64, Vec<TokenId>>::new();
    for now in seconds {
        for token in over.remove(&now).unwrap_or_default() {
            room.ended(token);
        }
        for token in settle(room, at(now)) {
            let stays = length(token.0.as_u64_pair().1);
            room.pin(token, Some(at(now + stays)));
            over.entry(now + stays).or_default().push(token);
        }
        look(room, now);
    }
}

/// The example of the issue: with one slot and sessions of ten minutes, place 15 was told 25 seconds.
#[test]
fn with_slots_alone_nothing_is_told_until_three_sessions_have_ended() {
    let mut room = room(at_once(1));
    stay(&mut room, 0..40, at(1));
    let mut least = u32::MAX;
    run(
        &mut room,
        1..6_500,
        |n| 560 + 20 * (n % 5).cast_signed(),
        |room, now| {
            // Three have ended at 1 + 560 + 580 + 600.
            let ended = now >= 1_741;
            let all = (0..40).filter_map(|n| told(room, n, at(now)));
            if !ended {
                assert_eq!(all.count(), 0, "at {now}");
            } else if now >= 1_800 {
                all.for_each(|told| assert_eq!(told.basis, Basis::Measured));
                let place =
                    (0..40).find(|n| room.view(token(*n), at(now)).is_some_and(|it| it.position == Some(15)));
                least = least
                    .min(place.and_then(|n| told(room, n, at(now))).map_or(u32::MAX, |it| it.min_seconds));
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
        let mut room = room(paced(most, i64::from(length).try_into().unwrap()));
        stay(&mut room, 0..300, at_ms(1_300));
        settle(&mut room, at_ms(1_300));
        for n in u64::from(most)..300 {
            // The next `most` are let in when the first have been in for an interval, and so on.
            let rounds = n.cast_signed() / i64::from(most);
            for now in [1_300, 1_400, 5_000] {
                let best = 1_300 + rounds * i64::from(length) * 1_000 - now;
                let Some(told) = told(&room, n, at_ms(now)) else {
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
    let mut room = room(QueuePolicy { max_active: Some(5), ..paced(2, 60) });
    stay(&mut room, 0..100, at(1));
    settle(&mut room, at(1));
    // The tenth of the fifth round; for how long the five slots stay taken nobody knows.
    let tenth = told(&room, 10, at(1)).unwrap();
    assert_eq!(tenth, WaitEstimate { min_seconds: 300, max_seconds: None, basis: Basis::Policy });
    // The next round finds free slots, whatever those do who are in.
    let second = told(&room, 2, at(1)).unwrap();
    assert_eq!((second.min_seconds, second.max_seconds), (60, Some(84)));
}

#[test]
fn nothing_is_told_in_the_lobby_nor_while_nobody_is_admitted() {
    let mut room = room(paced(1, 10));
    stay(&mut room, 0..50, at(-5));
    assert_eq!(told(&room, 30, at(-1)), None);
    settle(&mut room, at(0));
    let of = |room: &Room, now| (0..50).filter(|n| told(room, *n, at(now)).is_some()).count();
    assert_eq!(of(&room, 1), 49);
    for (paused, sold_out, known) in [(true, false, 0), (false, true, 0), (false, false, 49)] {
        room.set_sale(SaleState { paused, sold_out, ..sale() });
        assert_eq!(of(&room, 2), known);
    }
    // Whoever would not be admitted before the sale is over is not told when that would be.
    room.set_sale(SaleState { closes_at: at(205), ..sale() });
    let admitted_in_time =
        (0..50).filter(|n| told(&room, *n, at(5)).is_some_and(|it| it.min_seconds < 200)).count();
    assert_eq!((of(&room, 5), admitted_in_time), (20, 20));
}

#[test]
fn without_limits_nobody_waits() {
    let mut room = room(unlimited());
    stay(&mut room, 0..3, at(1));
    let told = told(&room, 2, at(1)).unwrap();
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
    let mut room = room(paced(50, 120));
    stay(&mut room, 0..1_000, at(1));
    settle(&mut room, at(1));
    let mut before: std::collections::HashMap<u64, WaitEstimate> = std::collections::HashMap::new();
    for now in 2..200 {
        if now == 10 {
            (200..500).for_each(|n| room.ended(token(n)));
        }
        settle(&mut room, at(now));
        for n in (50..1_000).step_by(19) {
            let after = told(&room, n, at(now));
            no_jump(before.get(&n).copied(), after, &format!("{n} at {now}"));
            if let Some(after) = after {
                before.insert(n, after);
            }
        }
    }
    // In the end everybody is told what is so; whoever was in front of them too.
    let (front, back) = (told(&room, 190, at(199)).unwrap(), told(&room, 990, at(199)).unwrap());
    assert_eq!(front.min_seconds, 3 * 120 - 198);
    assert!(back.min_seconds.abs_diff(13 * 120 - 198) < 300, "{back:?}");
}

/// More are let in: told by and by. Fewer are: told at once, because nothing below the policy's best is.
#[test]
fn a_wider_door_is_told_by_and_by_and_a_narrower_one_at_once() {
    let mut room = room(paced(10, 60));
    stay(&mut room, 0..1_000, at(1));
    settle(&mut room, at(1));
    room.set_policy(paced(100, 60));
    let mut before = None;
    for now in 2..120 {
        let after = told(&room, 999, at(now));
        no_jump(before, after, &format!("at {now}"));
        before = after.or(before);
    }
    settle(&mut room, at(120));
    let wide = told(&room, 999, at(120)).unwrap().min_seconds;
    assert!((480..700).contains(&wide), "{wide}");
    room.set_policy(paced(10, 60));
    assert!(told(&room, 999, at(121)).unwrap().min_seconds > 5_000);
}

/// After a restart what was measured is gone, and nothing is concluded from those who happen to be there.
#[test]
fn a_restored_room_measures_anew() {
    let row = |n: u64| Restored {
        token: token(n),
        user: user(n),
        seq: n,
        lobby: false,
        state: if n < 5 {
            RestoredState::Admitted { at: at(0), session_ends_at: at(600), pinned_until: None }
        } else {
            RestoredState::Waiting
        },
    };
    let mut room =
        Room::restore(sale(), at_once(5), secret(), true, (0..50).map(row), std::iter::empty(), at(300));
    (0..50).for_each(|n| room.open_stream(token(n)));
    assert_eq!(told(&room, 20, at(301)), None);
    run(&mut room, 301..310, |_| 600, |_, _| {});
    (0..3).for_each(|n| room.ended(token(n)));
    settle(&mut room, at(310));
    // Three of them stayed for 310 seconds; for how long others do is not known.
    let told = told(&room, 40, at(311)).unwrap();
    assert_eq!((told.max_seconds, told.basis), (None, Basis::Measured));
}
