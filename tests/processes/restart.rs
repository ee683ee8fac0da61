//! PostgreSQL crashes in the middle of a sale, and comes back (rule 19). The server goes on by itself, and what it has
//! acknowledged is there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    api::{Api, create_series},
    own_postgres::OwnPostgres,
    server::{Server, frontrow, identity, out, run},
};

const FANS: usize = 100;
const SEATS: usize = 50;

/// PostgreSQL crashes when so many mutations were acknowledged: among the joins, at the end of the joins, among holds,
/// charges and payments.
const CRASHES: [usize; 4] = [40, 100, 150, 220];

/// Counts acknowledged mutations and says when it is time for a crash.
#[derive(Default)]
struct Count {
    acknowledged: AtomicUsize,
    unavailable: AtomicUsize,
    crash: Notify,
}

/// Somebody who asks again under the same key whenever the answer is UNAVAILABLE, and writes down what was told.
struct Fan {
    user: String,
    token: String,
    join: String,
    charge: String,
    holds: Vec<String>,
    paid: Option<(String, Vec<String>)>,
    api: Api,
    count: Arc<Count>,
}

impl Fan {
    fn new(number: usize, api: &Api, count: &Arc<Count>) -> Self {
        Self {
            user: format!("fan-{number}"),
            token: String::new(),
            join: String::new(),
            charge: String::new(),
            holds: Vec::new(),
            paid: None,
            api: api.clone(),
            count: Arc::clone(count),
        }
    }

    /// Asks until there is an answer.
    async fn ask(&self, query: &str, variables: Value) -> Value {
        loop {
            let mut answer = self.api.answer(&self.token, query, variables.clone()).await.unwrap();
            if answer["errors"].is_null() {
                let data = answer["data"].take();
                return data.as_object().unwrap().values().next().unwrap().clone();
            }
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{query}: {answer}");
            self.count.unavailable.fetch_add(1, Ordering::SeqCst);
            pause().await;
        }
    }

    /// A mutation that may end in one of these problems; the payload without them.
    async fn act(&self, mutation: &str, variables: Value, problems: &[&str]) -> Option<Value> {
        let payload = self.ask(mutation, variables).await;
        if let Some(code) = payload["problem"]["code"].as_str() {
            assert!(problems.contains(&code), "{}: {payload}", self.user);
            return None;
        }
        if CRASHES.contains(&(self.count.acknowledged.fetch_add(1, Ordering::SeqCst) + 1)) {
            self.count.crash.notify_one();
        }
        Some(payload)
    }

    async fn join(&mut self, series: &str) {
        let query = "mutation($series: ID!, $user: String!) {
            issueToken(input: { seriesId: $series, userId: $user }) { token tokenId problem { code } } }";
        let joined = self.act(query, json!({ "series": series, "user": self.user }), &[]).await.unwrap();
        self.token = text(&joined["token"]);
        self.join = text(&joined["tokenId"]);
    }

    async fn buy(&mut self) {
        let charge = "mutation { charge(input: { amount: 20000, idempotencyKey: \"charge\" }) {
            entry { id } problem { code } } }";
        self.charge = text(&self.act(charge, json!({}), &[]).await.unwrap()["entry"]["id"]);
        loop {
            let place = self.ask("mutation { heartbeat { status seriesStatus } }", json!({})).await;
            match place["status"].as_str() {
                Some("ADMITTED") => break,
                Some("WAITING") if place["seriesStatus"] == "SOLD_OUT" => return,
                Some("WAITING") => pause().await,
                _ => panic!("{}: {place}", self.user),
            }
        }
        let hold = "mutation {
            holdBestSeats(input: { count: 1 }) { holds { id } problem { code } } }";
        let no_more = ["SEAT_TAKEN", "SOLD_OUT", "SEAT_LIMIT_REACHED"];
        self.holds = match self.act(hold, json!({}), &no_more).await {
            Some(held) => ids(&held["holds"]),
            // This call has no key. If the answer to an earlier one was lost, the holds themselves tell of it.
            None => ids(&self.ask("{ holds { id } }", json!({})).await),
        };
        if self.holds.is_empty() {
            return;
        }
        let pay = "mutation($holds: [ID!]) { pay(input: { holdIds: $holds, idempotencyKey: \"pay\" }) {
            payment { id } reservations { id } problem { code } } }";
        let paid = self.act(pay, json!({ "holds": self.holds }), &[]).await.unwrap();
        self.paid = Some((text(&paid["payment"]["id"]), ids(&paid["reservations"])));
    }

    /// What was told is there, once.
    async fn is_there(&self) {
        let token = self.ask("{ token { id status } }", json!({})).await;
        assert_eq!(token["id"], self.join);
        assert_eq!(token["status"] == "COMPLETED", self.paid.is_some(), "{token}");
        let points =
            self.ask("{ points { balance history(first: 9) { nodes { id kind } } } }", json!({})).await;
        let lines = ids(&points["history"]["nodes"]);
        assert_eq!(lines.iter().filter(|line| **line == self.charge).count(), 1, "{points}");
        let payments = self.ask("{ payments(first: 9) { nodes { id } } }", json!({})).await;
        let tickets = self.ask("{ reservations(first: 9) { nodes { id } } }", json!({})).await;
        let (payment, reservations) = self.paid.clone().unzip();
        assert_eq!(ids(&payments["nodes"]), Vec::from_iter(payment));
        assert_eq!(ids(&tickets["nodes"]), reservations.unwrap_or_default());
        let spent = if self.paid.is_some() { 10_000 } else { 0 };
        assert_eq!((lines.len(), &points["balance"]), (1 + usize::from(spent > 0), &json!(20_000 - spent)));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap_or_else(|| panic!("no list: {list}"))
        .iter()
        .map(|each| text(&each["id"]))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a fan looks again after a while, on the real clock")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sale_outlives_four_crashes_of_postgresql() {
    let (postgres, folder) = (Arc::new(OwnPostgres::start()), tempfile::tempdir().unwrap());
    let database = ["--database-url", &postgres.url];
    let mut command = frontrow(folder.path(), &["--listen", "127.0.0.1:0"]);
    command.args(["--open-identities", "--self-service-charging"]).args(database);
    let server = Server::listening(command);
    let (api, count) = (Api::new(server.address), Arc::new(Count::default()));
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": 20, "maxSeatsPerUser": 1 });
    let series = create_series(&api, &organizer, TimeDelta::minutes(-1), policy).await;

    let sale = async {
        let mut fans: Vec<_> = (0..FANS).map(|number| Fan::new(number, &api, &count)).collect();
        join_all(fans.iter_mut().map(|fan| fan.join(&series))).await;
        join_all(fans.iter_mut().map(Fan::buy)).await;
        fans
    };
    let crashes = async {
        for _ in CRASHES {
            count.crash.notified().await;
            let postgres = Arc::clone(&postgres);
            tokio::task::spawn_blocking(move || postgres.crash_and_start()).await.unwrap();
        }
    };
    let (fans, ()) = tokio::join!(sale, crashes);

    join_all(fans.iter().map(Fan::is_there)).await;
    assert_eq!(fans.iter().filter(|fan| fan.paid.is_some()).count(), SEATS);
    // Otherwise the crashes were badly timed and the test has shown little.
    assert!(count.unavailable.load(Ordering::SeqCst) > 0);
    let audit = run(folder.path(), &["--database-url", &postgres.url, "audit"]);
    assert_eq!(out(&audit), "every invariant holds\n");
    server.terminate();
    assert!(server.ended().0.success());
}
