//! The PostgreSQL that is measured: databases of the benchmark's own, and its processor time.

use std::{fs, time::Duration};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use super::processor;

/// A server in which the benchmark makes databases, and takes them away again.
pub(super) struct Postgres {
    url: String,
    connection: DatabaseConnection,
    /// The process whose children are its backends; `None` if it is on another machine.
    postmaster: Option<u32>,
    /// What a reader has to know of it.
    pub(super) version: String,
    databases: Vec<String>,
}

impl Postgres {
    /// Connects, and sees that what is committed there is on disk.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) async fn connect(url: &str) -> Result<Self, String> {
        let connection = connect(url).await?;
        let ask = async |question: &str| text(&connection, question).await;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = ask(&format!("SELECT current_setting('{setting}')")).await?;
            if value == "off" {
                return Err(format!("{setting} is off there: a commit that may be lost is not measured"));
            }
        }
        let backend = ask("SELECT pg_backend_pid()::text").await?;
        let version = ask("SELECT current_setting('server_version')").await?;
        let postmaster = backend.parse().ok().and_then(postmaster);
        Ok(Self { url: url.to_owned(), connection, postmaster, version, databases: Vec::new() })
    }

    /// Makes an empty database; its URL.
    ///
    /// # Errors
    /// If the user may not.
    pub(super) async fn create(&mut self) -> Result<String, String> {
        let name = format!("frontrow_bench_{}_{}", std::process::id(), self.databases.len());
        execute(&self.connection, &format!("CREATE DATABASE {name}")).await?;
        let url = in_database(&self.url, &name)?;
        self.databases.push(name);
        Ok(url)
    }

    /// Takes the databases away, whoever is still connected.
    ///
    /// # Errors
    /// If the server is gone.
    pub(super) async fn clear(&mut self) -> Result<(), String> {
        for name in self.databases.drain(..) {
            execute(&self.connection, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }

    /// The processor time that it has used.
    pub(super) fn spent(&self) -> Option<Duration> {
        processor::spent_by_family(self.postmaster?)
    }
}

/// One connection.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn connect(url: &str) -> Result<DatabaseConnection, String> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.map_err(|error| format!("PostgreSQL: {error}"))
}

/// Executes a statement.
///
/// # Errors
/// What the database says.
pub(super) async fn execute(connection: &DatabaseConnection, statement: &str) -> Result<(), String> {
    let done = connection.execute_unprepared(statement).await;
    done.map(drop).map_err(|error| format!("{statement}: {error}"))
}

/// Asks for one text.
///
/// # Errors
/// What the database says.
pub(super) async fn text(connection: &DatabaseConnection, question: &str) -> Result<String, String> {
    let asked = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, question)).await;
    let row = asked.map_err(|error| format!("{question}: {error}"))?;
    let value = row.and_then(|row| row.try_get_by_index(0).ok());
    value.ok_or_else(|| format!("{question}: there is no answer"))
}

/// The parent of this backend, if both run here.
fn postmaster(backend: u32) -> Option<u32> {
    let name = fs::read_to_string(format!("/proc/{backend}/comm")).ok()?;
    name.starts_with("postgres").then(|| processor::parent(backend)).flatten()
}

/// The URL with the name of another database.
fn in_database(url: &str, name: &str) -> Result<String, String> {
    let (address, rest) = url.split_once('?').map_or((url, None), |(address, rest)| (address, Some(rest)));
    let (scheme, server) = address.split_once("://").ok_or("--database-url: must be a postgres://…")?;
    let server = server.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{server}/{name}{}", rest.map(|rest| format!("?{rest}")).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_database_changes() {
        for (url, expected) in [
            ("postgres://a:b@h:1/x", "postgres://a:b@h:1/y"),
            ("postgres://h", "postgres://h/y"),
            ("postgresql://h/x?sslmode=require", "postgresql://h/y?sslmode=require"),
        ] {
            assert_eq!(in_database(url, "y").as_deref(), Ok(expected));
        }
    }
}
