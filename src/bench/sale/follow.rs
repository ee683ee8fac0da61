//! What it costs a process to follow what another commits: fans join a line at one process at a steady pace, and a fan of
//! the other process watches a place in it.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{
    fans::token,
    load::Driven,
    report::Follow,
    subject::{Setup, Subject},
};
use crate::{bench::fans::socket::Socket, clock::Clock};

/// Joins a second.
const PER_SECOND: usize = 2_000;

/// They come in so many parts a second.
const PARTS: usize = 20;

/// For how many seconds.
const SECONDS: usize = 10;

/// Measures the second of two processes.
///
/// # Errors
/// If a server refuses a fan.
pub(super) async fn measure(setup: Setup) -> Result<Follow, String> {
    let mut subject = Subject::open(Setup { seats: 1, ..setup }).await?;
    let first = subject.join_at_first(2).await?.answers.swap_remove(1);
    let mut socket = Socket::open(0, subject.last(), Some(&first)).await?;
    let watch = json!({ "query": "subscription { queuePosition { position waiting } }" });
    socket.subscribe(1, &watch).await?;
    socket.expect("\"next\"").await?;
    let watches = tokio::spawn(async move { while socket.hear().await.is_ok() {} });

    let (clock, meter) = (Clock::system(), subject.meter_of_last());
    let (before, begun) = (meter.read().await, clock.now());
    for part in 1..=SECONDS * PARTS {
        subject.join_at_first(PER_SECOND / PARTS).await?;
        let due = TimeDelta::milliseconds(i64::try_from(part * 1_000 / PARTS).unwrap_or(i64::MAX));
        clock.sleep_until(begun + due).await;
    }
    let took = (clock.now() - begun).to_std().unwrap_or_default();
    let joins = PER_SECOND * SECONDS;
    let [spent, ..] = (meter.read().await - before).each(joins);
    watches.abort();
    Ok(Follow::new(subject.name, joins, took, spent))
}

impl Follow {
    fn new(of: String, joins: usize, took: Duration, processor_us: Option<f64>) -> Self {
        let seconds = took.as_secs_f64();
        // As many as were asked for may be more than the machine can do; then each costs more, and not less.
        let core = processor_us.map(|us| us * PER_SECOND as f64 / 1e6);
        Self { of, joins_per_second: joins as f64 / seconds, processor_us, core }
    }
}

impl Subject {
    /// So many fans join the line at the first process.
    async fn join_at_first(&mut self, fans: usize) -> Result<Driven<String, 1>, String> {
        let joins = self.joins(self.line.clone(), fans);
        let mut load = self.load.clone();
        load.hosts.truncate(1);
        load.connections = load.connections.min(16);
        load.drive(joins, token).await
    }
}
