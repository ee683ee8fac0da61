//! Beside a list of places that is looked through each time.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::attendance::Attendance;

const TIMEOUT: i64 = 10_000;

fn at(ms: i64) -> DateTime<Utc> {
    time(1_900_000_000_000 + ms)
}

fn token(seq: u64) -> TokenId {
    TokenId(Uuid::from_u64_pair(1, seq))
}

fn presence() -> Presence {
    Presence::new(TimeDelta::milliseconds(TIMEOUT), Absence::default(), at(0))
}

fn with(seqs: impl IntoIterator<Item = u64>) -> Presence {
    let mut presence = presence();
    seqs.into_iter().for_each(|seq| presence.enter(seq, token(seq), at(0)));
    presence
}

fn silent(presence: &mut Presence, now: i64) -> Vec<u64> {
    let mut silent: Vec<_> =
        presence.silent(at(now), usize::MAX).iter().map(|token| token.0.as_u64_pair().1).collect();
    silent.sort_unstable();
    silent
}

fn elsewhere(presence: &mut Presence, seq: u64, at: DateTime<Utc>) {
    presence.heard_all_elsewhere(&encode(&[seq]), at).unwrap();
}

#[test]
fn silence_lasts_the_timeout_to_the_millisecond() {
    let mut presence = with([1, 2, 70]);
    assert_eq!(presence.hear(2, token(2), at(1)), Heard::InTime);
    assert_eq!(presence.next(), Some(at(TIMEOUT)));
    assert_eq!(silent(&mut presence, TIMEOUT - 1), [0; 0]);
    assert_eq!(presence.hear(70, token(70), at(TIMEOUT)), Heard::Late);
    assert_eq!(silent(&mut presence, TIMEOUT), [1, 70]);
    assert_eq!(presence.next(), Some(at(TIMEOUT + 1)), "that of the other");
    assert_eq!(presence.hear(1, token(1), at(TIMEOUT)), Heard::Late, "it was reported");
    [1, 70].into_iter().for_each(|seq| presence.forget(seq, token(seq)));
    assert_eq!(presence.hear(1, token(1), at(TIMEOUT)), Heard::Unknown);
    assert_eq!(
        (silent(&mut presence, TIMEOUT), presence.heard_at(2, token(2), at(TIMEOUT))),
        (vec![], Some(at(1)))
    );
    assert_eq!(presence.expires_at(2, token(2), at(TIMEOUT)), Some(at(TIMEOUT + 1)));
}

#[test]
fn two_places_of_the_same_number_are_told_apart() {
    let mut presence = with([1, 2]);
    let (one, twin) = (token(1), token(100));
    assert_eq!(presence.hear(1, twin, at(1)), Heard::Unknown);
    presence.open_stream(1, twin, at(1));
    assert_eq!(presence.heard_at(1, one, at(5)), Some(at(0)));
    presence.enter(1, twin, at(2));
    presence.enter(1, token(101), at(2));
    let both = |presence: &Presence| {
        [one, twin, token(101)].map(|token| presence.heard_at(1, token, at(9)).map(|heard| heard - at(0)))
    };
    let ms = |ms| Some(TimeDelta::milliseconds(ms));
    assert_eq!(both(&presence), [ms(0), ms(2), ms(2)]);
    assert_eq!(presence.hear(1, twin, at(3)), Heard::InTime);
    assert_eq!((both(&presence), presence.heard_since(at(3))), ([ms(0), ms(3), ms(2)], vec![1]));
    presence.hear(1, one, at(3));
    presence.hear(2, token(2), at(4));
    assert_eq!(presence.heard_since(at(3)), [1, 2], "by the number of the join, once");
    // Others tell of a number, and mean whoever has it.
    elsewhere(&mut presence, 1, at(5));
    assert_eq!(both(&presence), [ms(5), ms(5), ms(5)]);
    presence.forget(1, one);
    assert_eq!(both(&presence), [None, ms(5), ms(5)]);
    presence.kept(1, token(101), at(2 * TIMEOUT));
    assert_eq!(silent(&mut presence, TIMEOUT + 5), [2, 100]);
    assert_eq!(silent(&mut presence, 2 * TIMEOUT), [2, 100, 101]);
    presence.forget(1, token(101));
    presence.forget(1, twin);
    assert_eq!((presence.places.len(), presence.twins.len()), (1, 0));
}

