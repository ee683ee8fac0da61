//! Three processes sell a date, and everything goes wrong, at moments and to victims that are drawn: processes are killed,
//! stopped and started again, PostgreSQL crashes, Redis loses everything and goes away for a while.
//!
//! One date is sold; with `FRONTROW_CHAOS_SECONDS` one after the other, until so long has passed.

use std::{path::Path, sync::Arc};

use chrono::TimeDelta;
use frontrow::clock::Clock;
use futures_util::{StreamExt, future::join_all, stream};
use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use test_support::{
    Client, Moments, PostgresServer, Process, Witness, create_house, entropy, ms, needs, now,
    process::identity, redis::RedisServer, until,
};

use crate::{
    journaled,
    processes::{command, signal},
};

const FANS: usize = 2_000;
const PROCESSES: usize = 3;
/// Rows and columns of the house.
const HOUSE: (i32, i32) = (20, 20);
const AT_ONCE: usize = 60;
const PER_SECOND: usize = 40;

/// How often each fan looks: two thousand who looked more often would keep a small machine busy with that alone.
const PAUSE: TimeDelta = TimeDelta::milliseconds(2_500);

/// The pause between two accidents is at most so long.
const QUIET: i64 = 3_000;

#[derive(Clone, Copy, Debug)]
enum Accident {
    /// `kill -9`, and started again.
    Killed,
    /// Two of three at once; the third goes on alone meanwhile.
    TwoKilled,
    /// In order, and started again.
    Terminated,
    /// A process stands still for so many milliseconds, in the middle of whatever it does.
    Stopped(i64),
    /// Redis loses everything.
    Flushed,
    PostgresCrashes,
    /// Redis goes away and comes back without its data, and meanwhile a process is killed. Whether that starts again
    /// before Redis does.
    RedisAway(bool),
}

/// In any order, and then again.
const ACCIDENTS: [Accident; 12] = [
    Accident::Killed,
    Accident::Killed,
    Accident::Killed,
    Accident::TwoKilled,
    Accident::Terminated,
    Accident::Stopped(300),
    Accident::Stopped(3_000),
    Accident::Flushed,
    Accident::Flushed,
    Accident::PostgresCrashes,
    Accident::RedisAway(false),
    Accident::RedisAway(true),
];

async fn pause(span: TimeDelta) {
    Clock::system().sleep(span).await;
}

/// What belongs to one sale.
struct Sale {
    folder: tempfile::TempDir,
    postgres: Arc<PostgresServer>,
    redis: RedisServer,
    processes: Vec<Process>,
    client: Client,
}

impl Sale {
    fn open() -> Self {
        let (folder, postgres) = (tempfile::tempdir().unwrap(), Arc::new(PostgresServer::start()));
        let redis = RedisServer::start(&["--save", "", "--appendonly", "no"]);
        let processes: Vec<_> =
            (0..PROCESSES).map(|_| start(folder.path(), &postgres.url, redis.port)).collect();
        let client = Client::of_all(processes.iter().map(|process| process.address).collect(), PAUSE);
        Self { folder, postgres, redis, processes, client }
    }

    async fn happens(&mut self, accident: Accident, entropy: &mut StdRng) {
        let victim = entropy.random_range(0..PROCESSES);
        match accident {
            Accident::Killed => self.kill_and_start(victim),
            Accident::TwoKilled => {
                let second = (victim + entropy.random_range(1..PROCESSES)) % PROCESSES;
                self.processes[victim].victim().kill();
                self.kill_and_start(second);
                self.start_again(victim);
            }
            Accident::Terminated => {
                self.processes[victim].terminate();
                assert!(self.processes[victim].ended().0.success());
                self.start_again(victim);
            }
            Accident::Stopped(millis) => {
                let id = self.processes[victim].id();
                signal(id, "STOP");
                pause(ms(millis)).await;
                signal(id, "CONT");
            }
            // On a busy machine it may be some time until anybody is heard.
            Accident::Flushed => {
                let redis = &self.redis;
                until("Redis forgets", async || redis.says::<()>("FLUSHALL").await.is_ok()).await;
            }
            Accident::PostgresCrashes => {
                let postgres = Arc::clone(&self.postgres);
                tokio::task::spawn_blocking(move || postgres.crash_and_start()).await.unwrap();
            }
            Accident::RedisAway(starts_meanwhile) => {
                self.redis.kill();
                self.processes[victim].victim().kill();
                if starts_meanwhile {
                    self.start_again(victim);
                }
                pause(ms(entropy.random_range(0..4_000))).await;
                self.redis_comes_back().await;
                if !starts_meanwhile {
                    self.start_again(victim);
                }
            }
        }
    }

