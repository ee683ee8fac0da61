//! A sale under load: fans who hold a seat and pay for it, over HTTP, each with a token of their own, as fast as the
//! servers answer; beside what `pgbench` does with the same statements and what a request costs that asks for nothing.
//!
//! Servers, databases and fans share the machine, and what is committed is on disk. The fans have joined and charged their
//! wallets before the clock runs. In each round every contender has its turn, and ratios are taken within a round.

mod aims;
mod depth;
pub(in crate::bench) mod fans;
pub(in crate::bench) mod figures;
mod follow;
pub(in crate::bench) mod load;
mod memory;
mod pgbench;
mod postgres;
pub(in crate::bench) mod processor;
mod redis;
mod report;
mod rounds;
mod subject;

use std::{fs, io::Write, thread::available_parallelism};

use clap::{Args, ValueEnum};

use self::{
    pgbench::Pgbench,
    postgres::Postgres,
    processor::Meter,
    redis::Redis,
    report::Report,
    rounds::{Bares, Contender, warm_up},
    subject::{Setup, Subject},
};
use crate::config::Layer;

/// The name of one process on SQLite.
const SQLITE: &str = "SQLite";

/// The name of one process on PostgreSQL, with which several are compared.
const ONE_PROCESS: &str = "PostgreSQL";

/// A date has no more.
const MOST_SEATS: usize = 100_000;

/// What to measure, and for how long.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Only this; may be repeated.
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Vec<Part>,
    /// How many rounds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// How many fans buy a ticket in a round.
    #[arg(long, default_value_t = 4_000, value_name = "N")]
    fans: usize,
    /// How many join a line in a round.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    joins: usize,
    /// For how many seconds pgbench and the bare requests run in a round.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Connections of the fans, all servers together.
    #[arg(long, default_value_t = 256, value_name = "N")]
    connections: usize,
    /// How many processes share the PostgreSQL and the Redis; may be repeated.
    #[arg(long = "processes", default_values_t = [1, 2, 3], value_name = "N")]
    processes: Vec<usize>,
    /// How many tickets are sold when few are, and how many a round then sells.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    few: usize,
    /// How many tickets are sold when many are.
    #[arg(long, default_value_t = MOST_SEATS, value_name = "N")]
    many: usize,
    /// How many wait when memory is measured.
    #[arg(long, default_value_t = 300_000, value_name = "N")]
    waiting: usize,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Part {
    /// pgbench, one by one and in batches.
    Pgbench,
    /// One process on SQLite.
    Sqlite,
    /// One process on PostgreSQL.
    Postgres,
    /// Several processes on PostgreSQL and Redis.
    Processes,
    /// A ticket when few and when many are sold.
    Depth,
    /// A process that follows what another one commits, on PostgreSQL, without Redis and with it.
    Follow,
    /// The memory of a waiting place and of a seat, on SQLite.
    Memory,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn check(&self) -> Result<(), String> {
        if [self.rounds, self.fans, self.joins, self.waiting, self.connections, self.few].contains(&0)
            || self.processes.contains(&0)
        {
            return Err("nothing is measured with none of it".to_owned());
        }
        if self.seats() > MOST_SEATS || self.many > MOST_SEATS {
            return Err(format!("a date has at most {MOST_SEATS} seats: ask for fewer --fans or --rounds"));
        }
        Ok(())
    }

    /// Seats of the rounds and of what runs before them.
    fn seats(&self) -> usize {
        // The last one stays: what happens with it happens once.
        warm_up(self.fans) + self.rounds * self.fans + 1
    }

    fn setup(&self, name: &str, processes: usize, stores: Vec<String>) -> Setup {
        let (name, seats, connections) = (name.to_owned(), self.seats(), self.connections);
        Setup { name, processes, stores, seats, connections }
    }
}

/// What runs already and is used.
struct Services {
    postgres: Option<Postgres>,
    redis: Option<(String, Option<Redis>)>,
    prefixes: usize,
}

/// Measures, prints tables or JSON, and says whether every aim is met whose figures were measured.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, options: &Options, layer: &Layer) -> Result<bool, String> {
    options.check()?;
    let mut services = Services { postgres: None, redis: None, prefixes: 0 };
    if let Some(url) = &layer.database_url {
        services.postgres = Some(Postgres::connect(url).await?);
        services.redis = match &layer.redis_url {
            Some(url) => Some((url.clone(), Redis::connect(url).await)),
            None => None,
        };
    }
    let measured = measure(&mut services, options).await;
    let cleared = match &mut services.postgres {
        Some(postgres) => postgres.clear().await,
        None => Ok(()),
    };
    let report = measured?;
    cleared?;
    let written = if options.json { report.write_json(out) } else { report.write(out) };
    written.map_err(|error| error.to_string())?;
    Ok(report.is_fine())
}

