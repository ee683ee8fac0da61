//! Everything that remembers: one database behind SeaORM; and, for several processes, Redis.
//!
//! SQLite has one writer at a time, so there writes go through a pool of one connection, whose queue is fair,
//! and reads through another pool. On PostgreSQL both are the same pool.

pub mod audit;
pub mod catalog;
mod convert;
pub mod events;
pub mod journal;
mod page;
pub mod redis;
pub mod sale;
pub mod tickets;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::{
        self,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

/// How long anything waits for a connection or a lock before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    read: DatabaseConnection,
    write: DatabaseConnection,
    statements: Arc<AtomicU64>,
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
        let sqlite = url.starts_with("sqlite:");
        let mut write = sea_orm::Database::connect(options(url, if sqlite { 1 } else { 16 })).await?;
        let mut read =
            if sqlite { sea_orm::Database::connect(options(url, 4)).await? } else { write.clone() };
        for connection in [&mut write, &mut read] {
            let statements = Arc::clone(&statements);
            connection.set_metric_callback(move |_| {
                statements.fetch_add(1, Ordering::Relaxed);
            });
        }
        Ok(Self { read, write, statements })
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        Migrator::up(&self.write, None).await
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

    /// How many statements have been run through this handle and its clones.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
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

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false).map_sqlx_sqlite_opts(
        |sqlite| {
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                // What was acknowledged survives the loss of power too (rule 19).
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(PATIENCE)
        },
    );
    options
}

/// Whether the database was out of reach or too busy, so that trying again is safe and may help.
#[must_use]
pub fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match &**error {
                sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
                | sqlx::Error::WorkerCrashed => true,
                // SQLITE_BUSY; serialisation failure, deadlock, shutdown, lock and statement timeouts.
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    ["5", "40001", "40P01", "57P01", "57P02", "57P03", "55P03", "57014"].contains(&&*code)
                }),
                _ => false,
            }
        }
        _ => false,
    }
}
