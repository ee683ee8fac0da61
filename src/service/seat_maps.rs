//! The seat maps of the series that somebody watches, kept in step with the commits.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use crate::{
    clock::Clock,
    domain::{
        id::{SeatId, SeriesId},
        seat_map::{Applied, SeatMap, SeenSeat},
    },
    service::{Failure, House},
    store::{Database, sale::SeatsChanged},
};

/// Changes that a slow watcher may be behind before it gets a snapshot instead (rule 21).
const BEHIND: usize = 64;

/// What a watcher is told.
#[derive(Clone, Debug)]
pub struct SeatNews {
    /// The version of the series.
    pub version: i32,
    /// Whether these are all seats, or those that changed.
    pub snapshot: bool,
    /// The seats.
    pub seats: Vec<SeenSeat>,
    /// How many can be held.
    pub available: usize,
}

/// Every seat map that is in use.
#[derive(Debug)]
pub struct SeatMaps {
    database: Database,
    clock: Clock,
    maps: Mutex<HashMap<SeriesId, Arc<LiveMap>>>,
}

/// One series' seat map, and who watches it.
#[derive(Debug)]
struct LiveMap {
    kept: Mutex<Kept>,
    /// Held by who loads the map, so that it is loaded once.
    loading: tokio::sync::Mutex<()>,
    /// `None`: something was missed, look at the map again.
    news: broadcast::Sender<Option<Arc<SeatNews>>>,
}

/// A map that is being loaded collects what is committed meanwhile.
#[derive(Debug)]
enum Kept {
    Loading(Vec<SeatsChanged>),
    Ready(SeatMap),
}

impl SeatMaps {
    pub(super) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, maps: Mutex::default() }
    }

    /// The map of a series; `None` if there is no such series.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn of(&self, series: SeriesId) -> Result<Option<SeatsOf>, Failure> {
        let live = self.live(series);
        while !live.is_ready() {
            let _loading = live.loading.lock().await;
            if live.is_ready() {
                break;
            }
            let Some((version, seats)) = self.database.seat_map(series).await? else {
                self.lock().remove(&series);
                return Ok(None);
            };
            live.loaded(SeatMap::new(version, seats));
        }
        Ok(Some(SeatsOf { live, clock: self.clock.clone() }))
    }

    /// Takes in what a commit changed, and tells the watchers.
    pub(super) fn seats_changed(&self, changed: &SeatsChanged) {
        let live = self.lock().get(&changed.series).cloned();
        if let Some(live) = live {
            live.take_in(changed, &self.clock);
        }
    }

    fn live(&self, series: SeriesId) -> Arc<LiveMap> {
        let new = || LiveMap {
            kept: Mutex::new(Kept::Loading(Vec::new())),
            loading: tokio::sync::Mutex::default(),
            news: broadcast::Sender::new(BEHIND),
        };
        Arc::clone(self.lock().entry(series).or_insert_with(|| Arc::new(new())))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SeriesId, Arc<LiveMap>>> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveMap {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_ready(&self) -> bool {
        matches!(*self.lock(), Kept::Ready(_))
    }

    /// Moves a map that was just loaded on by what was committed meanwhile; a gap leaves it to be loaded again.
    fn loaded(&self, mut map: SeatMap) {
        let mut kept = self.lock();
        let Kept::Loading(meanwhile) = &mut *kept else { return };
        for changed in std::mem::take(meanwhile) {
            if map.apply(changed.version, &changed.seats) == Applied::Gap {
                return;
            }
        }
        *kept = Kept::Ready(map);
    }

    fn take_in(&self, changed: &SeatsChanged, clock: &Clock) {
        let mut kept = self.lock();
        let map = match &mut *kept {
            Kept::Loading(meanwhile) => return meanwhile.push(changed.clone()),
            Kept::Ready(map) => map,
        };
        match map.apply(changed.version, &changed.seats) {
            Applied::Before => {}
            Applied::Gap => {
                *kept = Kept::Loading(vec![changed.clone()]);
                // Nobody may be watching.
                let _ = self.news.send(None);
            }
            Applied::Now => {
                let now = clock.now();
                let (seats, available) = (map.look(&changed.seats, now), map.available(now));
                let news = SeatNews { version: changed.version, snapshot: false, seats, available };
                let _ = self.news.send(Some(Arc::new(news)));
            }
        }
    }
}

/// The seats of one series, to look at and to watch.
#[derive(Clone, Debug)]
pub struct SeatsOf {
    live: Arc<LiveMap>,
    clock: Clock,
}

/// What [`SeatsOf::watch`] gives: what is so now, and what comes.
#[derive(Debug)]
pub struct SeatWatch {
    /// A snapshot, or what changed since the version that the watcher knew.
    pub first: SeatNews,
    /// What comes; `None` or a lag means that something was missed.
    pub news: broadcast::Receiver<Option<Arc<SeatNews>>>,
}

impl SeatsOf {
    fn with<T>(&self, look: impl FnOnce(&SeatMap, DateTime<Utc>) -> T) -> Option<T> {
        match &*self.live.lock() {
            Kept::Ready(map) => Some(look(map, self.clock.now())),
            Kept::Loading(_) => None,
        }
    }

    /// Seats that can be held, are held, and are sold, right now.
    #[must_use]
    pub fn counts(&self) -> SeatCounts {
        let counts = self.with(|map, now| SeatCounts {
            available: map.available(now),
            held: map.held(now),
            reserved: map.reserved(),
        });
        counts.unwrap_or_default()
    }

    /// See [`SeatMap::best`].
    #[must_use]
    pub fn best(
        &self,
        count: usize,
        section: Option<&str>,
        spoken_for: &HashSet<SeatId>,
    ) -> Option<Vec<SeatId>> {
        self.with(|map, now| map.best(count, section, now, spoken_for))?
    }

    /// See [`SeatMap::has_section`].
    #[must_use]
    pub fn has_section(&self, name: &str) -> bool {
        self.with(|map, _| map.has_section(name)).unwrap_or_default()
    }

    /// What comes, for somebody who wants to know only that there is something.
    #[must_use]
    pub fn news(&self) -> broadcast::Receiver<Option<Arc<SeatNews>>> {
        self.live.news.subscribe()
    }

    /// Begins to watch; `since` is the version that the watcher knows, if any. `None` if the map has to be
    /// loaded anew: ask [`SeatMaps::of`] again.
    #[must_use]
    pub fn watch(&self, since: Option<i32>) -> Option<SeatWatch> {
        self.with(|map, now| {
            // Subscribed under the lock of the map: nothing is missed in between, and nothing comes twice.
            let news = self.live.news.subscribe();
            let (version, available) = (map.version(), map.available(now));
            let changed = since.and_then(|since| map.since(since, now));
            let snapshot = changed.is_none();
            let seats = changed.unwrap_or_else(|| map.snapshot(now));
            SeatWatch { first: SeatNews { version, snapshot, seats, available }, news }
        })
    }
}

/// How many seats are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeatCounts {
    /// Can be held.
    pub available: usize,
    /// Somebody is choosing them.
    pub held: usize,
    /// Sold.
    pub reserved: usize,
}

impl House {
    /// Begins to watch the seats of a series; `since` is the version that the watcher knows, if any.
    ///
    /// # Errors
    /// NOT_FOUND without the series, or if the database fails.
    pub async fn watch_seats(&self, series: SeriesId, since: Option<i32>) -> Result<SeatWatch, Failure> {
        loop {
            let seats = self.maps.of(series).await?.ok_or_else(|| Failure::not_found("date"))?;
            if let Some(watch) = seats.watch(since) {
                return Ok(watch);
            }
        }
    }
}
