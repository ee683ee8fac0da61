//! Fans who take a seat and give it back, again and again, and how long they wait for an answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::clock::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::{Client, create_house, ids, now, text};

use crate::processes::{Guest, Processes};

/// A date of one row on which everybody is let in.
#[derive(Clone)]
pub(crate) struct Date {
    pub(crate) series: String,
    pub(crate) seats: Vec<String>,
}

impl Date {
    pub(crate) async fn make(processes: &Processes, seats: i32) -> Self {
        let (client, organizer) = (processes.client(0), processes.identity("olga", "ORGANIZER"));
        let policy = json!({ "maxActive": 10_000, "heartbeatTimeoutSeconds": 600 });
        let size = Some((1, seats));
        let series = create_house(&client, &organizer, TimeDelta::minutes(-1), policy, size).await;
        let query = "query($id: ID!) { seats(seriesId: $id) { id } }";
        let seats = ids(&client.call("", query, json!({ "id": series })).await.unwrap()["seats"]);
        Self { series, seats }
    }

    /// A fan with that number, who has joined.
    pub(crate) async fn guest(&self, at: &Client, number: usize) -> Guest {
        Guest::join(at, &format!("guest-{number}"), &self.series).await
    }
}

/// When a fan had answers.
#[derive(Debug)]
pub(crate) struct Answers(Vec<DateTime<Utc>>);

impl Answers {
    /// The longest time without an answer that began in this span.
    pub(crate) fn longest(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        let gaps = self.0.windows(2).filter(|pair| pair[1] > from && pair[0] < until);
        gaps.map(|pair| pair[1] - pair[0]).max().unwrap_or(TimeDelta::MAX)
    }
}

/// Tells the fans to stop.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn has_come(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Takes this seat at that process and gives it back, until told to stop. Every call must be answered, and well, unless
/// the process may say UNAVAILABLE or be killed meanwhile.
pub(crate) async fn hold_and_release(
    at: Client,
    guest: Guest,
    seat: String,
    stop: Stop,
    may_fail: bool,
) -> Answers {
    let mut answers = Answers(vec![now()]);
    let hold = "mutation($id: ID!) { holdSeat(input: { seatId: $id }) { hold { id } problem { code } } }";
    let release = "mutation($id: ID!) { releaseHold(input: { holdId: $id }) { problem { code } } }";
    while !stop.has_come() {
        let held = at.answer(&guest.bearer, hold, json!({ "id": seat })).await;
        if let Some(id) = answered(held, "holdSeat", may_fail) {
            answers.0.push(now());
            let id = text(&id["hold"]["id"]);
            while !stop.has_come() {
                let released = at.answer(&guest.bearer, release, json!({ "id": id })).await;
                if answered(released, "releaseHold", may_fail).is_some() {
                    answers.0.push(now());
                    break;
                }
            }
        } else {
            Clock::system().sleep(TimeDelta::milliseconds(20)).await;
        }
    }
    answers
}

fn answered(answer: Result<Value, test_support::Unanswered>, field: &str, may_fail: bool) -> Option<Value> {
    match answer {
        Ok(answer) if answer["errors"].is_null() && answer["data"][field]["problem"].is_null() => {
            Some(answer["data"][field].clone())
        }
        // Of a call without an answer one does not know whether it was done, and it may have been done by the next one.
        other => {
            assert!(may_fail, "{other:?}");
            None
        }
    }
}

/// So many fans of each date at each of these processes; what becomes of them while `meanwhile` goes on, by date.
pub(crate) async fn while_they_buy<T>(
    processes: &Processes,
    at: &[usize],
    dates: &[&Date],
    fans: usize,
    meanwhile: impl Future<Output = T>,
) -> (Vec<Vec<Answers>>, T) {
    let (stop, mut number, mut tasks) = (Stop::default(), 0, Vec::new());
    for date in dates {
        let mut of_date = Vec::new();
        for (place, (process, _)) in
            at.iter().flat_map(|process| (0..fans).map(move |fan| (process, fan))).enumerate()
        {
            let client = processes.client(*process);
            let guest = date.guest(&client, number).await;
            number += 1;
            let seat = date.seats[place].clone();
            of_date.push(tokio::spawn(hold_and_release(client, guest, seat, stop.clone(), false)));
        }
        tasks.push(of_date);
    }
    let done = meanwhile.await;
    stop.now();
    let mut answers = Vec::new();
    for of_date in tasks {
        answers.push(join_all(of_date).await.into_iter().map(Result::unwrap).collect());
    }
    (answers, done)
}
