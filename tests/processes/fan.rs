//! Somebody who wants one seat and does not give up: whoever gets no answer, or UNAVAILABLE, asks again under the same
//! key, at the next process, and writes down what was told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::api::Api;

/// The processes of a sale, as a load balancer without any knowledge of them.
pub(crate) struct Door {
    processes: Mutex<Vec<Api>>,
    next: AtomicUsize,
    /// How long somebody waits before asking again.
    pub(crate) pause: Duration,
}

impl Door {
    pub(crate) fn new(processes: Vec<Api>, pause: Duration) -> Self {
        Self { processes: Mutex::new(processes), next: AtomicUsize::new(0), pause }
    }

    pub(crate) fn any(&self) -> Api {
        let processes = self.processes.lock().unwrap();
        processes[self.next.fetch_add(1, Ordering::SeqCst) % processes.len()].clone()
    }

    /// A process was started anew.
    pub(crate) fn put(&self, number: usize, process: Api) {
        self.processes.lock().unwrap()[number] = process;
    }
}

/// Counts acknowledged mutations and says when it is time for an accident.
pub(crate) struct Count {
    moments: Vec<usize>,
    acknowledged: AtomicUsize,
    pub(crate) unavailable: AtomicUsize,
    pub(crate) unanswered: AtomicUsize,
    /// As many as have come and were not waited for: two may come at once.
    due: Semaphore,
}

impl Count {
    pub(crate) fn new(moments: Vec<usize>) -> Self {
        let zero = || AtomicUsize::new(0);
        let (acknowledged, unavailable, unanswered) = (zero(), zero(), zero());
        Self { moments, acknowledged, unavailable, unanswered, due: Semaphore::new(0) }
    }

    /// Waits for the next of the moments.
    pub(crate) async fn moment(&self) {
        self.due.acquire().await.unwrap().forget();
    }
}

/// See the module.
pub(crate) struct Fan {
    pub(crate) user: String,
    token: String,
    join: String,
    charge: String,
    holds: Vec<String>,
    pub(crate) paid: Option<(String, Vec<String>)>,
    door: Arc<Door>,
    count: Arc<Count>,
}

impl Fan {
    pub(crate) fn new(number: usize, door: &Arc<Door>, count: &Arc<Count>) -> Self {
        Self {
            user: format!("fan-{number}"),
            token: String::new(),
            join: String::new(),
            charge: String::new(),
            holds: Vec::new(),
            paid: None,
            door: Arc::clone(door),
            count: Arc::clone(count),
        }
    }

    /// Asks until there is an answer.
    async fn ask(&self, query: &str, variables: Value) -> Value {
        loop {
            let Ok(mut answer) = self.door.any().answer(&self.token, query, variables.clone()).await else {
                self.count.unanswered.fetch_add(1, Ordering::SeqCst);
                self.rest().await;
                continue;
            };
            if answer["errors"].is_null() {
                let data = answer["data"].take();
                return data.as_object().unwrap().values().next().unwrap().clone();
            }
            let error = &answer["errors"][0]["extensions"];
            assert_eq!(error["code"], "UNAVAILABLE", "{query}: {answer}");
            assert!(error["retryAfterMs"].is_number(), "{answer}");
            self.count.unavailable.fetch_add(1, Ordering::SeqCst);
            self.rest().await;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a fan looks again after a while, on the real clock")]
    async fn rest(&self) {
        tokio::time::sleep(self.door.pause).await;
    }

    /// A mutation that may end in one of these problems; the payload without them.
    async fn act(&self, mutation: &str, variables: Value, problems: &[&str]) -> Option<Value> {
        let payload = self.ask(mutation, variables).await;
        if let Some(code) = payload["problem"]["code"].as_str() {
            assert!(problems.contains(&code), "{}: {payload}", self.user);
            return None;
        }
        if self.count.moments.contains(&(self.count.acknowledged.fetch_add(1, Ordering::SeqCst) + 1)) {
            self.count.due.add_permits(1);
        }
        Some(payload)
    }

    pub(crate) async fn join(&mut self, series: &str) {
        let query = "mutation($series: ID!, $user: String!) {
            issueToken(input: { seriesId: $series, userId: $user }) { token tokenId problem { code } } }";
        let joined = self.act(query, json!({ "series": series, "user": self.user }), &[]).await.unwrap();
        self.token = text(&joined["token"]);
        self.join = text(&joined["tokenId"]);
    }

    pub(crate) async fn buy(&mut self) {
        let charge = "mutation { charge(input: { amount: 20000, idempotencyKey: \"charge\" }) {
            entry { id } problem { code } } }";
        self.charge = text(&self.act(charge, json!({}), &[]).await.unwrap()["entry"]["id"]);
        if !self.admitted().await || !self.hold().await {
            return;
        }
        let pay = "mutation($holds: [ID!]) { pay(input: { holdIds: $holds, idempotencyKey: \"pay\" }) {
            payment { id } reservations { id } problem { code } } }";
        let paid = self.act(pay, json!({ "holds": self.holds }), &[]).await.unwrap();
        self.paid = Some((text(&paid["payment"]["id"]), ids(&paid["reservations"])));
    }

    /// Waits for the own turn; false if there is nothing left to wait for. The place never grows, whatever happens to
    /// whichever process or store (rule 8).
    async fn admitted(&self) -> bool {
        let mut last = i64::MAX;
        loop {
            let place = self.ask("mutation { heartbeat { status position seriesStatus } }", json!({})).await;
            match place["status"].as_str() {
                Some("ADMITTED") => return true,
                Some("WAITING") => {
                    let position = place["position"].as_i64().unwrap();
                    assert!(position <= last, "the place of {} grew from {last}: {place}", self.user);
                    last = position;
                    if place["seriesStatus"] == "SOLD_OUT" {
                        return false;
                    }
                    self.rest().await;
                }
                _ => panic!("{}: {place}", self.user),
            }
        }
    }

    /// Holds the best seat; false if there is none.
    async fn hold(&mut self) -> bool {
        let hold = "mutation { holdBestSeats(input: { count: 1 }) { holds { id } problem { code } } }";
        loop {
            // Of a call without an answer one does not know whether it was done.
            let held = ids(&self.ask("{ holds { id } }", json!({})).await);
            if !held.is_empty() {
                self.holds = held;
                return true;
            }
            match self.act(hold, json!({}), &["SEAT_TAKEN", "SOLD_OUT", "SEAT_LIMIT_REACHED"]).await {
                Some(held) => {
                    self.holds = ids(&held["holds"]);
                    return true;
                }
                None if self.is_sold_out().await => return false,
                None => self.rest().await,
            }
        }
    }

    async fn is_sold_out(&self) -> bool {
        self.ask("mutation { heartbeat { seriesStatus } }", json!({})).await["seriesStatus"] == "SOLD_OUT"
    }

    /// What was told is there, once.
    pub(crate) async fn is_there(&self) {
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
