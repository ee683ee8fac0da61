//! How long a start takes with many waiting (rule 9).

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    io::Write,
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use crate::{
    bench::{
        long_line::{self, Stores},
        memory::resident_bytes,
    },
    config::Layer,
    service::Failure,
};

/// The aim.
const AIM: Duration = Duration::from_secs(5);

/// Fills a journal with `waiting` places (UUIDs as user ids) and measures how long the services take to open again: over
/// the database of the settings, else on SQLite. Says whether the aim is met.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, waiting: u32, layer: &Layer) -> Result<bool, String> {
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let stores = match &layer.database_url {
        Some(url) => Stores { url: url.clone() },
        None => Stores::embedded(data.path()),
    };
    // Before the sale opens, so that the draw would still have to be done.
    let series =
        long_line::prepare(&stores, waiting, TimeDelta::days(1), |_, _, _| {}).await.map_err(said)?;
    let mut say = |text: String| writeln!(out, "{text}").map_err(|error| error.to_string());
    let before = resident_bytes("self");
    let start = Instant::now();
    let house = stores.open().await.map_err(said)?;
    let found = house.sale_stats(&long_line::organizer(), series).await.map_err(said)?.waiting;
    let took = start.elapsed();
    let memory = before.zip(resident_bytes("self")).map(|(before, after)| after.saturating_sub(before));
    house.close().await.map_err(said)?;
    if found != waiting {
        return Err(format!("{found} of {waiting} are waiting after the start"));
    }
    let memory =
        memory.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0} MiB", bytes as f64 / 1_048_576.0));
    let took_s = took.as_secs_f64();
    say(format!("{waiting} waiting: the services open in {took_s:.2} s, and have grown by {memory}"))?;
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
        assert!(run(&mut out, 1_000, &Layer::default()).await.unwrap());
        assert!(String::from_utf8(out).unwrap().starts_with("1000 waiting: the services open in "));
    }
}
