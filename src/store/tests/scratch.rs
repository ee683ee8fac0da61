//! Databases with one date, each for one test.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{
        catalog::{Concert, Layout, NewSection, Schedule, Series},
        id::{ConcertId, SeatId, SeriesId, UserId},
        lobby::DrawSecret,
        policy::QueuePolicy,
        text::Title,
    },
    store::Database,
};

/// The seats of each date.
pub(super) const SEATS: i32 = 4;

/// A database that is gone with this value.
pub(super) struct Scratch {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) url: String,
    beside: Option<(String, String)>,
    _folder: tempfile::TempDir,
}

/// One of each database that there is.
pub(super) async fn scratches() -> Vec<Scratch> {
    let mut all = vec![Scratch::over(None).await];
    if let Ok(beside) = std::env::var("FRONTROW_TEST_DATABASE_URL") {
        all.push(Scratch::over(Some(beside)).await);
    }
    all
}

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

pub(super) fn id(of: u16, n: u16) -> Uuid {
    Uuid::from_u128((u128::from(of) << 16) + u128::from(n))
}

pub(super) fn seat(series: u16, number: u16) -> SeatId {
    SeatId(id(100 + series, number))
}

/// Opens after a minute and closes after an hour.
pub(super) fn series(n: u16) -> Series {
    let schedule = Schedule {
        start_at: at(7_200),
        end_at: at(9_000),
        reserve_start_at: at(60),
        reserve_end_at: at(3_600),
    };
    Series {
        id: SeriesId(id(2, n)),
        concert: ConcertId(id(1, 1)),
        schedule,
        paused: false,
        seat_count: SEATS,
        reserved_count: 0,
        version: 0,
        policy: QueuePolicy::default(),
        draw_secret: DrawSecret::new([7; 32]),
        drawn_at: None,
        lobby_hash: None,
        created_at: at(0),
    }
}

impl Scratch {
    async fn over(beside: Option<String>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let name = format!("frontrow_store_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut url = Database::embedded_url(folder.path());
        if let Some(beside) = &beside {
            admin(beside, &[format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")])
                .await;
            url = format!("{}/{name}", beside.rsplit_once('/').unwrap().0);
        }
        let database = Database::connect(&url).await.unwrap();
        let clock = Clock::manual(at(0));
        Self { database, clock, url, beside: beside.map(|beside| (beside, name)), _folder: folder }
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.beside.is_some()
    }

    /// With the schema and a concert.
    pub(super) async fn with_concert(self) -> Self {
        self.database.migrate().await.unwrap();
        let (id, organizer) = (ConcertId(id(1, 1)), UserId::try_new("organizer").unwrap());
        let concert = Concert { id, title: Title::try_new("Gig").unwrap(), organizer, created_at: at(0) };
        self.database.add_concert(&concert, None, &self.clock).await.unwrap().unwrap();
        self
    }

    /// Begins a date; nobody sees it yet.
    pub(super) async fn begin(&self, n: u16) -> Series {
        let (series, organizer) = (series(n), UserId::try_new("organizer").unwrap());
        self.database.begin_series(&series, &organizer, None, &self.clock).await.unwrap().unwrap();
        let floor = NewSection { name: "Floor".into(), rows: 1, cols: SEATS, price: 10 };
        let layout = Layout::try_new(&[floor]).unwrap();
        let seats = layout.seats().map(|it| (seat(n, u16::try_from(it.number).unwrap()).0, it));
        let seats: Vec<_> = seats.collect();
        assert!(self.database.add_seats(series.id, seats, &self.clock).await.unwrap());
        series
    }

    /// A date that is ready.
    pub(super) async fn date(&self, n: u16) -> Series {
        let series = self.begin(n).await;
        assert!(self.database.series_is_ready(series.id).await.unwrap());
        series
    }

    /// Statements past everybody, with ids as `{1:2}` for [`id`] and times in seconds as `<60>` for [`at`].
    pub(super) async fn run(&self, statements: &str) {
        let tx = self.database.begin().await.unwrap();
        for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            let statement = self.written(statement);
            let done = tx.execute_unprepared(&statement).await;
            assert!(done.is_ok(), "{statement}: {done:?}");
        }
        tx.commit().await.unwrap();
    }

    fn written(&self, statement: &str) -> String {
        let mut written = String::new();
        let mut rest = statement;
        while let Some(start) = rest.find(['{', '<']) {
            let (before, from) = rest.split_at(start);
            let end = from.find(['}', '>']).unwrap();
            let what = &from[1..end];
            written.push_str(before);
            written.push_str(&match what.split_once(':') {
                Some((of, n)) => self.written_id(id(of.parse().unwrap(), n.parse().unwrap())),
                None => format!("'{}'", at(what.parse().unwrap()).to_rfc3339()),
            });
            rest = &from[end + 1..];
        }
        written + rest
    }

    fn written_id(&self, id: Uuid) -> String {
        match self.database.reader().get_database_backend() {
            DbBackend::Postgres => format!("'{id}'"),
            _ => format!("x'{}'", id.simple()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some((beside, name)) = self.beside.take() else { return };
        // On a runtime of its own: that of the test is about to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(admin(&beside, &[format!("DROP DATABASE {name} WITH (FORCE)")]));
        });
        // A test that has failed already says more than a database that stays.
        let _ = dropping.join();
    }
}

async fn admin(url: &str, statements: &[String]) {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1);
    let admin = sea_orm::Database::connect(options).await.unwrap();
    for statement in statements {
        admin.execute_unprepared(statement).await.unwrap();
    }
    admin.close().await.unwrap();
}
