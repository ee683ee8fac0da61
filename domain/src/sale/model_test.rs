//! Any sequence of commands leaves the books and the house in order.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    id::{HoldId, SeatId, SeriesId, TokenId, UserId},
    policy::QueuePolicy,
    text::IdempotencyKey,
};

const SERIES: SeriesId = SeriesId(Uuid::from_u128(1));
const FANS: u128 = 3;
const SEATS: u128 = 6;
const MOST: u32 = 2;
const SESSION: TimeDelta = TimeDelta::minutes(12);

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
        4 => fan.prop_map(Step::Admit),
        6 => prop_oneof![Just(1_000), Just(60_000), Just(60_001), Just(150_000), Just(299_999), Just(300_000)]
            .prop_map(Step::Wait),
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
            start_at: now + TimeDelta::hours(6),
            opens_at: now,
            closes_at: now + TimeDelta::hours(5),
            paused: false,
            seat_count: SEATS as i32,
            reserved_count: 0,
            version: 0,
            policy: QueuePolicy {
                max_seats_per_user: MOST,
                session_seconds: SESSION.num_seconds() as u32,
                ..QueuePolicy::default()
            },
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
        let admitted_until = Some(now + SESSION);
        set.passes.load(id, Pass { id, user: user(fan), series: SERIES, status, admitted_until });
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
        Step::Charge(f, amount, key) => Command::Charge {
            caller: user(*f),
            wallet: user(*f),
            amount: *amount,
            key: IdempotencyKey::from_stored(&key.to_string()),
        },
        Step::Use(f, amount, key) => Command::Use {
            user: user(*f),
            amount: *amount,
            key: IdempotencyKey::from_stored(&key.to_string()),
        },
        Step::Pay(f, key) => Command::Pay {
            user: user(*f),
            token: Some(token(*f)),
            series,
            holds: None,
            key: IdempotencyKey::from_stored(&key.to_string()),
        },
        Step::Cancel(f, n, key) => {
            let reservation = set.reservations.iter().nth(*n)?.id;
            Command::Cancel {
                user: user(*f),
                series,
                reservation,
                key: IdempotencyKey::from_stored(&key.to_string()),
            }
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
        assert!(holds + sold <= MOST as usize, "fan {fan} has {holds} + {sold} seats");
    }
}

/// The set as it is once whatever has lapsed is marked so.
fn lapsed_marked(mut set: WorkingSet, now: DateTime<Utc>) -> String {
    let all = set.holds.iter().map(|hold| hold.id).collect();
    decide(&mut set, &Command::Lapse { series: SERIES, holds: all }, now, &mut Uuid::nil).unwrap();
    format!("{set:?}")
}

/// Rule 13 told naively: what every hold has come to, looked at from the beginning each time.
#[derive(Default)]
struct GivenBack(BTreeMap<HoldId, (usize, DateTime<Utc>)>);

impl GivenBack {
    /// Notes which holds were given back just now.
    fn note(&mut self, set: &WorkingSet, now: DateTime<Utc>) {
        for hold in set.holds.iter().filter(|hold| hold.status == HoldStatus::Released) {
            let order = self.0.len() + 1;
            self.0.entry(hold.id).or_insert((order, now));
        }
    }

    /// Until when the fan takes no holds at `now`.
    fn barred_until(&self, set: &WorkingSet, fan: &UserId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ended =
            set.holds.iter().filter(|hold| hold.user == *fan).filter_map(|hold| match hold.status_at(now) {
                HoldStatus::Expired => Some((hold.expires_at, 0, None)),
                HoldStatus::Released => {
                    let (order, at) = self.0[&hold.id];
                    Some((at, order, Some(at - hold.created_at)))
                }
                HoldStatus::Active | HoldStatus::Confirmed => None,
            });
        let mut ends: Vec<_> = ended.collect();
        ends.sort();
        let (mut count, mut brief, mut until) = (0, TimeDelta::zero(), None);
        for (end, _, lasted) in ends {
            match lasted {
                Some(lasted) if lasted <= TimeDelta::minutes(1) => brief += lasted.max(TimeDelta::seconds(5)),
                _ => count += 1,
            }
            if count == 3 * MOST || brief >= TimeDelta::minutes(5) * (3 * MOST) as i32 {
                (count, brief, until) = (0, TimeDelta::zero(), Some(end + SESSION));
            }
        }
        until.filter(|until| now < *until)
    }
}

/// Whether `outcome` of `step` is right as far as rules 7 and 13 say who may take holds.
fn check_taking(
    step: &Step,
    before: &WorkingSet,
    set: &WorkingSet,
    given_back: &GivenBack,
    now: DateTime<Utc>,
    outcome: &Result<Outcome, Problem>,
) {
    let Step::Hold(fan, _) = step else { return };
    let barred = given_back.barred_until(before, &user(*fan), now);
    let over = before.passes.get(&token(*fan)).unwrap().admitted_until.unwrap() <= now;
    match outcome {
        Ok(_) if set.holds.iter().any(|hold| before.holds.get(&hold.id).is_none()) => {
            assert!(barred.is_none() && !over, "fan {fan} took a hold: {barred:?}, over: {over}");
        }
        Err(Problem::TooManyUnpaid(until)) => {
            assert!(!over && barred == Some(*until), "{until}, not {barred:?}")
        }
        Err(Problem::ChoosingIsOver(_)) => assert!(over),
        Err(Problem::SeatTaken(_) | Problem::SeatLimitReached(_)) => assert!(barred.is_none() && !over),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_and_the_house_are_always_in_order(steps in prop::collection::vec(step(), 1..150)) {
        let mut now = DateTime::from_timestamp_millis(1_000_000_000_000).unwrap();
        let mut set = house(now);
        let (mut ids, mut given_back) = (10_000_u128, GivenBack::default());
        for step in &steps {
            match step {
                Step::Wait(millis) => now += TimeDelta::milliseconds(*millis),
                Step::Admit(fan) => {
                    let pass = set.passes.change(&token(*fan)).unwrap();
                    if pass.status != TokenStatus::Admitted {
                        (pass.status, pass.admitted_until) = (TokenStatus::Admitted, Some(now + SESSION));
                    }
                }
                other => {
                    let Some(command) = command(&set, other) else { continue };
                    let before = set.clone();
                    let outcome = decide(&mut set, &command, now, &mut || {
                        ids += 1;
                        Uuid::from_u128(ids)
                    });
                    check_taking(other, &before, &set, &given_back, now, &outcome);
                    given_back.note(&set, now);
                    if outcome.is_err() {
                        let (before, after) = (lapsed_marked(before, now), lapsed_marked(set.clone(), now));
                        prop_assert_eq!(before, after, "a problem changes nothing but what has lapsed");
                    }
                }
            }
            check(&set, now);
        }
    }
}
