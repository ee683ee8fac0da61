//! Rules 7 and 13: nobody keeps a seat or a slot without paying.

use super::*;

/// The fan has ten minutes to choose, from now on.
fn admit(sale: &mut Sale, name: &str) {
    let until = sale.now + TimeDelta::seconds(600);
    let pass = sale.set.passes.change(&token(name)).unwrap();
    (pass.status, pass.admitted_until) = (TokenStatus::Admitted, Some(until));
}

fn release(sale: &mut Sale, name: &str, hold: HoldId) {
    let release = Command::Release { user: user(name), series: SERIES, hold };
    assert_eq!(sale.run(&release), Ok(Outcome::Released(hold)));
}

/// Takes a seat and lets it lapse.
fn lapse(sale: &mut Sale, name: &str, n: u128) {
    admit(sale, name);
    sale.hold(name, &[n]).unwrap();
    sale.pass(HOLD_SECONDS * 1_000);
}

#[test]
fn holds_are_taken_until_the_time_that_was_fixed_at_the_admission() {
    let mut sale = Sale::new();
    admit(&mut sale, "a");
    sale.pass(599_999);
    let first = sale.hold("a", &[1]).unwrap();
    sale.pass(1);
    let over = Err(Problem::ChoosingIsOver(Some(sale.set.holds.get(&first[0]).unwrap().expires_at)));
    assert_eq!(sale.hold("a", &[2]), over);
    assert_eq!(sale.hold("a", &[1, 2]), over, "all or nothing");
    assert_eq!(sale.hold("a", &[]), over, "nor are the best seats looked for");
    assert_eq!(sale.hold("a", &[1]).unwrap(), first, "a lost answer is no new hold");
    // By an identity token it is the same place.
    let by_user = Command::Hold { user: user("a"), token: None, series: SERIES, seats: vec![seat(2)] };
    assert_eq!(sale.run(&by_user).unwrap_err().code(), ProblemCode::TokenExpired);
    sale.charge("a", 100, "c").unwrap();
    sale.pass(HOLD_SECONDS * 1_000 - 2);
    assert!(matches!(sale.pay("a", None, "p"), Ok(Outcome::Paid(_))), "what is held can be paid to the last");
}

#[test]
fn giving_back_and_taking_again_does_not_keep_a_place_open() {
    let mut sale = Sale::new();
    admit(&mut sale, "a");
    let end = Command::EndSession { series: SERIES, token: token("a") };
    let (mut held, mut n) = (sale.hold("a", &[1]).unwrap(), 1);
    let began = sale.now;
    loop {
        sale.pass(200_000);
        n = n % 9 + 1;
        match sale.hold("a", &[n + 1]) {
            Ok(next) => {
                release(&mut sale, "a", held[0]);
                held = next;
            }
            Err(problem) => {
                assert_eq!(problem.code(), ProblemCode::TokenExpired);
                break;
            }
        }
    }
    sale.now = sale.set.holds.get(&held[0]).unwrap().expires_at;
    assert_eq!(sale.run(&end), Ok(Outcome::Ended));
    assert!(sale.now - began < TimeDelta::seconds(600 + HOLD_SECONDS));
}

#[test]
fn who_lets_too_many_holds_lapse_takes_none_for_the_length_of_a_session() {
    let mut sale = Sale::new();
    sale.series().policy.max_seats_per_user = 2;
    sale.series().closes_at = sale.now + TimeDelta::days(1);
    for n in 1..=6 {
        lapse(&mut sale, "a", n);
    }
    let until = sale.now + TimeDelta::seconds(600);
    admit(&mut sale, "a");
    sale.pass(599_999);
    let barred = sale.hold("a", &[7]);
    assert_eq!(barred, Err(Problem::TooManyUnpaid(until)), "counted although nobody has marked the last one");
    assert_eq!(barred.unwrap_err().code(), ProblemCode::SeatLimitReached);
    sale.hold("b", &[7]).unwrap();
    sale.pass(1);
    admit(&mut sale, "a");
    sale.hold("a", &[8]).unwrap();
    // The count has begun anew.
    sale.pass(HOLD_SECONDS * 1_000);
    for n in 1..=4 {
        lapse(&mut sale, "a", n);
    }
    admit(&mut sale, "a");
    sale.hold("a", &[9]).unwrap();
}

