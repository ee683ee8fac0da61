//! Lists that are read in pages while others write, and readers who must miss nothing (rule 26).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use frontrow::clock;
use serde_json::{Value, json};

use crate::{Date, Fan, Plan, Reply, Server, code_of, text};

/// Who write at the same time.
pub const WRITERS: usize = 8;

/// A connection at the API.
#[derive(Debug, Clone, Copy)]
pub enum List {
    /// Everybody's `concerts`.
    Concerts,
    /// The caller's `reservations`.
    Reservations,
    /// The caller's `payments`.
    Payments,
    /// The lines of the caller's wallet.
    History,
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// In their order.
    pub ids: Vec<String>,
    /// The `pageInfo`.
    pub info: Value,
}

impl List {
    fn document(self) -> String {
        let variables = "query($first: Int, $after: String, $last: Int, $before: String)";
        let page = "(first: $first, after: $after, last: $last, before: $before) \
             { edges { cursor node { id } } \
               pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }";
        match self {
            Self::Concerts => format!("{variables} {{ list: concerts{page} }}"),
            Self::Reservations => format!("{variables} {{ list: reservations{page} }}"),
            Self::Payments => format!("{variables} {{ list: payments{page} }}"),
            Self::History => format!("{variables} {{ points {{ list: history{page} }} }}"),
        }
    }

    /// The answer as it is.
    pub async fn ask(self, reader: &Fan, arguments: Value) -> Reply {
        reader.ask(&self.document(), arguments).await
    }

    /// A page of it.
    pub async fn page(self, reader: &Fan, arguments: Value) -> Page {
        let reply = self.ask(reader, arguments).await;
        let data = reply.data();
        let list = if let Self::History = self { &data["points"]["list"] } else { &data["list"] };
        let edges = list["edges"].as_array().unwrap();
        let (ids, info) =
            (edges.iter().map(|edge| text(&edge["node"]["id"])).collect(), list["pageInfo"].clone());
        assert_eq!(info["startCursor"], edges.first().map_or(Value::Null, |edge| edge["cursor"].clone()));
        assert_eq!(info["endCursor"], edges.last().map_or(Value::Null, |edge| edge["cursor"].clone()));
        Page { ids, info }
    }

    /// From that page on to the older end.
    async fn older(self, reader: &Fan, first: Page, count: usize) -> Vec<String> {
        let (mut all, mut page) = (Vec::new(), first);
        loop {
            all.extend(page.ids);
            if page.info["hasNextPage"] == false {
                return all;
            }
            page = self.page(reader, json!({ "first": count, "after": page.info["endCursor"] })).await;
        }
    }

    /// Newer ones from that cursor on, or from the older end on, as far as there are any; and where that ended.
    async fn newer(self, reader: &Fan, mut cursor: Value, count: usize) -> (Vec<String>, Value) {
        let mut all = Vec::new();
        loop {
            let page = self.page(reader, json!({ "last": count, "before": cursor })).await;
            if page.ids.is_empty() {
                return (all, cursor);
            }
            all.extend(page.ids);
            cursor = page.info["startCursor"].clone();
        }
    }
}

/// What has been acknowledged, and whether more will come.
#[derive(Debug, Default)]
pub struct Written {
    ids: Mutex<Vec<(Instant, String)>>,
    over: Mutex<Option<Instant>>,
    lag: Duration,
}

impl Written {
    /// By several processes, of which each may know what the others have written so much later (rule 27).
    pub fn elsewhere(lag: Duration) -> Self {
        Self { lag, ..Self::default() }
    }

    /// These are there: the writer has had the answer.
    pub fn acknowledge(&self, ids: impl IntoIterator<Item = String>) {
        let now = clock::instant();
        self.ids.lock().unwrap().extend(ids.into_iter().map(|id| (now, id)));
    }

    /// Nothing more will come.
    pub fn end(&self) {
        *self.over.lock().unwrap() = Some(clock::instant());
    }

    fn all(&self) -> HashSet<String> {
        self.ids.lock().unwrap().iter().map(|(_, id)| id.clone()).collect()
    }

    /// What every process knows.
    fn known(&self) -> HashSet<String> {
        let ids = self.ids.lock().unwrap();
        ids.iter().filter(|(at, _)| at.elapsed() >= self.lag).map(|(_, id)| id.clone()).collect()
    }

