//! The sections and the letters of any house say together what its seats say one by one.

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::{tests::of_layout, *};
use crate::{
    catalog::{self, MAX_SEATS, NewSection},
    id::{HoldId, ReservationId},
    sale::SeatStatus,
};

/// Sections of all shapes, from one seat to as many as a house may have, with as many seats together.
fn sections() -> impl Strategy<Value = Vec<NewSection>> {
    let size = prop_oneof![3 => 1..6_i32, 2 => 1..40_i32, 1 => 1..400_i32];
    let section = (size.clone(), size, 1..4_i32).prop_map(|(rows, cols, price)| (rows, cols, price));
    prop::collection::vec(section, 1..40).prop_map(|sections| {
        let mut left = MAX_SEATS as i32;
        let mut all = Vec::new();
        for (n, (rows, cols, price)) in sections.into_iter().enumerate() {
            let rows = rows.min(left / cols);
            if rows > 0 {
                left -= rows * cols;
                all.push(NewSection { name: format!("Section {n}"), rows, cols, price });
            }
        }
        all
    })
}

/// What somebody has done with each seat, over and over.
fn states() -> impl Strategy<Value = Vec<SeatState>> {
    let held = (0..20_i64).prop_map(|seconds| SeatState::Held {
        hold: HoldId(Uuid::nil()),
        until: DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds),
    });
    let sold = Just(SeatState::Reserved(ReservationId(Uuid::nil())));
    prop::collection::vec(prop_oneof![4 => Just(SeatState::Free), 2 => held, 2 => sold], 1..50)
}

fn map(sections: &[NewSection], states: &[SeatState]) -> SeatMap {
    of_layout(1, &catalog::Layout::try_new(sections).unwrap(), states.iter().copied().cycle())
}

/// A seat as a front end knows it: number, section, row, column, price, and the letter.
type Drawn = (i32, String, i32, i32, i32, char);

/// What a front end makes of the sections and the letters, by the formula in the schema.
fn drawn(snapshot: &Snapshot) -> Vec<Drawn> {
    let json: String = serde_json::from_slice(&snapshot.letters.json()).unwrap();
    let letters: Vec<char> = json.chars().collect();
    let mut seats = Vec::new();
    for (section, _) in snapshot.sections() {
        for row in 1..=section.rows {
            for col in 1..=section.cols {
                let number = section.first_number + (row - 1) * section.cols + col - 1;
                let letter = letters[number as usize - 1];
                seats.push((number, section.name.to_string(), row, col, section.price, letter));
            }
        }
    }
    seats
}

fn listed(snapshot: &Snapshot) -> Vec<Drawn> {
    let letter = |status| match status {
        SeatStatus::Available => 'A',
        SeatStatus::Held => 'H',
        SeatStatus::Reserved => 'R',
    };
    let drawn = |(seat, status): (&LaidSeat, SeatStatus)| {
        (seat.number, seat.section.to_string(), seat.row, seat.col, seat.price, letter(status))
    };
    snapshot.seats.iter().map(drawn).collect()
}

fn check(sections: &[NewSection], states: &[SeatState], now: DateTime<Utc>) {
    let map = map(sections, states);
    let snapshot = map.snapshot(now);
    let listed = listed(&snapshot);
    assert_eq!(drawn(&snapshot), listed);
    let names: Vec<_> = snapshot.sections().map(|(section, _)| section.name.to_string()).collect();
    assert_eq!(names, sections.iter().map(|section| section.name.clone()).collect::<Vec<_>>());
    for (section, available) in snapshot.sections() {
        let of_it = listed.iter().filter(|seat| seat.1 == *section.name && seat.5 == 'A');
        assert_eq!(of_it.count(), available, "{}", section.name);
    }
    assert_eq!(snapshot.sections().map(|(_, available)| available).sum::<usize>(), snapshot.available);
    assert_eq!(map.available(now), snapshot.available);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sections_and_letters_say_what_the_seats_say(sections in sections(), states in states(), at in 0..20_i64) {
        check(&sections, &states, DateTime::UNIX_EPOCH + TimeDelta::seconds(at));
    }
}

#[test]
fn so_they_do_at_both_ends() {
    let section = |n: usize, rows, cols| NewSection { name: format!("Section {n}"), rows, cols, price: 1 };
    let now = DateTime::UNIX_EPOCH;
    let states = [SeatState::Free, SeatState::Reserved(ReservationId(Uuid::nil())), SeatState::Free];
    check(&[section(0, 1, 1)], &states, now);
    check(&[section(0, 1, 100_000)], &states, now);
    check(&[section(0, 100_000, 1)], &states, now);
    let single: Vec<_> = (0..2_000).map(|n| section(n, 1, 1)).collect();
    check(&single, &states, now);
}
