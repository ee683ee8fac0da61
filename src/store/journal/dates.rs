//! The journal of the dates over SeaORM: what the committer asks of a database (see [`Journal`]), on SQLite
//! and on PostgreSQL, by the same statements as far as the two allow it.
//!
//! Statements are fixed texts that take any number of rows (see `sheet`), so that each is prepared once a connection.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{date::Sale, id::SeriesId},
    store::{
        Database,
        journal::{Fault, HeardAt, Journal, Locked, Logged, Version, logs, open, transaction::Writing},
        presence::Told,
        trouble::{is_conflict, is_unavailable},
    },
};

/// How long finding out who is in the way may keep a batch from its next try.
const BRIEFLY: Duration = Duration::from_millis(300);

/// The dates of a database, whose time the clock follows where several processes share it.
#[derive(Clone, Debug)]
pub struct Dates {
    pub(super) database: Database,
    pub(super) clock: Clock,
}

impl Dates {
    /// The dates of this database.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }
}

impl Journal for Dates {
    type Transaction = Writing;

    async fn open(&self, date: SeriesId) -> Result<(Sale, Version), Fault> {
        open::open(&self.database, date).await
    }

    async fn lock(&self, date: SeriesId) -> Result<(Writing, Locked), Fault> {
        Writing::lock(self, date).await
    }

    async fn begin(&self) -> Result<(Writing, DateTime<Utc>), Fault> {
        Writing::begin(self).await
    }

    async fn make_way(&self) {
        let cut_off = tokio::time::timeout(BRIEFLY, self.database.cut_off_who_stands_still()).await;
        match cut_off {
            Ok(Ok(0)) => {}
            Ok(Ok(sessions)) => tracing::warn!(
                sessions,
                "ended sessions of PostgreSQL that stood still in the middle of a statement and held others up"
            ),
            Ok(Err(error)) => tracing::debug!(%error, "who stands still could not be found"),
            Err(_) => tracing::debug!("who stands still could not be found in time"),
        }
    }

    async fn log_after(
        &self,
        date: SeriesId,
        version: Version,
        most: usize,
    ) -> Result<Option<Vec<Logged>>, Fault> {
        logs::after(self.database.reader(), date, version, most).await
    }

    async fn versions(&self, dates: &[SeriesId]) -> Result<HashMap<SeriesId, Version>, Fault> {
        logs::versions(self.database.reader(), dates).await
    }

    async fn catalogue(&self) -> Result<i64, Fault> {
        logs::catalogue(self.database.reader()).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        but: usize,
    ) -> Result<(Vec<SeriesId>, Option<DateTime<Utc>>), Fault> {
        logs::due(self.database.reader(), now, but).await
    }

    async fn tell_heard(&self, process: Uuid, heard: Vec<(SeriesId, Vec<u8>)>) -> Result<(), Fault> {
        self.database.tell_heard(process, heard, &self.clock).await.map_err(fault)
    }

    async fn heard(&self, dates: &[SeriesId]) -> Result<(Vec<HeardAt>, DateTime<Utc>), Fault> {
        let (rows, now) = self.database.told(dates, &self.clock).await.map_err(fault)?;
        let heard = |Told { process, series, at, heard }| HeardAt { process, date: series, at, heard };
        Ok((rows.into_iter().map(heard).collect(), now))
    }

    async fn leave(&self, process: Uuid) -> Result<(), Fault> {
        self.database.forget_process(process).await.map_err(fault)
    }

    async fn prune(&self, until: DateTime<Utc>) -> Result<bool, Fault> {
        logs::prune(self.database.reader(), &self.database.write, until).await
    }
}

/// What an error of the database means to a committer.
pub(super) fn fault(error: DbErr) -> Fault {
    if is_conflict(&error) {
        Fault::Conflict
    } else if is_unavailable(&error) {
        Fault::Unavailable
    } else {
        Fault::Broken(error.to_string())
    }
}
