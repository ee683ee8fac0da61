//! Everybody buys at any process, of several dates at once (rules 11 and 15).

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;
use frontrow::{
    domain::{
        id::SeatId,
        identity::Caller,
        sale::{Problem, ProblemCode},
    },
    service::Failure,
};

use test_support::needs;

use crate::houses::{Date, Houses, fan, key};

const PROCESSES: usize = 3;
const DATES: usize = 3;
const SEATS: i32 = 30;
const FANS: usize = 90;

/// Holds and pays at any process, until a seat is paid for or none is left; the seat.
async fn buy(houses: &Houses, date: &Date, fan: &Caller, number: usize) -> Option<SeatId> {
    let mut calls = number;
    let mut at = || {
        calls += 1;
        houses.any(calls)
    };
    // The key is the date's: one wallet pays for all of them.
    at().charge(fan, None, date.price, key(&format!("charge for {}", date.id))).await.unwrap();
    let mut wanted = date.seats.clone();
    wanted.rotate_left(number * 7 % date.seats.len());
    for seat in wanted {
        match at().hold_seats(fan, vec![seat]).await {
            Ok(holds) => {
                let holds = holds.into_iter().map(|hold| hold.id).collect();
                at().pay(fan, Some(holds), key(&format!("pay for {seat}"))).await.unwrap();
                return Some(seat);
            }
            Err(Failure::Problem(Problem::SeatTaken(_))) => {}
            Err(Failure::Problem(Problem::Simple(ProblemCode::SoldOut))) => return None,
            Err(other) => panic!("{other:?}"),
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_seat_is_sold_once_at_whichever_process() {
    needs!(Postgres);
    let houses = Arc::new(Houses::open(PROCESSES).await);
    let mut dates = Vec::new();
    for _ in 0..DATES {
        let date = Arc::new(houses.date(SEATS).await);
        for number in 0..FANS {
            houses.join_at(number, &fan(number), &date).await;
        }
        dates.push(date);
    }
    // Everybody goes for one seat of every date at once, so that batches of several dates and wallets meet.
    let buying = (0..FANS).flat_map(|number| {
        let houses = &houses;
        dates.iter().enumerate().map(move |(which, date)| {
            let (houses, date) = (Arc::clone(houses), Arc::clone(date));
            tokio::spawn(async move { buy(&houses, &date, &fan(number), number + which).await })
        })
    });
    let buying: Vec<_> = buying.collect();
    let mut sold = BTreeMap::<SeatId, usize>::new();
    for one in buying {
        if let Some(seat) = one.await.unwrap() {
            *sold.entry(seat).or_default() += 1;
        }
    }
    assert_eq!(sold.len(), DATES * usize::try_from(SEATS).unwrap());
    assert!(sold.values().all(|times| *times == 1), "{sold:?}");
    Arc::into_inner(houses).unwrap().close_in_order().await;
}

/// The clocks of machines differ; that of the database is one for all.
#[tokio::test]
async fn a_decision_bears_the_time_of_the_database() {
    needs!(Postgres);
    let houses = Houses::open(1).await;
    let (date, fan, house) = (houses.date(1).await, fan(1), &houses.each[0]);
    houses.join(&fan, &date).await;
    let (before, hour) = (house.clock().now(), TimeDelta::hours(1));
    house.clock().follow(before + hour, before);
    assert!(house.clock().now() >= before + hour);
    house.hold_seats(&fan, vec![date.seats[0]]).await.unwrap();
    let now = house.clock().now();
    assert!(now < before + hour, "the process has set its clock by it");
    let held_at = house.holds(&fan).await.unwrap()[0].created_at;
    assert!((before..=now).contains(&held_at), "{before} {held_at} {now}");
    houses.close_in_order().await;
}
