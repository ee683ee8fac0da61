//! One transaction of the write path.

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement};

use crate::{
    domain::{
        date::{Decision, Known, Needs, Sale, WalletDecision},
        id::{EntryId, SeriesId},
    },
    store::journal::{Fault, Locked, Logged, Transaction, Version},
    store::{
        journal::{
            Dates, fault,
            fold::{Folded, folded},
            load, logs,
            points::folded_points,
            write,
        },
        rows::sound,
    },
};

/// A fair queue in front of the row: who waits for a row is woken in any order, and with fifty processes some wait long.
const QUEUE: &str = "SELECT pg_advisory_xact_lock($1)";

/// The clock is read in an outer query, over a row that is locked by then.
const LOCK_ON_POSTGRES: &str = "SELECT version, head, last_at, next_due, clock_timestamp() FROM ( \
     SELECT version, head, last_at, next_due FROM sale_head WHERE series_id = $1 FOR NO KEY UPDATE) AS locked";
const LOCK_ON_SQLITE: &str = "SELECT version, head, last_at, next_due FROM sale_head WHERE series_id = $1";

/// A transaction on a date and wallets, or on wallets alone.
#[derive(Debug)]
pub struct Writing {
    tx: DatabaseTransaction,
    date: Option<SeriesId>,
}

impl Writing {
    pub(super) async fn lock(dates: &Dates, date: SeriesId) -> Result<(Self, Locked), Fault> {
        let tx = dates.database.begin().await.map_err(fault)?;
        let backend = tx.get_database_backend();
        let is_postgres = backend == DbBackend::Postgres;
        if is_postgres {
            let queue = Statement::from_sql_and_values(backend, QUEUE, [queue(date).into()]);
            tx.query_one_raw(queue).await.map_err(fault)?;
        }
        let asked = dates.clock.now();
        let lock = if is_postgres { LOCK_ON_POSTGRES } else { LOCK_ON_SQLITE };
        let lock = Statement::from_sql_and_values(backend, lock, [date.0.into()]);
        let row = tx.query_one_raw(lock).await.map_err(fault)?.ok_or(Fault::Unknown)?;
        let (mut locked, last) = sound(&row)
            .map_err(DbErr::Type)
            .and_then(|()| locked(&row))
            .map_err(|error| Fault::Broken(format!("the head of {date} cannot be read: {error}")))?;
        let now = if is_postgres && !dates.clock.is_own() {
            let told: DateTime<Utc> = row.try_get_by_index(4).map_err(fault)?;
            let told = told.trunc_subsecs(3);
            dates.clock.follow(told, asked);
            told
        } else {
            dates.clock.now()
        };
        locked.now = now.max(last);
        Ok((Self { tx, date: Some(date) }, locked))
    }

    pub(super) async fn begin(dates: &Dates) -> Result<(Self, DateTime<Utc>), Fault> {
        let tx = dates.database.begin().await.map_err(fault)?;
        let now = dates.database.time(&tx, &dates.clock).await.map_err(fault)?;
        Ok((Self { tx, date: None }, now))
    }

    fn date(&self) -> Result<SeriesId, Fault> {
        self.date.ok_or_else(|| Fault::Broken("this transaction is on no date".to_owned()))
    }
}

/// The number of a date's queue. Two dates with the same one would wait for each other and do nothing wrong.
fn queue(date: SeriesId) -> i64 {
    let (high, low) = date.0.as_u64_pair();
    (high ^ low).cast_signed()
}

/// With the time of the last commit; what time it is now stands in no column on SQLite.
fn locked(row: &QueryResult) -> Result<(Locked, DateTime<Utc>), DbErr> {
    let version = Version { number: row.try_get_by_index(0)?, head: row.try_get_by_index(1)? };
    let last = row.try_get_by_index(2)?;
    Ok((Locked { version, next_due: row.try_get_by_index(3)?, now: last }, last))
}

impl Transaction for Writing {
    /// Or why there are none.
    type Rows = Result<Folded, String>;

    fn rows(sale: &Sale, decision: &Decision) -> Self::Rows {
        folded(sale, decision)
    }

    async fn log_after(&mut self, version: Version, most: usize) -> Result<Option<Vec<Logged>>, Fault> {
        logs::after(&self.tx, self.date()?, version, most).await
    }

    async fn has_been_at(&mut self, version: Version) -> Result<bool, Fault> {
        logs::has_been_at(&self.tx, self.date()?, version).await
    }

    async fn has_entry(&mut self, entry: EntryId) -> Result<bool, Fault> {
        logs::has_entry(&self.tx, entry).await
    }

    async fn load(&mut self, needs: Vec<Needs>) -> Result<Known, Fault> {
        load::load(&self.tx, self.date, needs).await
    }

    async fn write(&mut self, rows: Self::Rows, version: Version) -> Result<(), Fault> {
        let rows = rows.map_err(Fault::Broken)?;
        if self.date != Some(rows.date) {
            return Err(Fault::Broken(format!("{} is not the date that is locked", rows.date)));
        }
        write::write(&self.tx, rows, version).await
    }

    async fn write_wallets(&mut self, decision: &WalletDecision) -> Result<(), Fault> {
        write::write_points(&self.tx, folded_points(&decision.events, decision.at)).await
    }

    async fn commit(self) -> Result<(), Fault> {
        self.tx.commit().await.map_err(fault)
    }
}
