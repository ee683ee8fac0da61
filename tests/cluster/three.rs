//! Three processes and one sale, and everything goes wrong: processes are killed and started again, PostgreSQL crashes,
//! Redis loses everything and then goes away for a while.

use std::{ops::Range, path::Path, process::Command, sync::Arc};

use chrono::TimeDelta;
use futures_util::{StreamExt, future::join_all, stream};
use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;

use test_support::{
    Client, Moments, PostgresServer, Process, Witness, create_house, dice, needs,
    process::{frontrow, identity, out, run},
    redis::RedisServer,
    some_of, until,
};

use crate::journaled;

const FANS: usize = 2_000;
const PROCESSES: usize = 3;
/// Rows and columns of the house.
const HOUSE: (i32, i32) = (20, 20);
const AT_ONCE: usize = 60;
const PER_SECOND: usize = 40;

/// How often each fan looks: two thousand who looked more often would keep a small machine busy with that alone.
const PAUSE: TimeDelta = TimeDelta::milliseconds(2_500);

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

fn command(folder: &Path, database_url: &str, redis_port: u16) -> Command {
    let redis = format!("redis://127.0.0.1:{redis_port}");
    let mut command =
        frontrow(folder, &["--listen", "127.0.0.1:0", "--open-identities", "--self-service-charging"]);
    command.args(["--database-url", database_url, "--redis-url", &redis]);
    command
}

fn start(folder: &Path, database_url: &str, redis_port: u16) -> Process {
    Process::listening(command(folder, database_url, redis_port))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_sell_every_seat_once_whatever_goes_wrong() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open();
    let (mut dice, mut accidents) = (dice(), ACCIDENTS);
    accidents.shuffle(&mut dice);
    let moments = MOMENTS.into_iter().flat_map(|(range, often)| some_of(&mut dice, range, often));
    let moments = Moments::at(moments.collect());
    let organizer = identity(sale.folder.path(), "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": AT_ONCE, "admitPerInterval": PER_SECOND, "intervalSeconds": 1,
        "maxSeatsPerUser": 1, "heartbeatTimeoutSeconds": 600 });
    let series = create_house(&sale.client, &organizer, TimeDelta::minutes(-1), policy, Some(HOUSE)).await;
    let (client, url) = (sale.client.clone(), sale.postgres.url.clone());

    let selling = async {
        let fans = (0..FANS).map(|number| Witness::new(number, &series));
        // As many at once as a front end has connections.
        let joining = stream::iter(fans.map(async |mut fan| {
            fan.join(&client, &moments).await.unwrap();
            fan
        }));
        let mut fans: Vec<_> = joining.buffer_unordered(200).collect().await;
        let buying = fans.iter_mut().map(async |fan| {
            fan.charge(&client, &moments).await.unwrap();
            fan.buy(&client, &moments).await.unwrap();
        });
        join_all(buying).await;
        fans
    };
    let going_wrong = async {
        for accident in accidents {
            moments.next().await;
            sale.happens(accident, &mut dice).await;
        }
    };
    let (fans, ()) = tokio::join!(selling, going_wrong);

    // Everybody who has paid, and some of those who have not.
    let checked = fans.iter().enumerate().filter(|(n, fan)| fan.pay.answer().is_some() || n % 16 == 0);
    stream::iter(checked).for_each_concurrent(100, |(_, fan)| fan.is_there(&client)).await;
    let seats = usize::try_from(HOUSE.0 * HOUSE.1).unwrap();
    assert_eq!(fans.iter().filter(|fan| fan.pay.answer().is_some()).count(), seats);
    // Otherwise the test has shown little.
    let (unavailable, unanswered) = client.made_again();
    assert!(unavailable > 0 && unanswered > 0, "{unavailable} unavailable, {unanswered} unanswered");

    let places = journaled::places(&url).await;
    journaled::everybody_once(&places, FANS);
    journaled::never_more_at_once(&places, AT_ONCE);
    journaled::never_more_in(&places, TimeDelta::seconds(1), PER_SECOND);
    journaled::nobody_overtook(&places);
    let audit = run(sale.folder.path(), &["--database-url", &url, "audit"]);
    assert_eq!(out(&audit), "every invariant holds\n");
}