    async fn redis_comes_back(&mut self) {
        self.redis.start_again();
        let redis = &self.redis;
        until("Redis is back", async || redis.says::<String>("PING").await.is_ok()).await;
    }

    fn kill_and_start(&mut self, number: usize) {
        self.processes[number].victim().kill();
        self.start_again(number);
    }

    fn start_again(&mut self, number: usize) {
        let process = start(self.folder.path(), &self.postgres.url, self.redis.port);
        self.client.moved(number, process.address);
        self.processes[number] = process;
    }
}

fn start(folder: &Path, database_url: &str, redis_port: u16) -> Process {
    let redis = format!("redis://127.0.0.1:{redis_port}");
    Process::listening(command(folder, database_url, Some(&redis)))
}

/// Two thousand fans buy every seat of a new date, the number of the first user being `first`.
async fn sell(client: &Client, organizer: &str, first: usize) -> (String, Vec<Witness>) {
    let policy = json!({ "maxActive": AT_ONCE, "admitPerInterval": PER_SECOND, "intervalSeconds": 1,
        "maxSeatsPerUser": 1, "heartbeatTimeoutSeconds": 600 });
    let series = create_house(client, organizer, TimeDelta::minutes(-1), policy, Some(HOUSE)).await;
    let moments = Moments::never();
    let fans = (first..first + FANS).map(|number| Witness::new(number, &series));
    // As many at once as a front end has connections.
    let joining = stream::iter(fans.map(async |mut fan| {
        fan.join(client, &moments).await.unwrap();
        fan
    }));
    let mut fans: Vec<_> = joining.buffer_unordered(200).collect().await;
    let buying = fans.iter_mut().map(async |fan| {
        fan.charge(client, &moments).await.unwrap();
        fan.buy(client, &moments).await.unwrap();
    });
    join_all(buying).await;
    (series, fans)
}

/// What was told is there, and no rule was broken at any instant.
async fn check(client: &Client, url: &str, series: &str, fans: &[Witness]) {
    // Everybody who has paid, and some of those who have not.
    let checked = fans.iter().enumerate().filter(|(n, fan)| fan.pay.answer().is_some() || n % 16 == 0);
    stream::iter(checked).for_each_concurrent(100, |(_, fan)| fan.is_there(client)).await;
    let seats = usize::try_from(HOUSE.0 * HOUSE.1).unwrap();
    assert_eq!(fans.iter().filter(|fan| fan.pay.answer().is_some()).count(), seats);
    let places = journaled::places(url, series).await;
    journaled::everybody_once(&places, FANS);
    journaled::never_more_at_once(&places, AT_ONCE);
    journaled::never_more_in(&places, TimeDelta::seconds(1), PER_SECOND);
    journaled::nobody_overtook(&places);
    let database = frontrow::store::Database::connect(url).await.unwrap();
    assert_eq!(frontrow::store::audit::audit(&database).await.unwrap(), Vec::<String>::new());
    database.close().await.unwrap();
}

/// Each accident once, in an order that is drawn, and then all of them again, until told to stop.
async fn going_wrong(sale: &mut Sale, entropy: &mut StdRng, calm: &Mutex<()>, stop: &CancellationToken) {
    let mut accidents = ACCIDENTS;
    loop {
        accidents.shuffle(entropy);
        for accident in accidents {
            pause(ms(entropy.random_range(0..QUIET))).await;
            if stop.is_cancelled() {
                return;
            }
            let _calm = calm.lock().await;
            sale.happens(accident, entropy).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_sell_every_seat_once_whatever_goes_wrong() {
    needs!(Postgres, RedisServer);
    let seconds = std::env::var("FRONTROW_CHAOS_SECONDS").map_or(0, |seconds| seconds.parse().unwrap());
    let end = now() + TimeDelta::seconds(seconds);
    let (mut sale, mut entropy, stop) = (Sale::open(), entropy(), CancellationToken::new());
    // Nothing happens while the books are looked at.
    let calm = Mutex::new(());
    let organizer = identity(sale.folder.path(), "organizer", "ORGANIZER");
    let (client, url) = (sale.client.clone(), sale.postgres.url.clone());
    let selling = async {
        let mut first = 0;
        loop {
            let (series, fans) = sell(&client, &organizer, first).await;
            let looking = calm.lock().await;
            check(&client, &url, &series, &fans).await;
            drop(looking);
            first += FANS;
            if now() >= end {
                stop.cancel();
                return;
            }
        }
    };
    tokio::join!(selling, going_wrong(&mut sale, &mut entropy, &calm, &stop));
    // Otherwise the test has shown little.
    let (unavailable, unanswered) = client.made_again();
    assert!(unanswered > 0, "{unavailable} unavailable, {unanswered} unanswered");
}