async fn measure(services: &mut Services, options: &Options) -> Result<Report, String> {
    let mut report = Report { notes: notes(services, options), ..Report::default() };
    let mut pgbench = match &mut services.postgres {
        Some(postgres) if options.wants(Part::Pgbench) => {
            Some(Pgbench::create(postgres.create().await?).await?)
        }
        _ => None,
    };
    let mut contenders = contenders(services, options).await?;
    let bares = all_rounds(services, options, &mut pgbench, &mut contenders).await?;
    report.tickets = bares.tickets();
    for contender in &contenders {
        report.tickets.push(contender.tickets(&bares));
        report.joins.push(contender.joins());
        report.processes.push(contender.process());
    }
    report.aims = aims::of_rounds(&report, &contenders);
    drop((contenders, pgbench));
    if options.wants(Part::Depth) {
        for (setup, uses_postgres) in depths(services, options).await? {
            let meter =
                Meter { postgres: services.postgres.as_ref().filter(|_| uses_postgres), ..Meter::default() };
            report.depth.push(depth::measure(setup, options, &meter).await?);
        }
    }
    if options.wants(Part::Follow) {
        for setup in followers(services, options).await? {
            report.follow.push(follow::measure(setup).await?);
        }
    }
    if options.wants(Part::Memory) {
        report.memory = Some(memory::measure(options.setup(SQLITE, 1, Vec::new()), options).await?);
    }
    report.aims.extend(aims::of_depth(&report.depth));
    report.aims.extend(aims::of_follow(&report.follow));
    report.aims.extend(report.memory.iter().flat_map(aims::of_memory));
    Ok(report)
}

fn notes(services: &Services, options: &Options) -> Vec<String> {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|load| load.split(' ').next()).unwrap_or("?");
    let mut notes = vec![
        format!(
            "{cores} cores, load {load} at the start; {} connections, {} fans a round",
            options.connections, options.fans
        ),
        format!(
            "medians of {} rounds (lowest to highest), after a shorter one that does not count",
            options.rounds
        ),
    ];
    match &services.postgres {
        Some(postgres) => notes.push(format!("PostgreSQL {}, durable", postgres.version)),
        None => notes.push(
            "only SQLite is measured: --database-url names a PostgreSQL in which databases may be made"
                .to_owned(),
        ),
    }
    if services.postgres.is_some() && services.redis.is_none() {
        notes.push("only single processes are measured: --redis-url names the Redis of several".to_owned());
    }
    notes
}

/// Starts everything that is measured in rounds.
async fn contenders(services: &mut Services, options: &Options) -> Result<Vec<Contender>, String> {
    let mut contenders = Vec::new();
    let mut open = async |setup: Setup, uses| {
        contenders.push(Contender::new(Subject::open(setup).await?, uses));
        Ok::<_, String>(())
    };
    if options.wants(Part::Sqlite) {
        open(options.setup(SQLITE, 1, Vec::new()), [false, false]).await?;
    }
    let Some(postgres) = &mut services.postgres else { return Ok(contenders) };
    if options.wants(Part::Postgres) {
        let stores = vec!["--database-url".to_owned(), postgres.create().await?];
        open(options.setup(ONE_PROCESS, 1, stores), [true, false]).await?;
    }
    let Some((redis, _)) = &services.redis else { return Ok(contenders) };
    if options.wants(Part::Processes) {
        for processes in &options.processes {
            services.prefixes += 1;
            let stores = both(postgres.create().await?, redis, services.prefixes);
            let name = format!("PostgreSQL and Redis, processes: {processes}");
            open(options.setup(&name, *processes, stores), [true, true]).await?;
        }
    }
    Ok(contenders)
}

/// Arguments of processes on a PostgreSQL and a Redis, under a prefix with that number.
fn both(database: String, redis: &str, prefix: usize) -> Vec<String> {
    let prefix = format!("frontrow-bench-{}-{prefix}", std::process::id());
    ["--database-url", &database, "--redis-url", redis, "--redis-prefix", &prefix].map(str::to_owned).to_vec()
}

/// Two processes each, of which the second follows.
async fn followers(services: &mut Services, options: &Options) -> Result<Vec<Setup>, String> {
    let Some(postgres) = &mut services.postgres else { return Ok(Vec::new()) };
    let stores = vec!["--database-url".to_owned(), postgres.create().await?];
    let mut setups = vec![options.setup("PostgreSQL", 2, stores)];
    if let Some((redis, _)) = &services.redis {
        services.prefixes += 1;
        let stores = both(postgres.create().await?, redis, services.prefixes);
        setups.push(options.setup("PostgreSQL and Redis", 2, stores));
    }
    Ok(setups)
}

/// What is sold out once, from the beginning; and whether it uses the PostgreSQL.
async fn depths(services: &mut Services, options: &Options) -> Result<Vec<(Setup, bool)>, String> {
    let mut depths = vec![(options.setup(SQLITE, 1, Vec::new()), false)];
    if let Some(postgres) = &mut services.postgres {
        let stores = vec!["--database-url".to_owned(), postgres.create().await?];
        depths.push((options.setup(ONE_PROCESS, 1, stores), true));
    }
    Ok(depths)
}

async fn all_rounds(
    services: &Services,
    options: &Options,
    pgbench: &mut Option<Pgbench>,
    contenders: &mut [Contender],
) -> Result<Bares, String> {
    let (postgres, redis) = (services.postgres.as_ref(), services.redis.as_ref());
    let redis = redis.and_then(|(_, redis)| redis.as_ref());
    let mut bares = Bares::default();
    for contender in &mut *contenders {
        contender.warm_up(options).await?;
    }
    if let Some((pgbench, postgres)) = pgbench.as_mut().zip(postgres) {
        bares.round(pgbench, postgres, 1).await?;
        bares.clear();
    }
    for round in 1..=options.rounds {
        tracing::info!("round {round} of {}", options.rounds);
        if let Some((pgbench, postgres)) = pgbench.as_mut().zip(postgres) {
            bares.round(pgbench, postgres, options.seconds).await?;
        }
        for contender in &mut *contenders {
            contender.round(options, postgres, redis).await?;
        }
    }
    Ok(bares)
}
