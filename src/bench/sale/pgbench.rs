//! What PostgreSQL itself does with the statements of a sale: `pgbench`, ticket by ticket and a hundred in a batch.

use std::{
    fs,
    process::{Command, Stdio},
};

use sea_orm::DatabaseConnection;
use tempfile::TempDir;

use super::postgres::{connect, execute, text};

/// Two million seats and a hundred thousand wallets.
const SCHEMA: &str = include_str!("pgbench/schema.sql");

/// Clients at once.
const CLIENTS: usize = 8;

/// What a script does.
#[derive(Clone, Copy)]
pub(super) enum Script {
    /// Hold in one transaction, payment in another.
    Single,
    /// The same for a hundred seats.
    Batch,
}

impl Script {
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Single => ("sale.sql", include_str!("pgbench/sale.sql")),
            Self::Batch => ("batch.sql", include_str!("pgbench/batch.sql")),
        }
    }

    /// How many tickets one transaction of pgbench, which is one run of the script, sells.
    fn tickets(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Batch => 100,
        }
    }
}

/// A database in which it runs.
pub(super) struct Pgbench {
    url: String,
    connection: DatabaseConnection,
    scripts: TempDir,
    /// Where each script has got to in the sequence that both take their seats from.
    sold: [u64; 2],
}

/// One round.
pub(super) struct Round {
    pub(super) tickets: usize,
    pub(super) per_second: f64,
}

impl Pgbench {
    /// Fills an empty database.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) async fn create(url: String) -> Result<Self, String> {
        let connection = connect(&url).await?;
        // That there is nothing to be dropped is no news.
        execute(&connection, "SET client_min_messages = warning").await?;
        // One by one: VACUUM does not share a transaction.
        for statement in SCHEMA.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            execute(&connection, statement).await?;
        }
        let scripts = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        for (name, script) in [Script::Single, Script::Batch].map(Script::file) {
            fs::write(scripts.path().join(name), script).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(Self { url, connection, scripts, sold: [0; 2] })
    }

    /// Runs a script for so many seconds.
    ///
    /// # Errors
    /// If there is no `pgbench`, or it fails.
    pub(super) async fn run(&mut self, script: Script, seconds: u64) -> Result<Round, String> {
        let next = self.sold[script as usize] + 1;
        execute(&self.connection, &format!("SELECT setval('s', {next}, false)")).await?;
        let output = Command::new("pgbench")
            // As a server does it; the scripts rely on it, too: they give a UUID without quotes.
            .args([
                "--protocol",
                "prepared",
                "--no-vacuum",
                "--client",
                &CLIENTS.to_string(),
                "--jobs",
                "2",
                "--time",
            ])
            .arg(seconds.to_string())
            .arg("--file")
            .arg(self.scripts.path().join(script.file().0))
            .arg(&self.url)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("pgbench, which comes with PostgreSQL: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let round = parse(&said, script.tickets()).filter(|_| output.status.success());
        let round = round
            .ok_or_else(|| format!("pgbench failed: {said}{}", String::from_utf8_lossy(&output.stderr)))?;
        let last = text(&self.connection, "SELECT last_value::text FROM s").await?;
        self.sold[script as usize] = last.parse().map_err(|_| format!("the sequence is at {last}"))?;
        Ok(round)
    }
}

/// From what it prints: transactions, and how many a second.
fn parse(said: &str, tickets: usize) -> Option<Round> {
    let after = |name: &str| {
        let rest = said.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split([' ', '/']).find(|word| !word.is_empty()).map(str::to_owned)
    };
    let failed = after("number of failed transactions:").is_some_and(|failed| failed != "0");
    let transactions: usize = after("number of transactions actually processed:")?.parse().ok()?;
    let per_second: f64 = after("tps =")?.parse().ok()?;
    let round = Round { tickets: transactions * tickets, per_second: per_second * tickets as f64 };
    (!failed && transactions > 0).then_some(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "number of transactions actually processed: 132\nnumber of failed transactions: 0 (0.000%)\n\
                        tps = 65.250000 (without initial connection time)\n";

    #[test]
    fn a_batch_is_a_hundred_tickets() {
        let round = parse(SAID, 100).unwrap();
        assert_eq!((round.tickets, round.per_second), (13_200, 6_525.0));
    }

    #[test]
    fn a_run_that_failed_is_none() {
        assert!(parse(&SAID.replace("transactions: 0", "transactions: 1"), 1).is_none());
        assert!(parse("", 1).is_none());
    }
}