    /// And every process knows it.
    fn is_over(&self) -> bool {
        self.over.lock().unwrap().is_some_and(|over| over.elapsed() >= self.lag)
    }
}

/// Rows that a reader saw twice, and those that it never saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Seen again.
    pub twice: usize,
    /// Never seen.
    pub skipped: usize,
}

fn faults(seen: &[String], written: &HashSet<String>) -> Faults {
    let different: HashSet<_> = seen.iter().cloned().collect();
    Faults { twice: seen.len() - different.len(), skipped: written.difference(&different).count() }
}

/// Goes from the older end towards the newer one, and on from the last cursor for as long as anybody writes.
pub async fn follow(list: List, reader: Fan, written: Arc<Written>) -> Faults {
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let over = written.is_over();
        let (more, end) = list.newer(&reader, cursor, 7).await;
        (cursor, seen) = (end, [seen, more].concat());
        if over {
            return faults(&seen, &written.all());
        }
    }
}

/// Again and again from the newest to the oldest: each time there is all that had been acknowledged before. Each time
/// then from where it began to what has come since, as [`follow`].
pub async fn walk(list: List, reader: Fan, written: Arc<Written>) -> Faults {
    let (mut worst, mut seen, mut cursor) = (Faults::default(), Vec::new(), Value::Null);
    loop {
        let (over, known) = (written.is_over(), written.known());
        let first = list.page(&reader, json!({ "first": 7 })).await;
        let begin = first.info["startCursor"].clone();
        let walked = list.older(&reader, first, 7).await;
        let this = faults(&walked, &known);
        worst = Faults { twice: worst.twice.max(this.twice), skipped: worst.skipped.max(this.skipped) };
        if cursor.is_null() {
            // What the first walk saw, to be completed.
            (seen, cursor) = (walked, begin);
        }
        let (more, end) = list.newer(&reader, cursor, 7).await;
        (cursor, seen) = (end, [seen, more].concat());
        if over {
            let this = faults(&seen, &written.all());
            return Faults { twice: worst.twice.max(this.twice), skipped: worst.skipped.max(this.skipped) };
        }
    }
}

/// Eight at once, each with a server of these, create so many concerts each.
pub async fn create_concerts(servers: &[&Server], each: usize, written: &Written) {
    let writers = (0..WRITERS).map(|writer| {
        let organizer = servers[writer % servers.len()].organizer();
        async move {
            for n in 0..each {
                let title = format!("The {n}th of {writer}");
                written.acknowledge([organizer.concert(&title).await]);
            }
        }
    });
    futures_util::future::join_all(writers).await;
    written.end();
}

/// What one fan's purchases left: the lists that they are in.
#[derive(Debug, Default)]
pub struct Bought {
    /// In `payments`.
    pub payments: Arc<Written>,
    /// In `reservations`.
    pub tickets: Arc<Written>,
    /// In the wallet's history.
    pub lines: Arc<Written>,
}

/// One fan at eight windows at once, each for a date of its own: pays so many times for two seats, and charges in between.
pub async fn buy(servers: &[&Server], user: &str, each: usize, bought: &Bought) {
    let windows = (0..WRITERS).map(|window| async move {
        let server = servers[window % servers.len()];
        let policy = json!({ "maxSeatsPerUser": 100 });
        let seats = i32::try_from(2 * each).unwrap();
        let date: Date = server.organizer().date(Plan::small(1, seats, policy)).await;
        let mut fan = server.fan(user);
        for n in 0..each {
            let charged = fan.charge(20_000, &format!("charge {n} at {window}")).await;
            bought.lines.acknowledge([text(&charged["entry"]["id"])]);
            fan.join(&date.series).await;
            for seat in &date.seats[2 * n..2 * n + 2] {
                fan.must_hold(seat).await;
            }
            let paid = fan.pay(&format!("pay {n} at {window}")).await;
            assert_eq!(code_of(&paid), None, "{paid}");
            bought.payments.acknowledge([text(&paid["payment"]["id"])]);
            let tickets = paid["reservations"].as_array().unwrap();
            bought.tickets.acknowledge(tickets.iter().map(|ticket| text(&ticket["id"])));
        }
    });
    futures_util::future::join_all(windows).await;
    for written in [&bought.payments, &bought.tickets, &bought.lines] {
        written.end();
    }
}
