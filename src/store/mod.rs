//! Everything that remembers: one database behind SeaORM; and, for several processes, Redis.
//!
//! Writes go through one pool of connections and reads through another. SQLite has one writer at a time, so there
//! the former has one connection, whose queue is fair.

mod among;
pub mod audit;
pub mod building;
pub mod catalog;
mod claim;
mod connect;
mod convert;
pub mod draws;
pub mod journal;
mod keys;
mod latest;
pub mod lobby;
pub(crate) mod log;
mod page;
pub mod presence;
pub mod redis;
mod rows;
mod search;
mod standstill;
#[cfg(test)]
mod tests;
pub mod tickets;
mod trouble;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, SubsecRound, Utc};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::clock::Clock;
pub use claim::{Claim, Unclaimed};
use connect::{Pools, is_postgres};
pub use trouble::is_unavailable;

/// Held while the schema is changed, so that processes that start together do not change it together. Any
/// number will do, but always the same.
const MIGRATION_LOCK: i64 = 0x4652_4f4e_5401;

/// What a process of an earlier version holds for itself where it shares nothing with others: it decides by what it has in
/// memory, so nobody may change the schema under it.
const SERVING_ALONE: i64 = 0x4652_4f4e_5402;

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    url: Url,
    read: DatabaseConnection,
    write: DatabaseConnection,
    statements: Arc<AtomicU64>,
}

/// Where the database is. May have a password in it, so it is not shown.
#[derive(Clone)]
struct Url(Arc<str>);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Database {
    /// The URL of the SQLite database that lives in the folder `data`.
    #[must_use]
    pub fn embedded_url(data: &Path) -> String {
        format!("sqlite://{}", data.join("frontrow.db").display())
    }

    /// Connects to `sqlite:` or `postgres:` and makes the file of the former if it is missing.
    ///
    /// # Errors
    /// If the database cannot be reached or the URL is not understood.
    pub async fn connect(url: &str) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let Pools { mut read, mut write } = connect::pools(url).await?;
        for connection in [&mut write, &mut read] {
            let statements = Arc::clone(&statements);
            connection.set_metric_callback(move |_| {
                statements.fetch_add(1, Ordering::Relaxed);
            });
        }
        Ok(Self { url: Url(url.into()), read, write, statements })
    }

    /// Brings the schema up to date, one process at a time.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        if self.is_postgres() {
            self.migrate_alone().await?;
        } else {
            Migrator::up(&self.write, None).await?;
        }
        self.fill_search_texts().await
    }

    async fn migrate_alone(&self) -> Result<(), DbErr> {
        let patient = connect::patient(&self.url.0).await?;
        patient.execute_unprepared(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
        let alone = format!("SELECT pg_try_advisory_lock_shared({SERVING_ALONE})");
        let alone = patient.query_one_raw(Statement::from_string(DbBackend::Postgres, alone)).await?;
        if !alone.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false) {
            let why = "a Frontrow process of an earlier version works on this database; stop it first";
            return Err(DbErr::Migration(why.into()));
        }
        Migrator::up(&patient, None).await?;
        // The locks go with the connection.
        patient.close().await
    }

    /// Whether there may be other processes that work on it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.is_postgres()
    }

    fn is_postgres(&self) -> bool {
        is_postgres(&self.url.0)
    }

    /// Where to read.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Begins a transaction that writes: IMMEDIATE on SQLite, where one that begins with a read cannot be
    /// sure to get to write.
    ///
    /// # Errors
    /// If the database cannot be reached or stays locked for ten seconds.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await
    }

    /// Begins a transaction that reads, and whose statements all see the same commits.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            // On SQLite it is so anyway.
            isolation_level: self.is_postgres().then_some(IsolationLevel::RepeatableRead),
            ..TransactionOptions::default()
        };
        self.read.begin_with_options(options).await
    }

    /// How many statements have been run through this handle and its clones.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// What time it is, for a decision within `tx`: on PostgreSQL the database's time, which is the same for all
    /// processes, and which `clock` follows from then on; a process that is alone keeps its own, and a clock that a test
    /// moves goes first.
    pub(super) async fn time(
        &self,
        on: &impl ConnectionTrait,
        clock: &Clock,
    ) -> Result<DateTime<Utc>, DbErr> {
        if !self.is_postgres() || clock.is_own() {
            return Ok(clock.now());
        }
        let asked = clock.now();
        let question = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp()");
        let answer = on.query_one_raw(question).await?;
        let told: DateTime<Utc> =
            answer.ok_or_else(|| DbErr::RecordNotFound("the time".into()))?.try_get_by_index(0)?;
        let told = told.trunc_subsecs(3);
        clock.follow(told, asked);
        Ok(told)
    }

    /// Sets a clock to the time that all processes share; see [`Clock::follow`].
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn set_clock(&self, clock: &Clock) -> Result<(), DbErr> {
        self.time(&self.read, clock).await.map(|_| ())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.read.ping().await
    }

    /// Waits for what is under way and closes every connection.
    ///
    /// # Errors
    /// If a connection cannot be closed.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.write.clone().close().await?;
        self.read.clone().close().await
    }
}