#[test]
fn who_is_watched_is_never_silent_until_the_last_stream_is_closed() {
    let mut presence = with([1]);
    presence.open_stream(1, token(1), at(5));
    presence.open_stream(1, token(1), at(6));
    presence.close_stream(1, token(1), at(7));
    assert_eq!(silent(&mut presence, 100 * TIMEOUT), [0; 0]);
    assert_eq!(presence.heard_at(1, token(1), at(100 * TIMEOUT)), Some(at(100 * TIMEOUT)));
    presence.close_stream(1, token(1), at(100 * TIMEOUT));
    presence.close_stream(1, token(1), at(200 * TIMEOUT));
    assert_eq!(silent(&mut presence, 101 * TIMEOUT - 1), [0; 0]);
    assert_eq!(silent(&mut presence, 101 * TIMEOUT), [1]);
}

#[test]
fn who_was_reported_and_has_not_ended_is_reported_whenever_somebody_asks_and_wakes_nobody_for_a_while() {
    let mut presence = with([1, 2]);
    for now in [TIMEOUT, TIMEOUT, TIMEOUT + 3] {
        assert_eq!(silent(&mut presence, now), [1, 2]);
        assert_eq!(presence.next(), Some(at(now + AGAIN)));
    }
    presence.forget(1, token(1));
    elsewhere(&mut presence, 2, at(TIMEOUT));
    assert_eq!(silent(&mut presence, TIMEOUT + 3), [0; 0]);
    assert_eq!(presence.next(), Some(at(2 * TIMEOUT)));
}

#[test]
fn who_is_kept_is_reported_again_when_the_hold_has_ended() {
    let mut presence = with([1, 2]);
    let until = TIMEOUT + 100_000;
    silent(&mut presence, TIMEOUT);
    [1, 2].into_iter().for_each(|seq| presence.kept(seq, token(seq), at(until)));
    assert_eq!(silent(&mut presence, until - 1), [0; 0]);
    assert_eq!(presence.next(), Some(at(until)));
    assert_eq!(presence.hear(2, token(2), at(until - 1)), Heard::InTime, "it is not too late for that");
    assert_eq!(silent(&mut presence, until), [1]);
    assert_eq!(silent(&mut presence, until - 1 + TIMEOUT), [1, 2]);
}

#[test]
fn silence_is_judged_as_far_as_others_have_told() {
    let mut presence = with([1, 2]);
    presence.covered(at(TIMEOUT - 1));
    assert_eq!(silent(&mut presence, 3 * TIMEOUT), [0; 0]);
    assert_eq!(presence.next(), None, "until the others tell more");
    assert_eq!(presence.hear(1, token(1), at(3 * TIMEOUT)), Heard::InTime);
    presence.heard_all_elsewhere(&encode(&[2]), at(TIMEOUT - 1)).unwrap();
    presence.covered(at(2 * TIMEOUT));
    assert!(presence.next() <= Some(at(2 * TIMEOUT - 1)));
    assert_eq!(silent(&mut presence, 3 * TIMEOUT), [2]);
    assert_eq!(presence.next(), Some(at(3 * TIMEOUT + AGAIN)));
}

#[test]
fn others_are_told_of_whom_they_have_not_told_themselves() {
    let mut presence = with([1, 2, 3, 4, 5_000]);
    assert_eq!(presence.heard_since(at(0)), [0; 0], "who has just come is known by the join");
    presence.hear(1, token(1), at(10));
    presence.hear(2, token(2), at(20));
    presence.open_stream(5_000, token(5_000), at(5));
    presence.hear(3, token(3), at(20));
    elsewhere(&mut presence, 3, at(21));
    elsewhere(&mut presence, 4, at(21));
    assert_eq!(presence.heard_since(at(11)), [2, 5_000]);
    assert_eq!(presence.heard_since(at(10)), [1, 2, 5_000]);
    presence.close_stream(5_000, token(5_000), at(30));
    assert_eq!(presence.heard_since(at(31)), [0; 0]);
}

#[test]
fn a_stall_gives_everybody_a_full_timeout() {
    let mut presence = with([1]);
    presence.stood_still(at(TIMEOUT - 1));
    assert_eq!(presence.next(), Some(at(2 * TIMEOUT - 1)));
    assert_eq!(silent(&mut presence, 2 * TIMEOUT - 2), [0; 0]);
    assert_eq!(silent(&mut presence, 2 * TIMEOUT - 1), [1]);
    presence.stood_still(at(2 * TIMEOUT));
    assert_eq!((silent(&mut presence, 2 * TIMEOUT), presence.next()), (vec![], Some(at(3 * TIMEOUT))));
}

