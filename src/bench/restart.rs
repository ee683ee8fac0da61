//! How long a start takes with many waiting (rule 9).

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    collections::HashMap,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use crate::{
    bench::memory::resident_bytes,
    clock::{Clock, Dice},
    domain::{
        catalog::Schedule,
        id::{SeriesId, TokenId, UserId},
        identity::{Caller, Role},
        policy::PolicyPatch,
        room::Event,
    },
    service::{Failure, House, Settings, identity::Keys},
    store::Database,
};

/// The aim.
const AIM: Duration = Duration::from_secs(5);

/// Joins of one transaction while the journal is made.
const BATCH: u32 = 20_000;

/// Fills a journal with `waiting` places (UUIDs as user ids) and measures how long the house takes to open again.
/// Says whether the aim is met.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, waiting: u32) -> Result<bool, String> {
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let series = prepare(data.path(), waiting).await.map_err(said)?;
    let before = resident_bytes("self");
    let database = database(data.path()).await.map_err(said)?;
    let start = Instant::now();
    let house = open(database).await.map_err(said)?;
    let took = start.elapsed();
    let memory = before.zip(resident_bytes("self")).map(|(before, after)| after.saturating_sub(before));
    let found = house.sale_stats(&organizer(), series).await.map_err(said)?.waiting;
    house.close().await.map_err(said)?;
    if found != waiting {
        return Err(format!("{found} of {waiting} are waiting after the start"));
    }
    let memory =
        memory.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0} MiB", bytes as f64 / 1_048_576.0));
    writeln!(
        out,
        "{waiting} waiting: the house opens in {:.2} s, and has grown by {memory}",
        took.as_secs_f64()
    )
    .map_err(|error| error.to_string())?;
    Ok(took <= AIM)
}

fn said(failure: Failure) -> String {
    format!("{failure:?}")
}

async fn database(data: &Path) -> Result<Database, Failure> {
    let database = Database::connect(&Database::embedded_url(data)).await?;
    database.migrate().await?;
    Ok(database)
}

async fn open(database: Database) -> Result<Arc<House>, Failure> {
    House::open(database, None, Keys::new(&[7; 32]), Settings::default(), Clock::system(), Dice::system())
        .await
}

fn organizer() -> Caller {
    let user = UserId::from_stored("bench");
    Caller { user, name: String::new(), roles: vec![Role::Organizer], pass: None }
}

/// A date with its lobby still open, and a journal of joins as the keeper would have written it.
async fn prepare(data: &Path, waiting: u32) -> Result<SeriesId, Failure> {
    let house = open(database(data).await?).await?;
    let organizer = organizer();
    let concert = house.create_concert(&organizer, "Restart").await?;
    let now = house.clock().now();
    let day = |n| now + TimeDelta::days(n);
    let schedule =
        Schedule { start_at: day(3), end_at: day(4), reserve_start_at: day(1), reserve_end_at: day(2) };
    let series =
        house.create_series(&organizer, concert.id, schedule, None, PolicyPatch::default()).await?.id;
    for first in (0..waiting).step_by(BATCH as usize) {
        let joins: Vec<_> = (first..waiting.min(first + BATCH)).map(|n| join(&house, n)).collect();
        house.database().journal(series, &joins, &HashMap::new()).await?;
    }
    house.close().await?;
    Ok(series)
}

fn join(house: &House, n: u32) -> Event {
    let now = house.clock().now();
    // User ids without an order, as identity providers make them.
    let user = UserId::from_stored(&uuid::Uuid::from_bytes(house.dice().bytes()).to_string());
    let token = TokenId(house.dice().id(now));
    Event::Joined { token, user, seq: n.into(), lobby: true, at: now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_is_still_there_after_the_start() {
        let mut out = Vec::new();
        assert!(run(&mut out, 1_000).await.unwrap());
        assert!(String::from_utf8(out).unwrap().starts_with("1000 waiting: the house opens in "));
    }
}
