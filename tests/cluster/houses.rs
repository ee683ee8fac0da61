//! Several houses, each with its own connections and its own order of things, as so many processes have them, over
//! one database and without Redis: whoever wants to know what another has done looks into the log.

use std::sync::Arc;

use chrono::TimeDelta;
use frontrow::{
    clock::{Clock, Entropy},
    domain::{
        catalog::{NewSection, Schedule, SeriesPlan},
        id::{ReservationId, SeatId, SeriesId, UserId},
        identity::{Caller, Role},
        page::Page,
        policy::PolicyPatch,
        text::{IdempotencyKey, PersonName, Title},
    },
    service::{Services, Settings, identity::Keys},
    store::{Database, audit},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use test_support::{FreshDatabase, postgres_url};

pub(crate) struct Houses {
    pub(crate) each: Vec<Arc<Services>>,
    pub(crate) fresh: FreshDatabase,
    /// Another database of the same PostgreSQL.
    beside: String,
}

/// A date on sale, for which everybody is admitted at once.
pub(crate) struct Date {
    pub(crate) id: SeriesId,
    pub(crate) seats: Vec<SeatId>,
    pub(crate) price: i32,
}

impl Houses {
    pub(crate) async fn open(count: usize) -> Self {
        Self::beside(postgres_url(), count).await
    }

    /// In a new database beside this one.
    pub(crate) async fn beside(beside: String, count: usize) -> Self {
        let fresh = FreshDatabase::beside(&beside).await;
        let mut each = Vec::new();
        for _ in 0..count {
            each.push(Self::house(&fresh.url).await);
        }
        Self { each, fresh, beside }
    }

    pub(crate) async fn house(url: &str) -> Arc<Services> {
        let database = Database::connect(url).await.unwrap();
        database.migrate().await.unwrap();
        let settings = Settings { self_service_charging: true, ..Settings::default() };
        let keys = Keys::new(&[7; 32]);
        Services::open(database, None, keys, settings, Clock::system(), Entropy::system()).await.unwrap()
    }

    pub(crate) fn database(&self) -> &Database {
        self.each[0].database()
    }

    /// One of them, by any number.
    pub(crate) fn any(&self, number: usize) -> &Arc<Services> {
        &self.each[number % self.each.len()]
    }

    /// A house of one row of so many seats at 100 points.
    pub(crate) async fn date(&self, seats: i32) -> Date {
        let (house, organizer, price) = (&self.each[0], caller("organizer", vec![Role::Organizer]), 100);
        let concert = house.create_concert(&organizer, Title::from_stored("Soundtracks")).await.unwrap();
        let day = |n| house.clock().now() + TimeDelta::days(n);
        let schedule =
            Schedule { start_at: day(3), end_at: day(4), reserve_start_at: day(-1), reserve_end_at: day(2) };
        let section = NewSection { name: "Floor".into(), rows: 1, cols: seats, price };
        let policy = PolicyPatch { max_active: Some(Some(10_000)), ..PolicyPatch::default() };
        let made = {
            let plan = SeriesPlan::try_new(schedule, Some(&[section]), policy).unwrap();
            house.create_series(&organizer, concert.id, plan).await
        };
        let id = made.unwrap().id;
        let seats = house.seats(id).await.unwrap().seats.iter().map(|(seat, _)| seat.id).collect();
        Date { id, seats, price }
    }

    /// Joins at one of them, by any number; returns once the fan has been let in.
    pub(crate) async fn join_at(&self, number: usize, fan: &Caller, date: &Date) {
        // The second join is answered when all that followed from the first has been done.
        for _ in 0..2 {
            self.any(number).join(None, fan.user.clone(), PersonName::none(), date.id).await.unwrap();
        }
    }

    /// The same at the first.
    pub(crate) async fn join(&self, fan: &Caller, date: &Date) {
        self.join_at(0, fan, date).await;
    }

    /// A ticket of the fan's.
    pub(crate) async fn ticket(&self, fan: &Caller) -> ReservationId {
        let page = Page { after: None, before: None, limit: 1, from_end: false };
        self.each[0].reservations(fan, fan.user.clone(), page).await.unwrap().items[0].1.id
    }

    /// How many deadlocks PostgreSQL has found in this database, once everybody has left it: sessions report
    /// when they end.
    async fn deadlocks(&self) -> i64 {
        let beside = sea_orm::Database::connect(&self.beside).await.unwrap();
        let name = self.fresh.url.rsplit('/').next().unwrap().split('?').next().unwrap();
        let query = format!("SELECT deadlocks, numbackends FROM pg_stat_database WHERE datname = '{name}'");
        loop {
            let query = Statement::from_string(DbBackend::Postgres, query.clone());
            let row = beside.query_one_raw(query).await.unwrap().unwrap();
            let (deadlocks, sessions): (i64, i32) =
                (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
            if sessions == 0 {
                return deadlocks;
            }
        }
    }

    /// Closes the houses: the books must be in order, and nobody may have waited for another in a circle.
    pub(crate) async fn close_in_order(self) {
        assert_eq!(self.close().await, 0);
    }

    /// Closes the houses: the books must be in order. How many deadlocks there were.
    pub(crate) async fn close(self) -> i64 {
        assert_eq!(audit::audit(self.database()).await.unwrap(), Vec::<String>::new());
        for house in &self.each {
            house.close().await.unwrap();
        }
        self.deadlocks().await
    }
}

pub(crate) fn caller(user: &str, roles: Vec<Role>) -> Caller {
    Caller { user: UserId::try_new(user).unwrap(), name: PersonName::none(), roles, pass: None }
}

/// An idempotency key.
pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::from_stored(text)
}

pub(crate) fn fan(number: usize) -> Caller {
    caller(&format!("fan{number}"), Vec::new())
}