#[test]
fn with_many_silent_ones_everybodys_turn_comes() {
    let mut presence = with(0..1_000);
    let mut all = BTreeSet::new();
    for _ in 0..10 {
        assert!(presence.next() <= Some(at(TIMEOUT)));
        let some = presence.silent(at(TIMEOUT), 100);
        assert_eq!(some.len(), 100);
        all.extend(some);
    }
    assert_eq!((all.len(), presence.next()), (1_000, Some(at(TIMEOUT + AGAIN))));
    let again: BTreeSet<_> = (0..10).flat_map(|_| presence.silent(at(TIMEOUT), 100)).collect();
    assert_eq!(again, all);
}

#[test]
fn months_in_a_lobby_are_counted_right() {
    let mut presence = with([1, 2]);
    presence.open_stream(1, token(1), at(1));
    let months = 100 * 86_400_000;
    silent(&mut presence, TIMEOUT);
    for day in 0..100 {
        elsewhere(&mut presence, 2, at(day * 86_400_000));
        presence.silent(at(day * 86_400_000), 10);
    }
    presence.enter(3, token(3), at(months));
    assert_eq!(presence.hear(1, token(1), at(months)), Heard::InTime);
    presence.close_stream(1, token(1), at(months));
    assert_eq!(presence.next(), Some(at(99 * 86_400_000 + TIMEOUT)));
    assert_eq!(silent(&mut presence, months), [2]);
    assert_eq!(presence.expires_at(3, token(3), at(months)), Some(at(months + TIMEOUT)));
    assert_eq!(silent(&mut presence, months + TIMEOUT), [1, 2, 3]);
}

/// One place as a list has it; times in attended milliseconds.
#[derive(Clone, Debug)]
struct Place {
    heard: i64,
    streams: u32,
}