#[test]
fn holds_that_others_or_the_sweeper_end_count_in_the_order_of_their_ends() {
    for by_sweeper in [false, true] {
        let mut sale = Sale::new();
        sale.series().policy.max_seats_per_user = 1;
        sale.series().closes_at = sale.now + TimeDelta::days(1);
        lapse(&mut sale, "a", 1);
        lapse(&mut sale, "a", 2);
        let third = {
            admit(&mut sale, "a");
            sale.hold("a", &[3]).unwrap()[0]
        };
        let end = sale.set.holds.get(&third).unwrap().expires_at;
        sale.now = end + TimeDelta::seconds(100);
        if by_sweeper {
            let lapse = Command::Lapse { series: SERIES, holds: vec![third] };
            assert_eq!(sale.run(&lapse), Ok(Outcome::Lapsed(1)));
        } else {
            sale.hold("b", &[3]).unwrap();
        }
        let unpaid = sale.set.unpaid.get(&(SERIES, user("a"))).unwrap();
        assert_eq!(unpaid.barred, Some((end, end + TimeDelta::seconds(600))), "by sweeper: {by_sweeper}");
        assert_eq!(unpaid.ended, 0);
    }
}

#[test]
fn a_fan_may_think_again_within_a_minute() {
    let mut sale = Sale::new();
    sale.series().policy.max_seats_per_user = 1;
    for (after, ended) in [(59_999, 0), (60_000, 0), (60_001, 1), (299_999, 2)] {
        admit(&mut sale, "a");
        let held = sale.hold("a", &[1]).unwrap();
        sale.pass(after);
        release(&mut sale, "a", held[0]);
        release(&mut sale, "a", held[0]);
        assert_eq!(sale.set.unpaid.get(&(SERIES, user("a"))).unwrap().ended, ended, "after {after} ms");
    }
}

#[test]
fn leaving_is_giving_back() {
    let mut sale = Sale::new();
    for (after, ended) in [(60_000, 0), (60_001, 3)] {
        admit(&mut sale, "a");
        sale.hold("a", &[1, 2, 3]).unwrap();
        sale.pass(after);
        assert_eq!(sale.run(&Command::Leave { series: SERIES, token: token("a") }), Ok(Outcome::Ended));
        assert_eq!(sale.set.unpaid.get(&(SERIES, user("a"))).unwrap().ended, ended);
    }
}

#[test]
fn what_is_paid_does_not_count_and_what_is_paid_and_given_back_does_not_either() {
    let mut sale = Sale::new();
    sale.charge("a", 100, "c").unwrap();
    sale.hold("a", &[1]).unwrap();
    sale.pass(200_000);
    sale.pay("a", None, "p").unwrap();
    let cancel = Command::Cancel {
        user: user("a"),
        series: SERIES,
        reservation: sale.reservation("a"),
        key: IdempotencyKey::from_stored("x"),
    };
    sale.run(&cancel).unwrap();
    assert!(sale.set.unpaid.iter().next().is_none());
}

/// The same four seats, given back within each minute and taken again: for a while, and not for ever.
#[test]
fn brief_holds_one_after_another_come_to_an_end_too() {
    let mut sale = Sale::new();
    sale.series().closes_at = sale.now + TimeDelta::days(1);
    let began = sale.now;
    loop {
        admit(&mut sale, "a");
        let Ok(held) = sale.hold("a", &[1, 2, 3, 4]) else { break };
        sale.pass(59_000);
        for hold in held {
            release(&mut sale, "a", hold);
        }
    }
    // As long as three times four holds of five minutes, four at a time.
    let kept = sale.now - began;
    assert!(kept >= TimeDelta::seconds(900) && kept < TimeDelta::seconds(960), "{kept}");
}
