//! A house with a long line, made by its journal: joining a million times would take longer.

use std::{path::Path, sync::Arc};

use chrono::TimeDelta;

use crate::{
    clock::{Clock, Entropy},
    domain::{
        catalog::{Schedule, SeriesPlan},
        date::{Command, Known, Outcome, decide},
        id::{SeriesId, TokenId, UserId},
        identity::{Caller, Role},
        policy::PolicyPatch,
        text::{PersonName, Title},
    },
    service::{Failure, Journal, Services, Settings, identity::Keys},
    store::{
        Database,
        journal::{self, Journal as _, Transaction, Version},
    },
};

/// Joins of one transaction while the journal is made.
const BATCH: u32 = 20_000;

/// Nobody in the line is given up for silent during a benchmark.
const PATIENCE_SECONDS: i32 = 86_400;

/// The keys of the server.
pub(super) fn keys() -> Keys {
    Keys::new(&[7; 32])
}

/// Who runs the concert.
pub(super) fn organizer() -> Caller {
    let user = UserId::from_stored("bench");
    Caller { user, name: PersonName::none(), roles: vec![Role::Organizer], pass: None }
}

/// Where the services keep what they have.
pub(super) struct Stores {
    pub(super) url: String,
}

impl Stores {
    /// SQLite in this folder.
    pub(super) fn embedded(folder: &Path) -> Self {
        Self { url: Database::embedded_url(folder) }
    }

    /// The database, up to date.
    pub(super) async fn database(&self) -> Result<Database, Failure> {
        let database = Database::connect(&self.url).await?;
        database.migrate().await?;
        Ok(database)
    }

    /// The house over them.
    pub(super) async fn open(&self) -> Result<Arc<Services>, Failure> {
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let database = self.database().await?;
        Services::open(database, None, keys(), Settings::default(), clock, entropy).await
    }
}

/// Creates a date whose sale opens after `opens_in`, and `waiting` joins by users with UUIDs. `seen` is shown each of them.
/// A sale that has opened is paused, so that everybody waits.
pub(super) async fn prepare(
    stores: &Stores,
    waiting: u32,
    opens_in: TimeDelta,
    mut seen: impl FnMut(u32, TokenId, &UserId),
) -> Result<SeriesId, Failure> {
    let services = stores.open().await?;
    let organizer = organizer();
    let concert = services.create_concert(&organizer, Title::from_stored("Benchmark")).await?;
    let now = services.clock().now();
    let day = |n| now + TimeDelta::days(n);
    let schedule = Schedule {
        start_at: day(3),
        end_at: day(4),
        reserve_start_at: now + opens_in,
        reserve_end_at: day(2),
    };
    let policy = PolicyPatch { heartbeat_timeout_seconds: Some(PATIENCE_SECONDS), ..PolicyPatch::default() };
    let plan = SeriesPlan::try_new(schedule, None, policy)?;
    let series = services.create_series(&organizer, concert.id, plan).await?.id;
    if opens_in <= TimeDelta::zero() {
        services.set_paused(&organizer, series, true).await?;
    }
    let (journal, entropy) =
        (Journal::new(services.database().clone(), services.clock().clone()), services.entropy());
    join_all(&journal, entropy, series, waiting, &mut seen).await?;
    services.close().await?;
    Ok(series)
}

/// Joins as a process would have committed them, only in larger batches.
async fn join_all(
    journal: &Journal,
    entropy: &Entropy,
    series: SeriesId,
    waiting: u32,
    seen: &mut impl FnMut(u32, TokenId, &UserId),
) -> Result<(), Failure> {
    let (mut sale, _) = journal.open(series).await?;
    for first in (0..waiting).step_by(BATCH as usize) {
        let users: Vec<_> = (first..waiting.min(first + BATCH)).map(|n| (n, user(entropy))).collect();
        let join = |(_, user): &(u32, UserId)| Command::Join { user: user.clone(), name: PersonName::none() };
        let commands: Vec<_> = users.iter().map(join).collect();
        let (mut transaction, locked) = journal.lock(series).await?;
        let decision = decide(&sale, &commands, Known::default(), locked.now, &mut || entropy.id(locked.now));
        let rows = <<Journal as journal::Journal>::Transaction as Transaction>::rows(&sale, &decision);
        let head = uuid::Uuid::from_bytes(entropy.bytes());
        transaction.write(rows, Version { number: locked.version.number + 1, head }).await?;
        transaction.commit().await?;
        sale.apply(&decision.batch());
        for ((n, user), outcome) in users.iter().zip(&decision.outcomes) {
            if let Ok(Outcome::Joined(token)) = outcome {
                seen(*n, *token, user);
            }
        }
    }
    Ok(())
}

/// User ids without an order, as identity providers make them.
fn user(entropy: &Entropy) -> UserId {
    UserId::from_stored(&uuid::Uuid::from_bytes(entropy.bytes()).to_string())
}
