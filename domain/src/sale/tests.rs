//! The rules of the sale, one by one, over plain values.

mod unpaid;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::{
    id::{HoldId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    policy::QueuePolicy,
    text::IdempotencyKey,
};

const SERIES: SeriesId = SeriesId(Uuid::from_u128(1));

/// One date with ten seats at 100 points, fans `a` and `b` admitted, `w` waiting.
struct Sale {
    set: WorkingSet,
    now: DateTime<Utc>,
    ids: u128,
}

fn user(name: &str) -> UserId {
    UserId::try_new(name).unwrap()
}

fn token(name: &str) -> TokenId {
    TokenId(Uuid::from_u128(1_000 + u128::from(name.as_bytes()[0])))
}

fn seat(n: u128) -> SeatId {
    SeatId(Uuid::from_u128(2_000 + n))
}

fn problem<T: std::fmt::Debug>(code: ProblemCode) -> Result<T, Problem> {
    Err(Problem::Simple(code))
}

impl Sale {
    fn new() -> Self {
        let now = DateTime::from_timestamp_millis(1_000_000_000_000).unwrap();
        let mut set = WorkingSet::default();
        set.series.load(
            SERIES,
            SaleSeries {
                id: SERIES,
                start_at: now + TimeDelta::days(2),
                opens_at: now - TimeDelta::hours(1),
                closes_at: now + TimeDelta::hours(1),
                paused: false,
                seat_count: 10,
                reserved_count: 0,
                version: 0,
                policy: QueuePolicy::default(),
            },
        );
        for n in 1..=10 {
            let row = Seat {
                id: seat(n),
                series: SERIES,
                number: n as i32,
                section: "Standard".into(),
                row: 1,
                col: n as i32,
                price: 100,
                state: SeatState::Free,
            };
            set.seats.load(seat(n), row);
        }
        for (name, status) in
            [("a", TokenStatus::Admitted), ("b", TokenStatus::Admitted), ("w", TokenStatus::Waiting)]
        {
            let admitted_until = (status == TokenStatus::Admitted).then_some(now + TimeDelta::days(1));
            let pass = Pass { id: token(name), user: user(name), series: SERIES, status, admitted_until };
            set.passes.load(token(name), pass);
        }
        Self { set, now, ids: 10_000 }
    }

    fn run(&mut self, command: &Command) -> Result<Outcome, Problem> {
        let ids = &mut self.ids;
        decide(&mut self.set, command, self.now, &mut || {
            *ids += 1;
            Uuid::from_u128(*ids)
        })
    }

    fn hold(&mut self, name: &str, seats: &[u128]) -> Result<Vec<HoldId>, Problem> {
        let seats = seats.iter().map(|n| seat(*n)).collect();
        match self.run(&Command::Hold {
            user: user(name),
            token: Some(token(name)),
            series: SERIES,
            seats,
        })? {
            Outcome::Held(holds) => Ok(holds),
            other => panic!("{other:?}"),
        }
    }

    fn charge(&mut self, name: &str, amount: i32, key: &str) -> Result<Outcome, Problem> {
        self.run(&Command::Charge {
            caller: user(name),
            wallet: user(name),
            amount,
            key: IdempotencyKey::from_stored(key),
        })
    }

    fn pay(&mut self, name: &str, holds: Option<&[HoldId]>, key: &str) -> Result<Outcome, Problem> {
        let (user, token) = (user(name), Some(token(name)));
        let holds = holds.map(<[_]>::to_vec);
        self.run(&Command::Pay { user, token, series: SERIES, holds, key: IdempotencyKey::from_stored(key) })
    }

    fn balance(&self, name: &str) -> i32 {
        self.set.wallets.get(&user(name)).map_or(0, |wallet| wallet.balance)
    }

    fn status(&self, name: &str) -> TokenStatus {
        self.set.passes.get(&token(name)).unwrap().status
    }

    fn seat_status(&self, n: u128) -> SeatStatus {
        self.set.seats.get(&seat(n)).unwrap().state.status(self.now)
    }

