//! The server, what it sells, and fans who wait with points in their wallets.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::latencies::{BEFORE, DURING, Measured};
use test_support::{
    Client, Process,
    process::{audit_is_clean, frontrow, identity},
};

/// Where the fans come from.
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A date that is on sale whenever this runs.
pub(crate) const OPENS: &str = "2026-01-01T00:00:00Z";
pub(crate) const BEGINS: &str = "2099-05-01T10:00:00Z";
pub(crate) const ENDS: &str = "2099-05-01T13:00:00Z";

/// A fan's pause between two purchases.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Stage {
    folder: TempDir,
    server: Process,
    process: u32,
    runtime: Runtime,
    client: Client,
    /// Tokens of fans who are admitted and have points, and the seat of each.
    fans: Vec<(String, String)>,
    next: Cell<usize>,
    /// What the attackers are told.
    target: Value,
}

impl Stage {
    /// A house for the fans, an arena of 100,000 seats, and a tour of many dates for the attackers.
    pub(crate) fn set(cap: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = frontrow(folder.path(), &[]);
        let mut capped = std::process::Command::new("sh");
        capped.args(["-c", &format!("ulimit -v {cap}; exec \"$0\" \"$@\"")]).arg(plain.get_program());
        capped.env_clear().env("FRONTROW_LOG", "warn,frontrow=info").current_dir(folder.path());
        capped.args(["--listen", "127.0.0.1:0", "--open-identities", "--self-service-charging"]);
        // Some arenas are made during the attack, so that it can be seen whether that stops anybody.
        capped.args(["--organiser-seats-per-hour", "500000", "--organiser-dates-per-hour", "1000"]);
        let server = Process::listening(capped);
        let process = server.victim().id();
        let runtime = Runtime::new().unwrap();
        let client = Client::from(HOME, server.address);
        let organizer = identity(folder.path(), "organizer", "ORGANIZER");
        let mut stage = Self {
            folder,
            server,
            process,
            runtime,
            client,
            fans: Vec::new(),
            next: Cell::new(0),
            target: json!({}),
        };
        stage.build(&organizer);
        stage
    }

    fn build(&mut self, organizer: &str) {
        let concert = |title| {
            let query = "mutation($t: String!) { createConcert(input: { title: $t }) { id } }";
            let made = self.must(organizer, query, json!({ "t": title }));
            made["createConcert"]["id"].as_str().unwrap().to_owned()
        };
        let date = |concert: &str, rows: usize, cols: usize| {
            let input = json!({
                "concertId": concert, "startAt": BEGINS, "endAt": ENDS, "reserveStartAt": OPENS, "reserveEndAt": BEGINS,
                "sections": [{ "name": "Floor", "rows": rows, "cols": cols, "price": 1 }],
                "queuePolicy": { "maxActive": 100_000, "heartbeatTimeoutSeconds": 3_600, "sessionSeconds": 3_600 },
            });
            let query = "mutation($i: CreateSeriesInput!) { createSeries(input: $i) { id } }";
            let made = self.must(organizer, query, json!({ "i": input }));
            made["createSeries"]["id"].as_str().unwrap().to_owned()
        };
        let (home, tour) = (concert("The fans' own"), concert("Tour"));
        let house = date(&home, 40, 50);
        let arena = date(&tour, 100, 1_000);
        for _ in 0..200 {
            date(&tour, 2, 5);
        }
        let query = "query($id: ID!) { seats(seriesId: $id) { id } }";
        let seats = self.must("", query, json!({ "id": house }))["seats"].clone();
        let mut fans = Vec::new();
        for n in 0..BEFORE + DURING {
            let query = "mutation($i: IssueTokenInput!) { issueToken(input: $i) { token } }";
            let input = json!({ "seriesId": house, "userId": format!("fan-{n}") });
            let token = self.must("", query, json!({ "i": input }))["issueToken"]["token"]
                .as_str()
                .unwrap()
                .to_owned();
            let charge =
                "mutation { charge(input: { amount: 10, idempotencyKey: \"c\" }) { problem { code } } }";
            self.must(&token, charge, json!({}));
            fans.push((token, seats[n]["id"].as_str().unwrap().to_owned()));
        }
        // The arena's seats are in memory before anything is measured: that is what a server on sale has.
        self.must("", query, json!({ "id": arena }));
        self.fans = fans;
        self.target = json!({
            "address": self.server.address, "arena": arena, "house": house, "tour": tour, "organizer": organizer,
        });
    }

    pub(crate) fn server_id(&self) -> u32 {
        self.process
    }

    pub(crate) fn target(&self) -> String {
        self.target.to_string()
    }

    /// So many fans buy, one after the other.
    pub(crate) fn sell(&self, fans: usize) -> Measured {
        let last = self.next.get() + fans;
        self.sell_while(|| self.next.get() < last)
    }

    /// Fans buy, one after the other.
    pub(crate) fn sell_while(&self, mut go_on: impl FnMut() -> bool) -> Measured {
        let mut measured = Measured::default();
        while go_on() {
            let n = self.next.get();
            self.next.set(n + 1);
            // On a busy machine the attack takes longer than they last.
            let Some((token, seat)) = self.fans.get(n) else { break };
            let hold = "mutation($s: ID!) { holdSeat(input: { seatId: $s }) { hold { id } problem { code message } } }";
            measured.0.push(self.timed(token, hold, json!({ "s": seat }), "holdSeat"));
            let pay = "mutation { pay(input: { idempotencyKey: \"p\" }) { payment { id } problem { code message } } }";
            measured.0.push(self.timed(token, pay, json!({}), "pay"));
            std::thread::sleep(PAUSE);
        }
        measured
    }

    fn timed(&self, token: &str, query: &str, variables: Value, field: &str) -> Duration {
        let begun = now();
        let data = self.must(token, query, variables);
        assert!(data[field]["problem"].is_null(), "{data}");
        begun.elapsed()
    }

    fn must(&self, token: &str, query: &str, variables: Value) -> Value {
        self.runtime.block_on(self.client.call(token, query, variables)).expect("the server answers")
    }

    /// The same process answers, stops in order, and its books are right.
    pub(crate) fn is_alive_and_in_order(&self) {
        self.runtime.block_on(self.client.page("/health/ready"));
        audit_is_clean(self.folder.path());
    }
}

#[expect(clippy::disallowed_methods, reason = "what a fan feels is measured")]
fn now() -> Instant {
    Instant::now()
}
