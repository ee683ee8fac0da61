//! How connections to the two databases are to be.

use std::{path::PathBuf, time::Duration};

use sea_orm::{
    ConnectOptions, DatabaseConnection, DbErr,
    sqlx::{
        self,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::files;

/// How long anything waits for a connection or a lock before it gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Connections of one process to PostgreSQL: reads must not keep a commit waiting for a connection, so each have
/// their own. Each date that is busy needs one to write by, as do those who only move points; six write more than one disk
/// makes durable, and let one date that is held up elsewhere keep no other waiting.
const POSTGRES_WRITERS: u32 = 6;
const POSTGRES_READERS: u32 = 10;

/// Prepared statements that a connection to PostgreSQL remembers (100 are customary). The write path has a fixed statement a
/// table; reads by many ids come in powers of two, see `among`; all of them fit.
const POSTGRES_STATEMENTS: usize = 200;

/// What every connection to PostgreSQL asks for, with the least that keeps a stuck one from holding up the sale.
/// A pooler in front of PostgreSQL has to let these through.
const POSTGRES_SETTINGS: [(&str, &str); 3] = [
    // Nothing that a request waits for takes this long.
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    // A process that dies without a word leaves no locks behind for longer than this.
    ("idle_in_transaction_session_timeout", "10s"),
];

/// What connections that write ask for beside that, or instead.
const POSTGRES_WRITER_SETTINGS: [(&str, &str); 6] = [
    // A process that stands still in mid-transaction has a date locked.
    ("idle_in_transaction_session_timeout", "1s"),
    // Nobody waits longer for an answer.
    ("lock_timeout", "2s"),
    // All that is written is found by an index. A plan that was made while the tables were empty, and is kept for as long as
    // the connection, reads one of those from end to end for each row: with 30,000 live holds a batch of payments took longer
    // than its five seconds. So a plan is made for each batch, which costs it less than a millisecond.
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// PostgreSQL notices within eleven seconds that a machine is gone whose connection is idle.
pub(super) const KEEPALIVE: [(&str, &str); 3] =
    [("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "2"), ("tcp_keepalives_count", "3")];

/// The two pools of a process: for reads and for writes.
pub(super) struct Pools {
    pub(super) read: DatabaseConnection,
    pub(super) write: DatabaseConnection,
}

/// Whether the URL is of PostgreSQL.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres")
}

/// The file of a SQLite database; `None` for one that is not a file: on PostgreSQL, or in memory.
pub(super) fn file(url: &str) -> Result<Option<PathBuf>, sqlx::Error> {
    if is_postgres(url) || url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(None);
    }
    let options: SqliteConnectOptions = url.parse()?;
    Ok(Some(options.get_filename().to_owned()))
}

pub(super) async fn pools(url: &str) -> Result<Pools, DbErr> {
    // A URL that cannot be read is told of below.
    if let Ok(Some(file)) = file(url) {
        files::own_database(&file);
    }
    // SQLite has one writer at a time, so the queue for the only connection is the fair one.
    let (writers, readers) = if is_postgres(url) { (POSTGRES_WRITERS, POSTGRES_READERS) } else { (1, 4) };
    let write = connect(url, writers, &POSTGRES_WRITER_SETTINGS).await?;
    Ok(Pools { write, read: connect(url, readers, &[]).await? })
}

/// Of two settings of the same name the later one counts.
async fn connect(
    url: &str,
    connections: u32,
    settings: &'static [(&str, &str)],
) -> Result<DatabaseConnection, DbErr> {
    let mut options = options(url, connections);
    options.map_sqlx_postgres_opts(|options| {
        let settings = POSTGRES_SETTINGS.into_iter().chain(settings.iter().copied());
        postgres(options).options(settings).options(KEEPALIVE)
    });
    sea_orm::Database::connect(options).await
}

/// One connection that may take as long as it needs: for what changes the schema.
pub(super) async fn patient(url: &str) -> Result<DatabaseConnection, DbErr> {
    sea_orm::Database::connect(options(url, 1)).await
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives the loss of power too (rule 19).
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
    });
    options.map_sqlx_postgres_opts(postgres);
    options
}

/// What is the same for every connection to PostgreSQL.
pub(super) fn postgres(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("frontrow").statement_cache_capacity(POSTGRES_STATEMENTS)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sea_orm::ConnectionTrait;

    use super::*;

    /// Whatever made the folder around it, and whatever the umask: SQLite gives what it makes the database's own mode.
    #[tokio::test]
    async fn a_database_is_private_with_all_that_sqlite_makes_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sale.db");
        let pools = pools(&format!("sqlite://{}", path.display())).await.unwrap();
        pools.write.execute_unprepared("CREATE TABLE x (y INTEGER)").await.unwrap();
        let mut found: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        found.sort();
        let private = ["sale.db", "sale.db-shm", "sale.db-wal"].map(|name| (name.to_owned(), 0o600));
        assert_eq!(found, private);
    }

    #[test]
    fn a_database_in_memory_has_no_file() {
        let named = |url: &str| file(url).unwrap();
        assert_eq!(named("sqlite://a/b.db?mode=rwc"), Some("a/b.db".into()));
        for none in ["sqlite::memory:", "sqlite:x?mode=memory", "postgres://x/y", "postgresql://x/y"] {
            assert_eq!(named(none), None, "{none}");
        }
    }
}