    fn series(&mut self) -> &mut SaleSeries {
        self.set.series.change(&SERIES).unwrap()
    }

    fn reservation(&self, name: &str) -> ReservationId {
        self.set.reservations.iter().find(|r| r.user == user(name)).unwrap().id
    }

    fn pass(&mut self, millis: i64) {
        self.now += TimeDelta::milliseconds(millis);
    }
}

#[test]
fn a_seat_is_one_fans_until_the_hold_ends_to_the_millisecond() {
    let mut sale = Sale::new();
    sale.hold("a", &[1]).unwrap();
    assert_eq!(sale.hold("b", &[1]), Err(Problem::SeatTaken(vec![seat(1)])));
    sale.pass(HOLD_SECONDS * 1_000 - 1);
    assert_eq!(sale.hold("b", &[1]), Err(Problem::SeatTaken(vec![seat(1)])));
    sale.pass(1);
    assert_eq!(sale.seat_status(1), SeatStatus::Available, "without any cleaner");
    sale.hold("b", &[1]).unwrap();
    let of_a = sale.set.holds.iter().find(|hold| hold.user == user("a")).unwrap();
    assert_eq!(of_a.status, HoldStatus::Expired);
}

#[test]
fn pay_works_until_a_millisecond_before_the_end_and_takes_nothing_after() {
    for (late, all) in [(0, true), (0, false), (1, true), (1, false)] {
        let mut sale = Sale::new();
        let holds = sale.hold("a", &[1]).unwrap();
        sale.charge("a", 100, "c").unwrap();
        sale.pass(HOLD_SECONDS * 1_000 - 1 + late);
        let paid = sale.pay("a", if all { None } else { Some(&holds) }, "p");
        if late == 0 {
            assert!(matches!(paid, Ok(Outcome::Paid(_))), "{paid:?}");
            assert_eq!(sale.balance("a"), 0);
        } else {
            assert_eq!(paid, problem(ProblemCode::HoldExpired));
            assert_eq!((sale.balance("a"), sale.seat_status(1)), (100, SeatStatus::Available));
        }
    }
}

#[test]
fn several_seats_are_held_all_or_none() {
    let mut sale = Sale::new();
    sale.hold("a", &[2, 4]).unwrap();
    assert_eq!(sale.hold("b", &[1, 2, 3, 4]), Err(Problem::SeatTaken(vec![seat(2), seat(4)])));
    assert_eq!(sale.seat_status(1), SeatStatus::Available);
    assert_eq!(sale.hold("b", &[1, 99]), problem(ProblemCode::SeatNotFound));
    assert_eq!(sale.seat_status(1), SeatStatus::Available);
}

#[test]
fn holding_ones_own_seat_again_is_the_same_hold() {
    let mut sale = Sale::new();
    let first = sale.hold("a", &[1]).unwrap();
    sale.pass(1_000);
    let again = sale.hold("a", &[1, 2]).unwrap();
    assert_eq!(first[0], again[0]);
    let hold = sale.set.holds.get(&first[0]).unwrap();
    assert_eq!(hold.expires_at - hold.created_at, TimeDelta::seconds(HOLD_SECONDS), "and no longer");
}

#[test]
fn only_an_admitted_pass_of_the_series_holds() {
    let mut sale = Sale::new();
    assert_eq!(sale.hold("w", &[1]), Err(Problem::NotAdmitted(Some(token("w")))));
    assert_eq!(sale.hold("x", &[1]), Err(Problem::NotAdmitted(None)));
    let stolen =
        Command::Hold { user: user("w"), token: Some(token("a")), series: SERIES, seats: vec![seat(1)] };
    assert_eq!(sale.run(&stolen), Err(Problem::NotAdmitted(None)));
    let elsewhere = SeriesId(Uuid::from_u128(9));
    let other = sale.set.series.get(&SERIES).unwrap().clone();
    sale.set.series.load(elsewhere, SaleSeries { id: elsewhere, ..other });
    let foreign =
        Command::Hold { user: user("a"), token: Some(token("a")), series: elsewhere, seats: vec![seat(1)] };
    assert_eq!(sale.run(&foreign), Err(Problem::NotAdmitted(None)));
    sale.set.passes.change(&token("a")).unwrap().status = TokenStatus::Expired;
    assert_eq!(sale.hold("a", &[1]), problem(ProblemCode::TokenExpired));
    let by_user = Command::Hold { user: user("b"), token: None, series: SERIES, seats: vec![seat(1)] };
    assert!(sale.run(&by_user).is_ok(), "an identity token stands for the live place");
}

#[test]
fn seats_are_held_within_the_window_only() {
    let mut sale = Sale::new();
    let (opens, closes) = (sale.series().opens_at, sale.series().closes_at);
    for (now, code) in [
        (opens - TimeDelta::milliseconds(1), Some(ProblemCode::SaleNotOpen)),
        (opens, None),
        (closes - TimeDelta::milliseconds(1), None),
        (closes, Some(ProblemCode::SaleClosed)),
    ] {
        let mut sale = Sale::new();
        sale.now = now;
        assert_eq!(sale.hold("a", &[1]).err().map(|p| p.code()), code);
    }
    sale.series().paused = true;
    assert_eq!(sale.hold("a", &[1]), problem(ProblemCode::SalePaused));
    sale.series().reserved_count = 10;
    assert_eq!(sale.hold("a", &[1]), problem(ProblemCode::SoldOut));
}

#[test]
fn holders_may_pay_while_the_sale_is_paused_or_has_just_closed() {
    let mut sale = Sale::new();
    sale.now = sale.series().closes_at - TimeDelta::milliseconds(1);
    sale.hold("a", &[1]).unwrap();
    sale.charge("a", 100, "c").unwrap();
    sale.series().paused = true;
    sale.pass(60_000);
    assert!(matches!(sale.pay("a", None, "p"), Ok(Outcome::Paid(_))));
}

#[test]
fn the_limit_counts_live_holds_and_standing_reservations() {
    let mut sale = Sale::new();
    sale.series().policy.max_seats_per_user = 2;
    assert_eq!(sale.hold("a", &[1, 2, 3]), Err(Problem::SeatLimitReached(2)));
    sale.hold("a", &[1]).unwrap();
    sale.charge("a", 100, "c").unwrap();
    sale.pay("a", None, "p").unwrap();
    sale.set.passes.change(&token("a")).unwrap().status = TokenStatus::Admitted;
    assert_eq!(sale.hold("a", &[2, 3]), Err(Problem::SeatLimitReached(2)));
    let second = sale.hold("a", &[2]).unwrap();
    assert_eq!(sale.hold("a", &[3]), Err(Problem::SeatLimitReached(2)));
    sale.run(&Command::Release { user: user("a"), series: SERIES, hold: second[0] }).unwrap();
    sale.hold("a", &[3]).unwrap();
}

#[test]
fn paying_is_one_step() {
    let mut sale = Sale::new();
    sale.hold("a", &[1, 2]).unwrap();
    sale.charge("a", 250, "c").unwrap();
    let Ok(Outcome::Paid(paid)) = sale.pay("a", None, "p") else { panic!("not paid") };
    let payment = sale.set.payments.get(&paid.payment).unwrap();
    assert_eq!((payment.amount, payment.status()), (200, PaymentStatus::Complete));
    assert_eq!((sale.balance("a"), paid.wallet.balance), (50, 50));
    assert_eq!(sale.status("a"), TokenStatus::Completed);
    assert_eq!((sale.seat_status(1), sale.seat_status(2)), (SeatStatus::Reserved, SeatStatus::Reserved));
    assert_eq!(sale.series().reserved_count, 2);
    let line = sale.set.entries.iter().find(|entry| entry.kind == EntryKind::Use).unwrap();
    assert_eq!((line.amount, line.balance_after, line.payment), (-200, 50, Some(paid.payment)));
}

#[test]
fn a_fan_who_is_short_of_points_keeps_the_holds_and_pays_later_with_the_same_key() {
    let mut sale = Sale::new();
    sale.hold("a", &[1]).unwrap();
    sale.charge("a", 99, "c1").unwrap();
    let before = sale.set.clone();
    let short = Problem::InsufficientPoints { balance: 99, required: 100 };
    assert_eq!(sale.pay("a", None, "p"), Err(short));
    assert_eq!(format!("{before:?}"), format!("{:?}", sale.set), "nothing at all has happened");
    sale.charge("a", 1, "c2").unwrap();
    assert!(matches!(sale.pay("a", None, "p"), Ok(Outcome::Paid(_))));
}

#[test]
fn what_is_anothers_does_not_exist() {
    let mut sale = Sale::new();
    let holds = sale.hold("a", &[1]).unwrap();
    sale.charge("b", 1_000, "c").unwrap();
    assert_eq!(sale.pay("b", Some(&holds), "p"), problem(ProblemCode::HoldNotFound));
    let steal = Command::Release { user: user("b"), series: SERIES, hold: holds[0] };
    assert_eq!(sale.run(&steal), problem(ProblemCode::HoldNotFound));
    sale.charge("a", 100, "c").unwrap();
    sale.pay("a", None, "p").unwrap();
    let reservation = sale.reservation("a");
    let cancel = Command::Cancel {
        user: user("b"),
        series: SERIES,
        reservation,
        key: IdempotencyKey::from_stored("x"),
    };
    assert_eq!(sale.run(&cancel), problem(ProblemCode::ReservationNotFound));
}

#[test]
fn there_must_be_something_to_pay() {
    let mut sale = Sale::new();
    sale.charge("a", 1_000, "c").unwrap();
    assert_eq!(sale.pay("a", None, "p"), problem(ProblemCode::NothingToPay));
    assert_eq!(sale.pay("a", Some(&[]), "p"), problem(ProblemCode::NothingToPay));
    let holds = sale.hold("a", &[1]).unwrap();
    sale.pay("a", None, "p").unwrap();
    assert_eq!(sale.pay("a", Some(&holds), "q"), problem(ProblemCode::NothingToPay), "paid already");
}

#[test]
fn amounts_are_positive_and_balances_stay_between_nothing_and_the_limit() {
    let mut sale = Sale::new();
    for amount in [0, -1, i32::MIN] {
        assert_eq!(sale.charge("a", amount, "c"), problem(ProblemCode::AmountNotPositive));
        let spend = Command::Use { user: user("a"), amount, key: IdempotencyKey::from_stored("u") };
        assert_eq!(sale.run(&spend), problem(ProblemCode::AmountNotPositive));
    }
    sale.charge("a", MAX_BALANCE, "c").unwrap();
    assert_eq!(sale.charge("a", 1, "d"), problem(ProblemCode::BalanceLimitExceeded));
    assert_eq!(sale.charge("a", i32::MAX, "d"), problem(ProblemCode::BalanceLimitExceeded));
    let spend = Command::Use { user: user("a"), amount: i32::MAX, key: IdempotencyKey::from_stored("u") };
    let short = Problem::InsufficientPoints { balance: MAX_BALANCE, required: i32::MAX };
    assert_eq!(sale.run(&spend), Err(short));
    assert_eq!(sale.balance("a"), MAX_BALANCE);
}

#[test]
fn a_key_acts_once_and_means_one_thing() {
    let mut sale = Sale::new();
    let first = sale.charge("a", 100, "k").unwrap();
    assert_eq!(sale.charge("a", 100, "k").unwrap(), first);
    assert_eq!(sale.balance("a"), 100);
    assert_eq!(sale.charge("a", 101, "k"), problem(ProblemCode::IdempotencyKeyReused));
    let spend = Command::Use { user: user("a"), amount: 100, key: IdempotencyKey::from_stored("k") };
    assert_eq!(sale.run(&spend), problem(ProblemCode::IdempotencyKeyReused));
    sale.charge("b", 7, "k").unwrap();
    assert_eq!(sale.balance("b"), 7, "keys are each caller's own");

    sale.hold("a", &[1]).unwrap();
    let paid = sale.pay("a", None, "p").unwrap();
    assert_eq!(sale.pay("a", None, "p").unwrap(), paid);
    assert_eq!(sale.balance("a"), 0);
}

#[test]
fn cancelling_gives_points_and_seat_back_until_the_concert_begins() {
    let mut sale = Sale::new();
    sale.hold("a", &[1, 2]).unwrap();
    sale.charge("a", 200, "c").unwrap();
    let Ok(Outcome::Paid(paid)) = sale.pay("a", None, "p") else { panic!("not paid") };
    let tickets: Vec<_> = sale.set.reservations.iter().map(|r| r.id).collect();
    let cancel = |reservation, key: &str| Command::Cancel {
        user: user("a"),
        series: SERIES,
        reservation,
        key: IdempotencyKey::from_stored(key),
    };
    sale.now = sale.series().start_at - TimeDelta::milliseconds(1);
    let done = sale.run(&cancel(tickets[0], "x")).unwrap();
    assert_eq!(sale.run(&cancel(tickets[0], "x")).unwrap(), done, "the same key, the same answer");
    assert_eq!(sale.balance("a"), 100);
    assert_eq!(sale.run(&cancel(tickets[0], "y")), problem(ProblemCode::ReservationNotFound));
    assert_eq!(sale.set.payments.get(&paid.payment).unwrap().status(), PaymentStatus::PartiallyRefunded);
    assert_eq!(sale.series().reserved_count, 1);
    assert_eq!(sale.set.seats.iter().filter(|s| s.state == SeatState::Free).count(), 9);
    let line = sale.set.entries.iter().find(|entry| entry.kind == EntryKind::Refund).unwrap();
    assert_eq!((line.amount, line.payment), (100, Some(paid.payment)));
    sale.pass(1);
    assert_eq!(sale.run(&cancel(tickets[1], "z")), problem(ProblemCode::CancellationClosed));
    sale.pass(-1);
    sale.run(&cancel(tickets[1], "z")).unwrap();
    assert_eq!(sale.set.payments.get(&paid.payment).unwrap().status(), PaymentStatus::Refunded);
}

#[test]
fn a_live_hold_pins_the_session_and_the_place_ends_with_it() {
    let mut sale = Sale::new();
    let end = Command::EndSession { series: SERIES, token: token("a") };
    let holds = sale.hold("a", &[1]).unwrap();
    let until = sale.set.holds.get(&holds[0]).unwrap().expires_at;
    assert_eq!(sale.run(&end), Ok(Outcome::Pinned(until)));
    assert_eq!(sale.status("a"), TokenStatus::Admitted);
    sale.now = until;
    assert_eq!(sale.run(&end), Ok(Outcome::Ended));
    assert_eq!(sale.status("a"), TokenStatus::Expired);
    assert_eq!(sale.run(&end), Ok(Outcome::NotAdmitted), "once");
}

#[test]
fn who_leaves_gives_the_seats_back() {
    let mut sale = Sale::new();
    sale.hold("a", &[1, 2]).unwrap();
    let leave = |name: &str| Command::Leave { series: SERIES, token: token(name) };
    assert_eq!(sale.run(&leave("a")), Ok(Outcome::Ended));
    assert_eq!(sale.status("a"), TokenStatus::Left);
    assert_eq!(sale.seat_status(1), SeatStatus::Available);
    assert_eq!(sale.run(&leave("w")), Ok(Outcome::NotAdmitted), "the waiting room's own business");
}

#[test]
fn lapsed_holds_are_marked_once() {
    let mut sale = Sale::new();
    let holds = sale.hold("a", &[1, 2]).unwrap();
    let lapse = Command::Lapse { series: SERIES, holds };
    sale.pass(HOLD_SECONDS * 1_000 - 1);
    assert_eq!(sale.run(&lapse), Ok(Outcome::Lapsed(0)));
    sale.pass(1);
    assert_eq!(sale.run(&lapse), Ok(Outcome::Lapsed(2)));
    assert_eq!(sale.run(&lapse), Ok(Outcome::Lapsed(0)));
    assert_eq!(sale.set.seats.get(&seat(1)).unwrap().state, SeatState::Free);
}
