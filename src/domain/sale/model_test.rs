//! Any sequence of commands leaves the books and the house in order.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    id::{SeatId, SeriesId, TokenId, UserId},
    policy::QueuePolicy,
};

const SERIES: SeriesId = SeriesId(Uuid::from_u128(1));
const FANS: u128 = 3;
const SEATS: u128 = 6;

#[derive(Clone, Debug)]
enum Step {
    Hold(u128, Vec<u128>),
    Release(u128, usize),
    Charge(u128, i32, u8),
    Use(u128, i32, u8),
    Pay(u128, u8),
    Cancel(u128, usize, u8),
    End(u128),
    Leave(u128),
    Lapse,
    Admit(u128),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let fan = 0..FANS;
    let key = 0..12_u8;
    prop_oneof![
        4 => (fan.clone(), prop::collection::btree_set(0..SEATS, 1..4))
            .prop_map(|(f, s)| Step::Hold(f, s.into_iter().collect())),
        1 => (fan.clone(), 0..8_usize).prop_map(|(f, h)| Step::Release(f, h)),
        2 => (fan.clone(), -5..400_i32, key.clone()).prop_map(|(f, a, k)| Step::Charge(f, a, k)),
        1 => (fan.clone(), -5..200_i32, key.clone()).prop_map(|(f, a, k)| Step::Use(f, a, k)),
        3 => (fan.clone(), key.clone()).prop_map(|(f, k)| Step::Pay(f, k)),
        2 => (fan.clone(), 0..8_usize, key).prop_map(|(f, r, k)| Step::Cancel(f, r, k)),
        1 => fan.clone().prop_map(Step::End),
        1 => fan.clone().prop_map(Step::Leave),
        1 => Just(Step::Lapse),
        2 => fan.prop_map(Step::Admit),
        2 => prop_oneof![Just(1_000), Just(150_000), Just(299_999), Just(300_000)].prop_map(Step::Wait),
    ]
}

fn user(fan: u128) -> UserId {
    UserId::try_new(&format!("fan-{fan}")).unwrap()
}

fn seat(n: u128) -> SeatId {
    SeatId(Uuid::from_u128(100 + n))
}

fn token(fan: u128) -> TokenId {
    TokenId(Uuid::from_u128(200 + fan))
}

fn house(now: DateTime<Utc>) -> WorkingSet {
    let mut set = WorkingSet::default();
    set.series.load(
        SERIES,
        SaleSeries {
            id: SERIES,
            start_at: now + TimeDelta::hours(1),
            opens_at: now,
            closes_at: now + TimeDelta::minutes(40),
            paused: false,
            seat_count: SEATS as i32,
            reserved_count: 0,
            version: 0,
            policy: QueuePolicy { max_seats_per_user: 3, ..QueuePolicy::default() },
        },
    );
    for n in 0..SEATS {
        let (number, section) = (n as i32 + 1, "Standard".to_owned());
        let (row, price, state) = (1, 50 + 10 * n as i32, SeatState::Free);
        set.seats.load(
            seat(n),
            Seat { id: seat(n), series: SERIES, number, section, row, col: number, price, state },
        );
    }
    for fan in 0..FANS {
        let (id, status) = (token(fan), TokenStatus::Admitted);
        set.passes.load(id, Pass { id, user: user(fan), series: SERIES, status });
    }
    set
}

