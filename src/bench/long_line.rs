//! A house with a long line, made by its journal: joining a million times would take longer.

use std::{collections::HashMap, path::Path, sync::Arc};

use chrono::TimeDelta;

use crate::{
    clock::{Clock, Dice},
    domain::{
        catalog::{Schedule, SeriesPlan},
        id::{SeriesId, TokenId, UserId},
        identity::{Caller, Role},
        policy::PolicyPatch,
        room::Event,
        text::{PersonName, Title},
    },
    service::{Failure, House, Settings, identity::Keys},
    store::{Database, redis::Redis},
};

/// Joins of one transaction while the journal is made.
const BATCH: u32 = 20_000;

/// Nobody in the line is given up for silent during a benchmark.
const PATIENCE_SECONDS: i32 = 86_400;

/// The keys of the house.
pub(super) fn keys() -> Keys {
    Keys::new(&[7; 32])
}

/// Who runs the concert.
pub(super) fn organizer() -> Caller {
    let user = UserId::from_stored("bench");
    Caller { user, name: PersonName::none(), roles: vec![Role::Organizer], pass: None }
}

/// Where the house keeps what it has.
pub(super) struct Stores {
    pub(super) url: String,
    pub(super) redis: Option<Redis>,
}

impl Stores {
    /// SQLite in this folder, and the line in this process.
    pub(super) fn embedded(folder: &Path) -> Self {
        Self { url: Database::embedded_url(folder), redis: None }
    }

    /// The database, up to date.
    pub(super) async fn database(&self) -> Result<Database, Failure> {
        let database = Database::connect(&self.url).await?;
        database.migrate().await?;
        Ok(database)
    }

    /// The house over them.
    pub(super) async fn open(&self) -> Result<Arc<House>, Failure> {
        let (clock, dice) = (Clock::system(), Dice::system());
        let database = self.database().await?;
        House::open(database, self.redis.clone(), keys(), Settings::default(), clock, dice).await
    }
}

/// Creates a date whose sale opens after `opens_in`, and a journal of `waiting` joins, as the keeper would have written
/// it, by users with UUIDs. `seen` is shown each of them. A sale that has opened is paused, so that everybody waits. A
/// room in Redis has yet to be built from that.
pub(super) async fn prepare(
    stores: &Stores,
    waiting: u32,
    opens_in: TimeDelta,
    mut seen: impl FnMut(u32, TokenId, &UserId),
) -> Result<SeriesId, Failure> {
    let house = stores.open().await?;
    let organizer = organizer();
    let concert = house.create_concert(&organizer, Title::from_stored("Benchmark")).await?;
    let now = house.clock().now();
    let day = |n| now + TimeDelta::days(n);
    let schedule = Schedule {
        start_at: day(3),
        end_at: day(4),
        reserve_start_at: now + opens_in,
        reserve_end_at: day(2),
    };
    let policy = PolicyPatch { heartbeat_timeout_seconds: Some(PATIENCE_SECONDS), ..PolicyPatch::default() };
    let plan = SeriesPlan::try_new(schedule, None, policy)?;
    let series = house.create_series(&organizer, concert.id, plan).await?.id;
    let lobby = opens_in > TimeDelta::zero();
    if !lobby {
        house.set_paused(&organizer, series, true).await?;
    }
    for first in (0..waiting).step_by(BATCH as usize) {
        let joins: Vec<_> =
            (first..waiting.min(first + BATCH)).map(|n| join(&house, n, lobby, &mut seen)).collect();
        house.database().journal(series, &joins, &HashMap::new()).await?;
    }
    house.close().await?;
    Ok(series)
}

fn join(house: &House, n: u32, lobby: bool, seen: &mut impl FnMut(u32, TokenId, &UserId)) -> Event {
    let now = house.clock().now();
    // User ids without an order, as identity providers make them.
    let user = UserId::from_stored(&uuid::Uuid::from_bytes(house.dice().bytes()).to_string());
    let token = TokenId(house.dice().id(now));
    seen(n, token, &user);
    Event::Joined { token, user, seq: n.into(), lobby, at: now }
}
