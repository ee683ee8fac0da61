//! Who is heard at one process is not silent at the other (rules 7 and 9).

use chrono::TimeDelta;
use serde_json::json;

use test_support::{Client, Incoming, Socket, create_series, ms, needs, now, redis_url, secs};

use crate::{
    processes::{Guest, Processes},
    wire::Wire,
};

/// How long a silent fan keeps the place, and how much later it may end with several processes.
const TIMEOUT: i64 = 3;
const LATER: i64 = 5;

async fn pause(span: TimeDelta) {
    frontrow::clock::Clock::system().sleep(span).await;
}

/// A date with an admitted fan, whom nobody asks about, and others in line; all have joined at the first process.
struct Line {
    processes: Processes,
    admin: String,
    fans: Vec<Guest>,
}

impl Line {
    async fn of(processes: Processes, names: &[&str]) -> Self {
        let (admin, organizer) =
            (processes.identity("root", "ADMIN"), processes.identity("olga", "ORGANIZER"));
        let policy = json!({ "maxActive": 1, "heartbeatTimeoutSeconds": TIMEOUT });
        let first = processes.client(0);
        let series = create_series(&first, &organizer, secs(-60), policy).await;
        let mut fans = Vec::<Guest>::new();
        for name in names {
            fans.push(Guest::join(&first, name, &series).await);
            // That takes a while.
            for fan in &fans {
                fan.heartbeat(&first).await;
            }
        }
        Self { processes, admin, fans }
    }

    fn at(&self, process: usize) -> Client {
        self.processes.client(process)
    }

    async fn status(&self, process: usize, fan: usize) -> String {
        self.fans[fan].status(&self.at(process), &self.admin).await
    }

    /// A fan sends heartbeats to that process for a while, and is never told anything else than this.
    async fn beats(&self, process: usize, fan: usize, expected: &str, span: TimeDelta) {
        let (client, begun) = (self.at(process), now());
        while now() < begun + span {
            let asked = now() - begun;
            let status = self.fans[fan].heartbeat(&client).await["status"].take();
            assert_eq!(status, expected, "asked after {asked}, told after {}", now() - begun);
            pause(ms(500)).await;
        }
    }

    /// Waits until the place has expired, as that process sees it; how long after `since`.
    async fn expired(&self, process: usize, fan: usize, since: chrono::DateTime<chrono::Utc>) -> TimeDelta {
        let client = self.at(process);
        loop {
            let status = self.fans[fan].status(&client, &self.admin).await;
            let took = now() - since;
            if status == "EXPIRED" {
                return took;
            }
            assert!(took < secs(60), "{status}");
            pause(ms(50)).await;
        }
    }
}

async fn heard_elsewhere(redis: Option<&str>) {
    let line = Line::of(Processes::started(2, redis).await, &["first", "polls", "watches", "silent"]).await;
    let begun = now();
    let mut stream = Socket::open(line.processes.each[1].address, &line.fans[2].bearer).await.unwrap();
    stream.subscribe("place", "subscription { queuePosition { status } }", json!({})).await.unwrap();
    let (_, _, silent) = tokio::join!(
        line.beats(1, 0, "ADMITTED", secs(4 * TIMEOUT)),
        line.beats(1, 1, "WAITING", secs(4 * TIMEOUT)),
        line.expired(0, 3, begun)
    );
    // The machine may be busy.
    assert!(silent >= secs(TIMEOUT) - ms(100) && silent <= secs(TIMEOUT + LATER) + secs(1), "{silent}");
    for process in 0..2 {
        for (fan, expected) in ["ADMITTED", "WAITING", "WAITING", "EXPIRED"].into_iter().enumerate() {
            assert_eq!(line.status(process, fan).await, expected, "{fan} at {process}");
        }
    }
    line.processes.audit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_heard_at_one_process_is_not_expired_by_the_other_and_who_is_heard_nowhere_is() {
    needs!(Postgres, Redis);
    heard_elsewhere(Some(&redis_url())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_heard_at_one_process_is_not_expired_by_the_other_without_redis() {
    needs!(Postgres);
    heard_elsewhere(None).await;
}

/// Whoever was heard there last has a full timeout from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fans_of_a_process_that_is_killed_have_a_full_timeout_from_then() {
    needs!(Postgres);
    let line = Line::of(Processes::started(2, None).await, &["first", "ann"]).await;
    tokio::join!(
        line.beats(1, 0, "ADMITTED", secs(2 * TIMEOUT)),
        line.beats(1, 1, "WAITING", secs(2 * TIMEOUT))
    );
    // Heard a moment before it dies: nobody else can know.
    line.fans[1].heartbeat(&line.at(1)).await;
    line.processes.each[1].victim().kill();
    let killed = now();
    let took = line.expired(0, 1, killed).await;
    assert!(took >= secs(TIMEOUT) - ms(100), "{took}");
    // Three periods of half a second until it is known, and the timeout.
    assert!(took <= secs(TIMEOUT + LATER) + secs(2), "{took}");
}

/// A process that cannot write whom it hears cannot keep anybody's place: its streams go elsewhere, where they are heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_cut_off_from_the_database_for_half_a_timeout_closes_its_streams() {
    needs!(Postgres);
    let mut processes = Processes::started(1, None).await;
    let (wire, url) = Wire::to_url(&processes.url).await;
    let direct = std::mem::replace(&mut processes.url, url);
    processes.start();
    processes.url = direct;
    let line = Line::of(processes, &["first", "ann"]).await;
    let place = "subscription { queuePosition { status } }";
    let mut stream = Socket::open(line.processes.each[1].address, &line.fans[1].bearer).await.unwrap();
    stream.subscribe("place", place, json!({})).await.unwrap();
    assert!(matches!(stream.next().await, Incoming::Next(_)));
    let first = line.beats(0, 0, "ADMITTED", secs(4 * TIMEOUT));
    let ann = async {
        pause(secs(1)).await;
        wire.cut();
        let cut = now();
        let end = stream.over().await;
        let took = now() - cut;
        assert!(took <= secs(TIMEOUT), "{end:?} after {took}");
        // She goes to the other process at once, and has her place.
        line.beats(0, 1, "WAITING", secs(TIMEOUT)).await;
    };
    tokio::join!(first, ann);
}
