//! Marks lapsed holds, so that watchers hear of the seats within a second (rule 12). No rule needs it: a hold
//! that has lapsed holds nothing, marked or not.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    domain::sale::Command,
    service::{Failure, committer::Committer},
    store::Database,
};

/// How long the sweeper rests after a failure; and at most, if other processes take holds too and may not live to
/// see them lapse. It need not hear of those: a hold lasts longer than this rest.
const REST: TimeDelta = TimeDelta::seconds(1);

pub(super) async fn run(
    database: Database,
    clock: Clock,
    committer: Committer,
    shared: bool,
    stop: CancellationToken,
) {
    loop {
        let next = match sweep(&database, &clock, &committer).await {
            Ok(()) => match database.next_lapse().await {
                Ok(next) => next,
                Err(error) => Some(after_failure(&clock, &Failure::from(error))),
            },
            Err(error) => Some(after_failure(&clock, &error)),
        };
        let latest = clock.now() + REST;
        let next = if shared { Some(next.map_or(latest, |next| next.min(latest))) } else { next };
        tokio::select! {
            () = stop.cancelled() => return,
            () = committer.holds_taken() => {}
            () = async { clock.sleep_until(next.unwrap_or_default()).await }, if next.is_some() => {}
        }
    }
}

fn after_failure(clock: &Clock, error: &Failure) -> chrono::DateTime<chrono::Utc> {
    tracing::warn!(?error, "lapsed holds could not be marked");
    clock.now() + REST
}

/// One pass: marks what has lapsed by now.
async fn sweep(database: &Database, clock: &Clock, committer: &Committer) -> Result<(), Failure> {
    loop {
        let mut lapsed = BTreeMap::<_, Vec<_>>::new();
        for (series, hold) in database.lapsed_holds(clock.now()).await? {
            lapsed.entry(series).or_default().push(hold);
        }
        if lapsed.is_empty() {
            return Ok(());
        }
        let mut done = Ok(());
        for (series, holds) in lapsed {
            // Where one date's cannot be marked, the others' are.
            done = done.and(committer.run(Command::Lapse { series, holds }).await.map(drop));
        }
        done?;
    }
}
