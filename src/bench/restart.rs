//! How long a start takes with many waiting (rule 9).

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    io::Write,
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use crate::{
    bench::{long_line, memory::resident_bytes},
    clock::{Clock, Dice},
    service::{Failure, House, Settings},
};

/// The aim.
const AIM: Duration = Duration::from_secs(5);

/// Fills a journal with `waiting` places (UUIDs as user ids) and measures how long the house takes to open again.
/// Says whether the aim is met.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, waiting: u32) -> Result<bool, String> {
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    // Before the sale opens, so that the draw would still have to be done.
    let series = long_line::prepare(data.path(), waiting, TimeDelta::days(1), |_, _, _| {});
    let series = series.await.map_err(said)?;
    let before = resident_bytes("self");
    let database = long_line::database(data.path()).await.map_err(said)?;
    let start = Instant::now();
    let (clock, dice) = (Clock::system(), Dice::system());
    let house = House::open(database, None, long_line::keys(), Settings::default(), clock, dice).await;
    let house = house.map_err(said)?;
    let took = start.elapsed();
    let memory = before.zip(resident_bytes("self")).map(|(before, after)| after.saturating_sub(before));
    let found = house.sale_stats(&long_line::organizer(), series).await.map_err(said)?.waiting;
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
