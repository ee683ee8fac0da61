//! Databases with one date, and what commits to it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{
        date::{
            Command, Decision, Sale, WalletCommand, WalletDecision, decide, decide_wallets,
            model::{Rows, SECRET, SERIES},
        },
        id::SeriesId,
    },
    store::journal::{Fault, Journal, Transaction, Version},
    store::{Database, journal::Dates},
};

/// A database with the schema, which is gone with this value.
pub(super) struct Fixture {
    pub(super) dates: Dates,
    pub(super) clock: Clock,
    pub(super) url: String,
    ids: AtomicU64,
    _folder: Option<tempfile::TempDir>,
    beside: Option<(String, String)>,
}

/// What changed the date.
pub(super) struct Committed {
    pub(super) decision: Decision,
    pub(super) version: Version,
}

/// One of each database that there is.
pub(super) async fn fixtures() -> Vec<Fixture> {
    let mut all = vec![Fixture::sqlite().await];
    if let Ok(beside) = std::env::var("FRONTROW_TEST_DATABASE_URL") {
        all.push(Fixture::postgres(&beside).await);
    }
    all
}

impl Fixture {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = Database::embedded_url(folder.path());
        Self::over(url, Some(folder), None).await
    }

    async fn postgres(beside: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("frontrow_journal_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let admin = sea_orm::Database::connect(beside).await.unwrap();
        admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        let server = beside.rsplit_once('/').map_or(beside, |(server, _)| server);
        Self::over(format!("{server}/{name}"), None, Some((beside.to_owned(), name))).await
    }

    async fn over(url: String, folder: Option<tempfile::TempDir>, beside: Option<(String, String)>) -> Self {
        let database = Database::connect(&url).await.unwrap();
        database.migrate().await.unwrap();
        let clock = Clock::manual(super::at(0));
        let dates = Dates::new(database, clock.clone());
        Self { dates, clock, url, ids: AtomicU64::new(1), _folder: folder, beside }
    }

    pub(super) fn database(&self) -> &Database {
        &self.dates.database
    }

    /// Another process at the same database.
    pub(super) async fn other(&self) -> Dates {
        Dates::new(Database::connect(&self.url).await.unwrap(), self.clock.clone())
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.beside.is_some()
    }

    pub(super) fn new_id(&self) -> Uuid {
        // By the order of their making, as the ids of a process are.
        Uuid::from_u128(self.ids.fetch_add(1, Ordering::Relaxed).into())
    }

    pub(super) async fn execute(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> u64 {
        let db = &self.database().write;
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        db.execute_raw(statement).await.unwrap().rows_affected()
    }

    /// Empties the database, and puts the date of these rows into it, of which nothing has happened.
    pub(super) async fn put(&self, rows: &Rows) {
        let tables = [
            "sale_log",
            "sale_head",
            "token",
            "hold",
            "reservation",
            "payment",
            "point_history",
            "idempotency_key",
            "unpaid",
            "wallet",
            "seat",
            "series",
            "concert",
        ];
        for table in tables {
            self.execute(&format!("DELETE FROM {table}"), []).await;
        }
        let concert = Uuid::from_u128(77);
        let sql = "INSERT INTO concert (id, title, organizer_id, created_at, number) VALUES ($1, 'Gig', 'org', $2, 1)";
        self.execute(sql, [concert.into(), super::at(0).into()]).await;
        self.put_date(SERIES, concert, rows).await;
        for seat in &rows.seats {
            let sql = "INSERT INTO seat (id, series_id, number, section, row, col, price) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let values: [Value; 7] = [
                seat.id.0.into(),
                SERIES.0.into(),
                seat.number.into(),
                seat.section.as_str().into(),
                seat.row.into(),
                seat.col.into(),
                seat.price.into(),
            ];
            self.execute(sql, values).await;
        }
    }

    /// A date without its seats.
    pub(super) async fn put_date(&self, date: SeriesId, concert: Uuid, rows: &Rows) {
        let (settings, policy) = (rows.settings, rows.settings.policy);
        let int = |n: u32| i32::try_from(n).unwrap();
        let sql = "INSERT INTO series (id, concert_id, start_at, end_at, reserve_start_at, reserve_end_at, paused, \
             seat_count, max_active, admit_per_interval, interval_seconds, heartbeat_timeout_seconds, \
             session_seconds, max_seats_per_user, draw_secret, created_at, stage) \
             VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'READY')";
        let values: [Value; 15] = [
            date.0.into(),
            concert.into(),
            settings.start_at.into(),
            (settings.start_at + chrono::TimeDelta::hours(2)).into(),
            settings.opens_at.into(),
            settings.closes_at.into(),
            i32::try_from(rows.seats.len()).unwrap().into(),
            policy.max_active.map(int).into(),
            policy.admit_per_interval.map(int).into(),
            int(policy.interval_seconds).into(),
            int(policy.heartbeat_timeout_seconds).into(),
            int(policy.session_seconds).into(),
            int(policy.max_seats_per_user).into(),
            hex::encode(SECRET).into(),
            rows.last.into(),
        ];
        self.execute(sql, values).await;
        let sql = "INSERT INTO sale_head (series_id, version, head, last_at, next_due, seats_version, \
             reserved_count, next_seq) VALUES ($1, 0, $2, $3, $4, $5, 0, 0)";
        let values: [Value; 5] = [
            date.0.into(),
            Uuid::from_u128(99).into(),
            rows.last.into(),
            settings.opens_at.into(),
            rows.seats_version.into(),
        ];
        self.execute(sql, values).await;
    }

    /// Decides on `sale` and writes it, up to the commit.
    pub(super) async fn written(
        &self,
        sale: &Sale,
        commands: &[Command],
    ) -> Result<(impl Transaction + use<>, Committed), Fault> {
        let (mut transaction, locked) = self.dates.lock(sale.id()).await?;
        let needs = commands.iter().map(|command| command.needs(sale)).collect();
        let known = transaction.load(needs).await?;
        let decision = decide(sale, commands, known, locked.now, &mut || self.new_id());
        let rows = super::super::Writing::rows(sale, &decision);
        let version = Version { number: locked.version.number + 1, head: self.new_id() };
        transaction.write(rows, version).await?;
        Ok((transaction, Committed { decision, version }))
    }

    /// Decides on `sale` and commits; the caller applies it.
    pub(super) async fn commit(&self, sale: &Sale, commands: &[Command]) -> Result<Committed, Fault> {
        let (transaction, committed) = self.written(sale, commands).await?;
        transaction.commit().await?;
        Ok(committed)
    }

    /// Points, and nothing of a date.
    pub(super) async fn charge(&self, commands: &[WalletCommand]) -> Result<WalletDecision, Fault> {
        let (mut transaction, now) = self.dates.begin().await?;
        let needs = commands.iter().map(|command| crate::domain::date::Needs {
            wallet: Some(command.wallet().clone()),
            key: Some(command.key()),
            ..Default::default()
        });
        let known = transaction.load(needs.collect()).await?;
        let decision = decide_wallets(known.till, commands, now, &mut || self.new_id());
        transaction.write_wallets(&decision).await?;
        transaction.commit().await?;
        Ok(decision)
    }

    pub(super) fn set(&self, now: DateTime<Utc>) {
        self.clock.set(now);
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let Some((beside, name)) = self.beside.take() else { return };
        // On a runtime of its own: that of the test is about to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let admin = sea_orm::Database::connect(beside).await.unwrap();
                admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            });
        });
        // A test that has failed already says more than a database that stays.
        let _ = dropping.join();
    }
}
