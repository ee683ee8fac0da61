//! A shared room from its journal: at the first use of its series, and after Redis has lost it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sea_orm::DbErr;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{RedisRoom, RoomError, Told, scripts, wire};
use crate::{clock::Clock, domain::catalog::Series, store::Database};

/// How often the claim is renewed while the journal is read.
const HOLD: TimeDelta = TimeDelta::seconds(2);

/// News of one epoch: their numbers grow from one epoch to the next.
const NEWS: i64 = 1_000_000_000;

/// Rows of one step: nobody else is served while a script runs.
const ROWS: usize = 1_000;

/// Why a room could not be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Another process is at it: try again in a moment.
    #[error("another process is rebuilding the waiting room")]
    Busy,
    /// Redis failed.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The database failed.
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] DbErr),
}

/// The answers of `scripts/rebuild.lua`.
const BUSY: i64 = 0;
const READY: i64 = 2;

impl RedisRoom {
    /// Rebuilds the room unless Redis has it. `id` names this rebuilding. The order is this: claim the room in Redis,
    /// so that no two processes do the same work; begin a new epoch, so that no decision of the old room can be
    /// journaled any more; only then read the journal.
    ///
    /// # Errors
    /// See [`RebuildError`]; then nothing is to be seen of it, and anybody may begin anew.
    pub async fn rebuild(&self, database: &Database, id: Uuid) -> Result<(), RebuildError> {
        // Never a number, whatever its digits.
        let id = format!("load-{id}");
        let known = database.room_progress(self.series).await?;
        match self.step(&id, "begin", &json!({ "epoch": known.epoch })).await? {
            BUSY => return Err(RebuildError::Busy),
            READY => return Ok(()),
            _ => {}
        }
        let read = async {
            let epoch = database.begin_epoch(self.series, 0).await?;
            let journaled = database.journaled_room(self.series, self.clock.now()).await?;
            let (series, rows) = journaled.ok_or(RoomError::Lost)?;
            Ok::<_, RebuildError>((epoch, series, rows))
        };
        let (epoch, series, rows) = tokio::select! {
            read = read => read?,
            lost = self.hold(&id) => return Err(lost),
        };
        for some in rows.places.chunks(ROWS) {
            let some: Vec<Value> = some.iter().map(|row| wire::row(row, &self.secret)).collect();
            self.add(&id, "places", &some.into()).await?;
        }
        let mut admissions = BTreeMap::<i64, usize>::new();
        for at in &rows.admissions {
            *admissions.entry(at.timestamp_millis()).or_default() += 1;
        }
        let mut count = 0;
        let numbered: Vec<Value> = admissions
            .into_iter()
            .map(|(at, so_many)| {
                count += so_many;
                json!([at, count])
            })
            .collect();
        for some in numbered.chunks(ROWS) {
            self.add(&id, "admissions", &some.into()).await?;
        }
        self.add(&id, "end", &whole(&series, epoch, rows.next_seq, count)).await?;
        tracing::info!(series = %self.series, epoch, places = rows.places.len(), "the waiting room is rebuilt");
        Ok(())
    }

    /// Rebuilds the room although Redis has one: it is not what its journal says.
    ///
    /// # Errors
    /// See [`RebuildError`].
    pub async fn rebuild_anyway(&self, database: &Database, id: Uuid) -> Result<(), RebuildError> {
        let known = match self.progress().await {
            Ok(progress) => progress.epoch,
            // Somebody else is at it, or will be: what is built now is what the journal says.
            Err(RoomError::Lost) => return self.rebuild(database, id).await,
            Err(error) => return Err(error.into()),
        };
        // The room of any epoch before is none any more.
        if database.room_progress(self.series).await?.epoch <= known {
            database.begin_epoch(self.series, known).await?;
        }
        self.rebuild(database, id).await
    }

    /// Keeps the claim while the journal is read, which may take longer than others have patience. Returns only if it
    /// is lost.
    async fn hold(&self, id: &str) -> RebuildError {
        let real = Clock::system();
        loop {
            real.sleep(HOLD).await;
            if let Err(error) = self.add(id, "hold", &Value::Null).await {
                return error;
            }
        }
    }

    async fn add(&self, id: &str, step: &str, what: &Value) -> Result<(), RebuildError> {
        // Somebody else has begun anew meanwhile, or Redis has lost it again.
        if self.step(id, step, what).await? == BUSY { Err(RebuildError::Busy) } else { Ok(()) }
    }

    async fn step(&self, id: &str, step: &str, what: &Value) -> Result<i64, RoomError> {
        self.run(&scripts::REBUILD, |call| {
            call.arg(step).arg(id).arg(what.to_string()).arg(self.channel()).arg(self.series.to_string());
        })
        .await
    }
}

/// What the room is told at the end.
fn whole(series: &Series, epoch: i64, next_seq: u64, admissions: usize) -> Value {
    let mut whole = wire::settings(&Told::of(series));
    let rest = json!({
        "epoch": epoch, "decision": 0, "told": epoch * NEWS, "next_seq": next_seq, "admissions": admissions,
        "drawn": u8::from(series.drawn_at.is_some()),
        "opens_at": series.schedule.reserve_start_at.timestamp_millis(),
        "closes_at": series.schedule.reserve_end_at.timestamp_millis(),
    });
    if let (Some(whole), Value::Object(rest)) = (whole.as_object_mut(), rest) {
        whole.extend(rest);
    }
    whole
}