fn command(set: &WorkingSet, step: &Step) -> Option<Command> {
    let series = SERIES;
    Some(match step {
        Step::Hold(f, seats) => {
            let seats = seats.iter().map(|n| seat(*n)).collect();
            Command::Hold { user: user(*f), token: Some(token(*f)), series, seats }
        }
        Step::Release(f, n) => {
            Command::Release { user: user(*f), series, hold: set.holds.iter().nth(*n)?.id }
        }
        Step::Charge(f, amount, key) => {
            Command::Charge { caller: user(*f), wallet: user(*f), amount: *amount, key: key.to_string() }
        }
        Step::Use(f, amount, key) => Command::Use { user: user(*f), amount: *amount, key: key.to_string() },
        Step::Pay(f, key) => {
            Command::Pay { user: user(*f), token: Some(token(*f)), series, holds: None, key: key.to_string() }
        }
        Step::Cancel(f, n, key) => {
            let reservation = set.reservations.iter().nth(*n)?.id;
            Command::Cancel { user: user(*f), series, reservation, key: key.to_string() }
        }
        Step::End(f) => Command::EndSession { series, token: token(*f) },
        Step::Leave(f) => Command::Leave { series, token: token(*f) },
        Step::Lapse => Command::Lapse { series, holds: set.holds.iter().map(|hold| hold.id).collect() },
        Step::Admit(_) | Step::Wait(_) => return None,
    })
}

/// The invariants that `frontrow audit` checks in a database, over the working set.
fn check(set: &WorkingSet, now: DateTime<Utc>) {
    let standing = || set.reservations.iter().filter(|r| r.status == ReservationStatus::Confirmed);
    for seat in set.seats.iter() {
        let live = set.holds.iter().filter(|h| h.seat == seat.id && h.is_live(now)).count();
        let sold = standing().filter(|r| r.seat == seat.id).count();
        assert!(live + sold <= 1, "seat {} has {live} live holds and {sold} reservations", seat.number);
        let expected = match (live, sold) {
            (1, _) => SeatStatus::Held,
            (_, 1) => SeatStatus::Reserved,
            _ => SeatStatus::Available,
        };
        assert_eq!(seat.state.status(now), expected, "seat {}", seat.number);
    }
    let series = set.series.get(&SERIES).unwrap();
    assert_eq!(series.reserved_count as usize, standing().count());
    let mut sums = BTreeMap::<UserId, i32>::new();
    for entry in set.entries.iter() {
        *sums.entry(entry.user.clone()).or_default() += entry.amount;
        assert!((0..=MAX_BALANCE).contains(&entry.balance_after));
    }
    for wallet in set.wallets.iter() {
        assert_eq!(sums.get(&wallet.user).copied().unwrap_or(0), wallet.balance, "{}", wallet.user);
    }
    for payment in set.payments.iter() {
        let of = |kind| {
            let lines = set.entries.iter().filter(move |e| e.payment == Some(payment.id) && e.kind == kind);
            lines.map(|e| e.amount).sum::<i32>()
        };
        assert_eq!((of(EntryKind::Use), of(EntryKind::Refund)), (-payment.amount, payment.refunded));
        let tickets = set.reservations.iter().filter(|r| r.payment == payment.id);
        assert_eq!(tickets.map(|r| r.price).sum::<i32>(), payment.amount);
    }
    for fan in 0..FANS {
        let holds = set.holds.iter().filter(|h| h.user == user(fan) && h.is_live(now)).count();
        let sold = standing().filter(|r| r.user == user(fan)).count();
        assert!(holds + sold <= 3, "fan {fan} has {holds} + {sold} seats");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_and_the_house_are_always_in_order(steps in prop::collection::vec(step(), 1..80)) {
        let mut now = DateTime::from_timestamp_millis(1_000_000_000_000).unwrap();
        let mut set = house(now);
        let mut ids = 10_000_u128;
        for step in &steps {
            match step {
                Step::Wait(millis) => now += TimeDelta::milliseconds(*millis),
                Step::Admit(fan) => set.passes.change(&token(*fan)).unwrap().status = TokenStatus::Admitted,
                other => {
                    let Some(command) = command(&set, other) else { continue };
                    let before = format!("{set:?}");
                    let outcome = decide(&mut set, &command, now, &mut || {
                        ids += 1;
                        Uuid::from_u128(ids)
                    });
                    if outcome.is_err() {
                        prop_assert_eq!(before, format!("{set:?}"), "a problem changes nothing");
                    }
                }
            }
            check(&set, now);
        }
    }
}
