//! Rule 9: time in which the server stood still is nobody's silence, and who sets the machine's clock moves nothing.

use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::clock::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use test_support::{
    Client, Incoming, Moments, Process, Socket, Witness, create_series,
    process::{frontrow, identity},
};

/// How long a silent fan keeps the place.
const TIMEOUT: i64 = 3;

const POLITE: usize = 6;

fn secs(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

fn ms(n: i64) -> TimeDelta {
    TimeDelta::milliseconds(n)
}

async fn pause(span: TimeDelta) {
    Clock::system().sleep(span).await;
}

/// A sale with one admitted fan and others in line: some poll, the next to last has a stream open, the last is silent.
struct Sale {
    server: Process,
    api: Client,
    fans: Vec<Witness>,
    stream: Socket,
    admin: String,
    organizer: String,
}

impl Sale {
    async fn begin(folder: &Path, server: Process, policy: Value) -> Self {
        let api = Client::new(server.address);
        let (admin, organizer) = (identity(folder, "root", "ADMIN"), identity(folder, "olga", "ORGANIZER"));
        let series = create_series(&api, &organizer, secs(-60), policy).await;
        let mut fans: Vec<_> = (0..POLITE + 2).map(|n| Witness::new(n, &series)).collect();
        let moment = Moments::never();
        for fan in &mut fans {
            fan.join(&api, &moment).await.unwrap();
        }
        let mut stream = Socket::open(server.address, &fans[POLITE].token).await.unwrap();
        stream
            .subscribe("place", "subscription { queuePosition { status position } }", json!({}))
            .await
            .unwrap();
        Self { server, api, fans, stream, admin, organizer }
    }

    /// The same fans at a server that was started anew.
    fn go_on_at(&mut self, server: Process) {
        let behind = "behind what the database has seen";
        assert!(server.said.iter().any(|line| line.contains(behind)), "{:?}", server.said);
        self.api = Client::new(server.address);
        self.server = server;
    }

    fn signal(&self, name: &str) {
        let id = self.server.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    async fn stop_for(&self, span: TimeDelta) {
        self.signal("STOP");
        pause(span).await;
        self.signal("CONT");
    }

    /// Where fans stand, without a sign of life of theirs.
    async fn statuses(&self) -> Vec<String> {
        let query = "query($token: ID!) { queuePosition(tokenId: $token) { status } }";
        let seen = self.fans.iter().map(async |fan| {
            let token = fan.join.answer().unwrap();
            let place = self.api.call(&self.admin, query, json!({ "token": token })).await.unwrap();
            place["queuePosition"]["status"].as_str().unwrap().to_owned()
        });
        join_all(seen).await
    }

    async fn silent_one(&self) -> String {
        self.statuses().await.pop().unwrap()
    }

    /// All but the silent one are where they were.
    async fn the_others_kept_their_places(&mut self) {
        let mut expected = vec!["WAITING"; POLITE + 1];
        expected[0] = "ADMITTED";
        assert_eq!(self.statuses().await[..=POLITE], expected);
        // The stream was open all the time: its own news are all that came.
        let Incoming::Next(first) = self.stream.next().await else { panic!("the stream was cut") };
        assert_eq!(first["queuePosition"]["status"], "WAITING");
    }

    /// Runs `what` while the polite ones poll: each again a moment after it was answered.
    async fn while_they_poll<T>(&self, what: impl Future<Output = T>) -> T {
        let stop = CancellationToken::new();
        let polls = self.fans[..POLITE].iter().map(async |fan| {
            while !stop.is_cancelled() {
                let place =
                    self.api.call(&fan.token, "{ queuePosition { status position } }", json!({})).await;
                let place = place.unwrap();
                let status = &place["queuePosition"]["status"];
                assert!(status == "WAITING" || status == "ADMITTED", "{}: {place}", fan.user);
                pause(ms(200)).await;
            }
        });
        let what = async {
            let done = what.await;
            stop.cancel();
            done
        };
        tokio::join!(join_all(polls), what).1
    }

    async fn until_the_silent_one_has_expired(&self) {
        let end = Clock::system().now() + secs(60);
        while self.silent_one().await != "EXPIRED" {
            assert!(Clock::system().now() < end, "who is silent keeps the place");
            pause(ms(100)).await;
        }
    }

    async fn make_concert(&self, title: &str) -> DateTime<Utc> {
        let query = "mutation($title: String!) { createConcert(input: { title: $title }) { createdAt } }";
        let made = self.api.call(&self.organizer, query, json!({ "title": title })).await.unwrap();
        made["createConcert"]["createdAt"].as_str().unwrap().parse().unwrap()
    }

    async fn concerts(&self) -> Vec<String> {
        let query = "{ concerts(first: 10) { nodes { title } } }";
        let list = self.api.call("", query, json!({})).await.unwrap();
        let titles = list["concerts"]["nodes"].as_array().unwrap().iter();
        titles.map(|concert| concert["title"].as_str().unwrap().to_owned()).collect()
    }
}

fn policy() -> Value {
    json!({ "maxActive": 1, "heartbeatTimeoutSeconds": TIMEOUT, "sessionSeconds": 600 })
}

#[tokio::test]
async fn a_process_that_is_stopped_for_longer_than_the_timeout_expires_nobody_who_polls_or_watches() {
    let folder = tempfile::tempdir().unwrap();
    let mut sale = Sale::begin(folder.path(), Process::open(folder.path()), policy()).await;
    sale.while_they_poll(async {
        sale.stop_for(secs(2 * TIMEOUT)).await;
        let back = Clock::system().now();
        // Also the silent one has a full timeout from the end of the stall; what is read in time proves it.
        while Clock::system().now() < back + secs(TIMEOUT) - ms(1_500) {
            let status = sale.silent_one().await;
            if Clock::system().now() < back + secs(TIMEOUT) {
                assert_eq!(status, "WAITING");
            }
            pause(ms(100)).await;
        }
        sale.until_the_silent_one_has_expired().await;
    })
    .await;
    sale.the_others_kept_their_places().await;
}

/// Stops that are each shorter than the timeout, or than what counts as a stall, do not add up.
#[tokio::test]
async fn a_process_that_is_stopped_again_and_again_expires_nobody_who_polls_or_watches() {
    let folder = tempfile::tempdir().unwrap();
    let mut sale = Sale::begin(folder.path(), Process::open(folder.path()), policy()).await;
    sale.while_they_poll(async {
        for stop in [2_900, 2_900, 900, 900, 900, 900, 900, 900] {
            sale.stop_for(ms(stop)).await;
            pause(ms(100)).await;
        }
        sale.until_the_silent_one_has_expired().await;
    })
    .await;
    sale.the_others_kept_their_places().await;
}

/// A server by whose machine's clock so many seconds are set as stand in the file.
#[cfg(target_os = "linux")]
fn server_with_a_clock_to_set(folder: &Path) -> Process {
    let (library, wall) = (folder.join("wall.so"), folder.join("wall"));
    if !library.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binary/wall.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
        assert!(compile.status().unwrap().success());
    }
    let mut command = frontrow(folder, &["--listen", "127.0.0.1:0", "--open-identities"]);
    command.env("LD_PRELOAD", library).env("FRONTROW_TEST_WALL", wall);
    Process::listening(command)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_machines_clock_that_is_set_moves_nothing_and_orders_do_not_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let set = |seconds: i64| std::fs::write(folder.path().join("wall"), seconds.to_string()).unwrap();
    set(0);
    let policy = json!({ "admitPerInterval": 1, "intervalSeconds": 600, "heartbeatTimeoutSeconds": TIMEOUT });
    let mut sale = Sale::begin(folder.path(), server_with_a_clock_to_set(folder.path()), policy).await;
    let mut made = vec![sale.make_concert("first").await];
    // Nobody is expired, and nobody admitted, by two hours that did not pass; and nobody stays for those that come again.
    sale.while_they_poll(async {
        set(7_200);
        pause(ms(500)).await;
        made.push(sale.make_concert("second").await);
        assert_eq!(sale.statuses().await.iter().filter(|status| *status == "ADMITTED").count(), 1);
        set(0);
        sale.until_the_silent_one_has_expired().await;
        made.push(sale.make_concert("third").await);
    })
    .await;
    sale.the_others_kept_their_places().await;
    assert_eq!(sale.concerts().await[..3], ["third", "second", "first"]);
    // Started anew after the clock was set back a little, it goes on where it was.
    sale.server.terminate();
    let (status, said) = sale.server.ended();
    assert!(status.success());
    assert!(said.iter().any(|line| line.contains("the machine's clock was set")), "is not set: {said:?}");
    set(-120);
    sale.go_on_at(server_with_a_clock_to_set(folder.path()));
    sale.while_they_poll(async { made.push(sale.make_concert("fourth").await) }).await;
    assert!(made.is_sorted(), "{made:?}");
    // By much, it was wrong before, and only the orders go on.
    sale.server.terminate();
    assert!(sale.server.ended().0.success());
    set(-7_200);
    sale.go_on_at(server_with_a_clock_to_set(folder.path()));
    sale.while_they_poll(async { made.push(sale.make_concert("fifth").await) }).await;
    assert!(made[4] < made[3] - secs(3_600), "{made:?}");
    assert_eq!(sale.concerts().await[..5], ["fifth", "fourth", "third", "second", "first"]);
}
