//! What one, two and three processes do over one PostgreSQL, and a Redis if there is one: fans who join, are admitted, charge, hold a
//! seat and pay, as many a second as the machine gives, through the real API. The processes, both stores and the fans
//! share the machine, so on few cores this shows what sharing costs rather than what a machine more would give. And how
//! long it takes until somebody who watches the seats at the last process hears of a hold (rule 20).

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::watch::{Holds, Watch};
use super::{
    catalog::{create_concert, create_date, ids, text},
    fans::{api::Api, server::Server},
};
use crate::{clock::Clock, config::Layer};

mod watch;

/// Rows and columns of each date's house: more seats than any run sells.
const HOUSE: (usize, usize) = (200, 100);

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many processes; may be repeated.
    #[arg(long = "processes", default_values_t = [1, 2, 3])]
    processes: Vec<usize>,
    /// How many fans are on their way at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// How many dates they are spread over.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    dates: u8,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(i64).range(1..=300))]
    seconds: i64,
}

/// Measures and prints a table.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, options: Options, layer: &Layer) -> Result<bool, String> {
    let Some(database) = &layer.database_url else {
        return Err("this needs --database-url postgres:…, which nothing else uses".into());
    };
    let mut stores = vec!["--database-url".to_owned(), database.clone()];
    if let Some(redis) = &layer.redis_url {
        stores.extend(["--redis-url".to_owned(), redis.clone()]);
    }
    let said = |error: io::Error| error.to_string();
    writeln!(
        out,
        "| Processes | tickets a second | beside the first | median way | 99 of 100 | a hold is seen after | 99 of 100 |"
    )
    .map_err(said)?;
    writeln!(out, "|---|---|---|---|---|---|---|").map_err(said)?;
    let mut first = None;
    for count in &options.processes {
        let Measured { mut ways, mut seen } = measure(*count, &stores, &options).await?;
        let rate = ways.len() as f64 / options.seconds as f64;
        let beside = rate / *first.get_or_insert(rate);
        let ([way, longest], [news, latest]) = (spread(&mut ways), spread(&mut seen));
        writeln!(
            out,
            "| {count} | {rate:.0} | {beside:.2} | {way} ms | {longest} ms | {news} ms | {latest} ms |"
        )
        .map_err(said)?;
    }
    Ok(true)
}

/// The median, and what 99 of 100 are below.
fn spread(of: &mut [i64]) -> [i64; 2] {
    of.sort_unstable();
    [50, 99].map(|share| of.get(of.len() * share / 100).copied().unwrap_or_default())
}

/// In milliseconds.
struct Measured {
    /// How long the whole way of each fan took who got there in time.
    ways: Vec<i64>,
    /// How long after the answer to its holder each hold was seen.
    seen: Vec<i64>,
}

/// One date and its seats.
struct Date {
    series: String,
    seats: Vec<String>,
}

async fn measure(processes: usize, stores: &[String], options: &Options) -> Result<Measured, String> {
    let keys = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let servers = start(processes, stores, &keys)?;
    let mut organizer = Api::connect(servers[0].address, Some(&servers[0].organizer)).await?;
    let mut dates = Vec::new();
    for _ in 0..options.dates {
        dates.push(create(&mut organizer).await?);
    }
    let last = servers[servers.len() - 1].address;
    let watch = Watch::open(last, dates.iter().map(|date| date.series.as_str())).await?;
    let holds = Arc::new(Holds::default());
    let (dates, next, clock) = (Arc::new(dates), Arc::new(AtomicUsize::new(0)), Clock::system());
    let until = clock.now() + TimeDelta::seconds(options.seconds);
    let fans = (0..options.at_once).map(|n| {
        let address = servers[n % servers.len()].address;
        let (dates, next, holds) = (Arc::clone(&dates), Arc::clone(&next), Arc::clone(&holds));
        tokio::spawn(async move {
            let mut api = Api::connect(address, None).await?;
            let mut ways = Vec::new();
            while Clock::system().now() < until {
                let number = next.fetch_add(1, Ordering::Relaxed);
                ways.extend(buy(&mut api, &dates, number, until, &holds).await?);
            }
            Ok::<_, String>(ways)
        })
    });
    let ways = try_join_all(fans).await.map_err(|error| error.to_string())?;
    let ways = ways.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    Ok(Measured { ways, seen: watch.delays(&holds).await? })
}

/// Equal processes, with one signing key.
fn start(processes: usize, stores: &[String], keys: &TempDir) -> Result<Vec<Server>, String> {
    let key = keys.path().join("signing.key");
    let arguments: Vec<_> =
        ["--self-service-charging".to_owned()].into_iter().chain(stores.iter().cloned()).collect();
    (0..processes).map(|_| Server::start(&arguments, Some(&key))).collect()
}

async fn create(api: &mut Api) -> Result<Date, String> {
    let concert = create_concert(api, "Load").await?;
    let made =
        create_date(api, &concert, Some(HOUSE), json!({ "maxActive": null }), "id seats { id }").await?;
    Ok(Date { series: text(&made["id"])?, seats: ids(&made["seats"])? })
}

/// One fan's way from the join to the ticket; how long it took, in milliseconds, if it was over in time.
async fn buy(
    api: &mut Api,
    dates: &[Date],
    number: usize,
    until: DateTime<Utc>,
    holds: &Holds,
) -> Result<Option<i64>, String> {
    let clock = Clock::system();
    let (begun, date) = (clock.now(), &dates[number % dates.len()]);
    let seat =
        date.seats.get(number / dates.len()).ok_or("the houses are sold out: measure for a shorter time")?;
    api.speak_as(None);
    let join = "mutation ($input: IssueTokenInput!) { issueToken(input: $input) { token problem { code } } }";
    let user = format!("fan-{number}-{}", begun.timestamp_micros());
    let joined = api.run(join, &json!({ "input": { "seriesId": date.series, "userId": user } })).await?;
    api.speak_as(Some(text(&joined["issueToken"]["token"])?));
    let charge = "mutation { charge(input: { amount: 1, idempotencyKey: \"c\" }) { problem { code } } }";
    done(&api.run(charge, &json!({})).await?["charge"])?;
    while api.run("mutation { heartbeat { status } }", &json!({})).await?["heartbeat"]["status"] != "ADMITTED"
    {
        clock.sleep(TimeDelta::milliseconds(2)).await;
    }
    let hold = "mutation ($seat: ID!) { holdSeat(input: { seatId: $seat }) { problem { code } } }";
    done(&api.run(hold, &json!({ "seat": seat })).await?["holdSeat"])?;
    holds.answered(seat);
    let pay = "mutation { pay(input: { idempotencyKey: \"p\" }) { problem { code } } }";
    done(&api.run(pay, &json!({})).await?["pay"])?;
    let over = clock.now();
    Ok((over <= until).then(|| (over - begun).num_milliseconds()))
}

fn done(payload: &Value) -> Result<(), String> {
    if payload["problem"].is_null() { Ok(()) } else { Err(format!("the server answered {payload}")) }
}