#[derive(Clone, Debug)]
enum Step {
    Enter(u64),
    Forget(u64),
    Hear(u64),
    Elsewhere(Vec<u64>, i64),
    Open(u64),
    Close(u64),
    Kept(u64, i64),
    Timeout(i64),
    Covered(i64),
    Stall,
    StandStill(i64),
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Close together, and far apart.
    let seq =
        || prop_oneof![4 => 0..12_u64, 1 => prop::sample::select(vec![63, 64, 65, 4_095, 4_096, 1 << 40])];
    let step = prop_oneof![
        5 => seq().prop_map(Step::Enter),
        1 => seq().prop_map(Step::Forget),
        6 => seq().prop_map(Step::Hear),
        2 => (prop::collection::vec(seq(), 0..4), 0..6_000_i64).prop_map(|(seqs, ago)| Step::Elsewhere(seqs, ago)),
        2 => seq().prop_map(Step::Open),
        2 => seq().prop_map(Step::Close),
        2 => (seq(), 1..20_000_i64).prop_map(|(seq, more)| Step::Kept(seq, more)),
        1 => (1..15_000_i64).prop_map(Step::Timeout),
        2 => (-6_000..6_000_i64).prop_map(Step::Covered),
        1 => Just(Step::Stall),
        1 => (0..5_000_i64).prop_map(Step::StandStill),
        8 => prop_oneof![0..300_i64, 0..6_000_i64].prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn who_is_silent_is_found_and_nobody_else(steps in steps()) {
        let (mut presence, mut now, mut timeout, mut covered) = (presence(), 0, TIMEOUT, i64::MAX);
        let (mut attendance, mut stalls) = (Attendance::default(), Absence::default());
        attendance.look(1_900_000_000_000);
        let mut places: BTreeMap<u64, Place> = BTreeMap::new();
        let mut kept: BTreeMap<u64, i64> = BTreeMap::new();
        let clock = |ms: i64| ms + 1_900_000_000_000;
        for step in steps {
            let absence = attendance.at(clock(now)).and(&stalls);
            presence.missed(&absence);
            let heard = |place: &Place, now: i64| {
                let heard = absence.heard(place.heard);
                if place.streams > 0 { heard.max(absence.attended(clock(now))) } else { heard }
            };
            let judged = clock(now).min(covered);
            let is_silent = |place: &Place| absence.instant(heard(place, now)) + timeout <= judged;
            match step {
                Step::Enter(seq) => {
                    if let std::collections::btree_map::Entry::Vacant(new) = places.entry(seq) {
                        new.insert(Place { heard: absence.attended(clock(now)), streams: 0 });
                        presence.enter(seq, token(seq), at(now));
                        kept.remove(&seq);
                    }
                }
                Step::Forget(seq) => {
                    places.remove(&seq);
                    kept.remove(&seq);
                    presence.forget(seq, token(seq));
                }
                Step::Hear(seq) => {
                    let expected = match places.get(&seq) {
                        None => Heard::Unknown,
                        Some(place) if is_silent(place) && !kept.contains_key(&seq) => Heard::Late,
                        Some(_) => Heard::InTime,
                    };
                    prop_assert_eq!(presence.hear(seq, token(seq), at(now)), expected);
                    if let (Heard::InTime, Some(place)) = (expected, places.get_mut(&seq)) {
                        if absence.attended(clock(now)) > place.heard {
                            kept.remove(&seq);
                        }
                        place.heard = place.heard.max(absence.attended(clock(now)));
                    }
                }
                Step::Elsewhere(seqs, ago) => {
                    let seqs: BTreeSet<_> = seqs.into_iter().collect();
                    let when = absence.attended(clock((now - ago).max(0)));
                    presence.heard_all_elsewhere(&encode(&seqs.iter().copied().collect::<Vec<_>>()), at((now - ago).max(0))).unwrap();
                    for seq in seqs {
                        if let Some(place) = places.get_mut(&seq) {
                            if when > place.heard {
                                kept.remove(&seq);
                            }
                            place.heard = place.heard.max(when);
                        }
                    }
                }
                Step::Open(seq) => {
                    presence.open_stream(seq, token(seq), at(now));
                    if let Some(place) = places.get_mut(&seq) {
                        place.streams += 1;
                        place.heard = place.heard.max(absence.attended(clock(now)));
                        kept.remove(&seq);
                    }
                }
                Step::Close(seq) => {
                    presence.close_stream(seq, token(seq), at(now));
                    if let Some(place) = places.get_mut(&seq).filter(|place| place.streams > 0) {
                        place.streams -= 1;
                        place.heard = place.heard.max(absence.attended(clock(now)));
                    }
                }
                Step::Kept(seq, more) => {
                    if places.get(&seq).is_some_and(is_silent) && !kept.contains_key(&seq) {
                        if more % 2 == 0 {
                            presence.silent(at(now), usize::MAX);
                        }
                        presence.kept(seq, token(seq), at(now + more));
                        kept.insert(seq, now + more);
                    }
                }
                Step::Timeout(ms) => {
                    timeout = ms;
                    presence.set_timeout(TimeDelta::milliseconds(ms));
                }
                Step::Covered(ahead) => {
                    covered = clock(now + ahead);
                    presence.covered(time(covered));
                }
                Step::Stall => {
                    stalls = absence.stalled(clock(now));
                    presence.stood_still(at(now));
                }
                Step::StandStill(ms) => now += ms,
                Step::Pass(ms) => {
                    for _ in 0..ms / 100 {
                        now += 100;
                        attendance.look(clock(now));
                    }
                }
            }
            let absence = attendance.at(clock(now)).and(&stalls);
            presence.missed(&absence);
            let heard = |place: &Place| {
                let heard = absence.heard(place.heard);
                if place.streams > 0 { heard.max(absence.attended(clock(now))) } else { heard }
            };
            let judged = clock(now).min(covered);
            let next = presence.next().map_or(i64::MAX, millis);
            for (seq, place) in &places {
                prop_assert_eq!(presence.heard_at(*seq, token(*seq), at(now)), Some(time(absence.instant(heard(place)))));
                let due = absence.instant(heard(place)) + timeout;
                // Whoever becomes silent is looked for in time, unless they have been reported, or are kept.
                let reported = presence.places.get(*seq).unwrap().known != Known::Filed;
                prop_assert!(reported || due > covered || next <= due, "{} is silent at {}, not {}", seq, due, next);
            }
            let mut expected: Vec<u64> = Vec::new();
            for (seq, place) in &places {
                let silent = absence.instant(heard(place)) + timeout <= judged;
                match kept.get(seq) {
                    Some(until) if *until > now => {}
                    _ if silent => expected.push(*seq),
                    _ => {}
                }
            }
            kept.retain(|_, until| *until > now);
            prop_assert_eq!(silent(&mut presence, now), expected);
            prop_assert!(presence.next().is_none_or(|next| next > at(now)), "it would spin");
            let listed: Vec<_> = places.keys().copied().collect();
            prop_assert_eq!(presence.places.len(), listed.len());
        }
    }
}

#[test]
fn a_million_places_take_little_memory_and_looking_takes_less_time_than_looking_through_them() {
    assert_eq!(size_of::<Entry>(), 24);
    let mut presence = with(0..1_000_000);
    assert!(presence.places.bytes() < 26_000_000, "{} bytes", presence.places.bytes());
    // Ten that are left of a million who have come since take as much as ten, and a little.
    (0..999_990).for_each(|seq| presence.forget(seq, token(seq)));
    assert!(presence.places.bytes() < 10_000, "{} bytes", presence.places.bytes());
}
