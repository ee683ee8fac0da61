//! Three processes and one sale, and everything goes wrong: processes are killed and started again, PostgreSQL crashes,
//! Redis loses everything and then goes away for a while.

use std::{
    ops::Range,
    path::Path,
    process::Command,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::{StreamExt, future::join_all, stream};
use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;

use crate::{
    api::{Api, create_house},
    fan::{Count, Door, Fan},
    journaled,
    own_postgres::OwnPostgres,
    seed::{dice, some_of},
    server::{self, frontrow, out, run},
    servers,
};

const FANS: usize = 2_000;
const PROCESSES: usize = 3;
/// Rows and columns of the house.
const HOUSE: (i32, i32) = (20, 20);
const AT_ONCE: usize = 60;
const PER_SECOND: usize = 40;

/// How often each fan looks: two thousand who looked more often would keep a small machine busy with that alone.
const PAUSE: Duration = Duration::from_millis(2_500);

/// Something happens when so many mutations were acknowledged: among the joins, then among the charges, of which there
/// are as many, and the more often while seats are held and paid for.
const MOMENTS: [(Range<usize>, usize); 3] = [(1..2_001, 2), (2_001..4_001, 2), (4_001..4_600, 5)];

#[derive(Clone, Copy, Debug)]
enum Accident {
    /// `kill -9`, and started again.
    Killed,
    /// Two of three at once; the third goes on alone meanwhile.
    TwoKilled,
    /// Redis loses everything.
    Flushed,
    PostgresCrashes,
    /// Redis goes away and comes back without its data, and meanwhile a process is killed. Whether that starts again
    /// before Redis does.
    RedisAway(bool),
}

/// Each at least once, in any order.
const ACCIDENTS: [Accident; 9] = [
    Accident::Killed,
    Accident::Killed,
    Accident::Killed,
    Accident::TwoKilled,
    Accident::Flushed,
    Accident::Flushed,
    Accident::PostgresCrashes,
    Accident::RedisAway(false),
    Accident::RedisAway(true),
];

/// What belongs to one sale.
struct Sale {
    folder: tempfile::TempDir,
    postgres: Arc<OwnPostgres>,
    redis: servers::Server,
    processes: Vec<server::Server>,
    door: Arc<Door>,
}

impl Sale {
    fn open() -> Self {
        let (folder, postgres) = (tempfile::tempdir().unwrap(), Arc::new(OwnPostgres::start()));
        let redis = servers::Server::start(&["--save", "", "--appendonly", "no"]);
        let processes: Vec<_> =
            (0..PROCESSES).map(|_| start(folder.path(), &postgres.url, redis.port)).collect();
        let apis = processes.iter().map(|process| Api::new(process.address)).collect();
        let door = Arc::new(Door::new(apis, PAUSE));
        Self { folder, postgres, redis, processes, door }
    }

    async fn happens(&mut self, accident: Accident, dice: &mut StdRng) {
        let victim = dice.random_range(0..PROCESSES);
        match accident {
            Accident::Killed => self.kill_and_start(victim),
            Accident::TwoKilled => {
                let second = (victim + dice.random_range(1..PROCESSES)) % PROCESSES;
                self.processes[victim].victim().kill();
                self.kill_and_start(second);
                self.start_again(victim);
            }
            Accident::Flushed => self.redis.says::<()>("FLUSHALL").await.unwrap(),
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
        servers::until("Redis is back", async || redis.says::<String>("PING").await.is_ok()).await;
    }

    fn kill_and_start(&mut self, number: usize) {
        self.processes[number].victim().kill();
        self.start_again(number);
    }

    fn start_again(&mut self, number: usize) {
        let process = start(self.folder.path(), &self.postgres.url, self.redis.port);
        self.door.put(number, Api::new(process.address));
        self.processes[number] = process;
    }
}

fn command(folder: &Path, database_url: &str, redis_port: u16) -> Command {
    let redis = format!("redis://127.0.0.1:{redis_port}");
    let mut command =
        frontrow(folder, &["--listen", "127.0.0.1:0", "--open-identities", "--self-service-charging"]);
    command.args(["--database-url", database_url, "--redis-url", &redis]);
    command
}

fn start(folder: &Path, database_url: &str, redis_port: u16) -> server::Server {
    server::Server::listening(command(folder, database_url, redis_port))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_sell_every_seat_once_whatever_goes_wrong() {
    let mut sale = Sale::open();
    let (mut dice, mut accidents) = (dice(), ACCIDENTS);
    accidents.shuffle(&mut dice);
    let moments = MOMENTS.into_iter().flat_map(|(range, often)| some_of(&mut dice, range, often));
    let count = Arc::new(Count::new(moments.collect()));
    let organizer = server::identity(sale.folder.path(), "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": AT_ONCE, "admitPerInterval": PER_SECOND, "intervalSeconds": 1,
        "maxSeatsPerUser": 1, "heartbeatTimeoutSeconds": 600 });
    let series =
        create_house(&sale.door.any(), &organizer, TimeDelta::minutes(-1), policy, Some(HOUSE)).await;
    let (door, url) = (Arc::clone(&sale.door), sale.postgres.url.clone());

    let selling = async {
        let fans = (0..FANS).map(|number| Fan::new(number, &door, &count));
        // As many at once as a front end has connections.
        let joining = stream::iter(fans.map(async |mut fan| {
            fan.join(&series).await;
            fan
        }));
        let mut fans: Vec<_> = joining.buffer_unordered(200).collect().await;
        join_all(fans.iter_mut().map(Fan::buy)).await;
        fans
    };
    let going_wrong = async {
        for accident in accidents {
            count.moment().await;
            sale.happens(accident, &mut dice).await;
        }
    };
    let (fans, ()) = tokio::join!(selling, going_wrong);

    // Everybody who has paid, and some of those who have not.
    let checked = fans.iter().enumerate().filter(|(n, fan)| fan.paid.is_some() || n % 16 == 0);
    stream::iter(checked).for_each_concurrent(100, |(_, fan)| fan.is_there()).await;
    let seats = usize::try_from(HOUSE.0 * HOUSE.1).unwrap();
    assert_eq!(fans.iter().filter(|fan| fan.paid.is_some()).count(), seats);
    // Otherwise the test has shown little.
    let (unavailable, unanswered) =
        (count.unavailable.load(Ordering::SeqCst), count.unanswered.load(Ordering::SeqCst));
    assert!(unavailable > 0 && unanswered > 0, "{unavailable} unavailable, {unanswered} unanswered");

    let places = journaled::places(&url).await;
    journaled::everybody_once(&places, FANS);
    journaled::never_more_at_once(&places, AT_ONCE);
    journaled::never_more_in(&places, TimeDelta::seconds(1), PER_SECOND);
    journaled::nobody_overtook(&places);
    let audit = run(sale.folder.path(), &["--database-url", &url, "audit"]);
    assert_eq!(out(&audit), "every invariant holds\n");
}
