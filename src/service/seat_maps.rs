//! The seat maps of the series that somebody watches, kept in step with the commits.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, broadcast};

use crate::{
    clock::Clock,
    domain::{
        id::{SeatId, SeriesId},
        in_order::{InOrder, TooFarAhead},
        seat_map::{Applied, SeatList, SeatMap, Snapshot},
        text::SectionName,
    },
    service::{Failure, House},
    store::{Database, sale::SeatsChanged},
};

/// Changes that a slow watcher may be behind before it gets a snapshot instead (rule 21).
const BEHIND: usize = 64;

/// Changes of a series that are kept when they came ahead of one that another process has yet to tell of.
const AHEAD: usize = 256;

/// Maps that are read from the database at the same time: a large one takes a while, and the sale needs the database too.
const READS: usize = 1;

/// Seats of all maps together that nobody uses right now; beyond it those go that were not asked for the longest.
const UNUSED_SEATS: usize = 300_000;

/// What a watcher is told.
#[derive(Clone, Debug)]
pub enum SeatNews {
    /// Every seat. Shared by all who begin to watch at one version.
    All(Arc<Snapshot>),
    /// Those that changed.
    Changed {
        /// The version of the series.
        version: i32,
        /// The seats.
        seats: SeatList,
        /// How many can be held.
        available: usize,
    },
}

/// Every seat map that is in use.
#[derive(Debug)]
pub struct SeatMaps {
    database: Database,
    clock: Clock,
    /// How many changes may come ahead of others: none if there is one process, which tells in order.
    ahead: usize,
    maps: Mutex<HashMap<SeriesId, Arc<LiveMap>>>,
    reads: Semaphore,
    /// Counts how often a map was asked for: the time by which they grow old.
    asked: AtomicU64,
}

/// One series' seat map, and who watches it.
#[derive(Debug)]
struct LiveMap {
    kept: Mutex<Kept>,
    ahead: usize,
    /// Held by who loads the map, so that it is loaded once.
    loading: tokio::sync::Mutex<()>,
    /// `None`: something was missed, look at the map again.
    news: broadcast::Sender<Option<Arc<SeatNews>>>,
    /// When it was last asked for, by [`SeatMaps::asked`].
    asked: AtomicU64,
}

/// A map that is being loaded collects what is committed meanwhile.
#[derive(Debug)]
enum Kept {
    Loading(Vec<SeatsChanged>),
    Ready(Box<Ready>),
}

#[derive(Debug)]
struct Ready {
    map: SeatMap,
    order: InOrder<SeatsChanged>,
    /// The version that the database had when it was last looked at, if it was ahead of the map.
    awaited: Option<i32>,
    /// The last one that was taken: good as long as nothing has changed.
    snapshot: Option<Arc<Snapshot>>,
}

impl Ready {
    fn new(map: SeatMap, ahead: usize) -> Self {
        let order = InOrder::after(map.version(), ahead);
        Self { map, order, awaited: None, snapshot: None }
    }

    /// Every seat as it is now, shared with whoever asks while nothing changes.
    fn snapshot(&mut self, now: DateTime<Utc>) -> Arc<Snapshot> {
        let known = self.snapshot.as_ref();
        if let Some(known) = known.filter(|s| s.version == self.map.version() && s.holds_at(now)) {
            return Arc::clone(known);
        }
        let new = Arc::new(self.map.snapshot(now));
        self.snapshot = Some(Arc::clone(&new));
        new
    }

    /// Takes in a change, and calls `applied` after each that is next in turn.
    fn take_in(
        &mut self,
        changed: SeatsChanged,
        mut applied: impl FnMut(&SeatMap, &SeatsChanged),
    ) -> Result<(), TooFarAhead> {
        self.order.take_in(changed.version, changed)?;
        while let Some(next) = self.order.pop() {
            match self.map.apply(next.version, &next.seats) {
                Applied::Now => applied(&self.map, &next),
                Applied::Before => {}
                Applied::Gap => return Err(TooFarAhead),
            }
        }
        Ok(())
    }
}

impl SeatMaps {
    /// `shared`: other processes change seats too, and are heard of in any order.
    pub(super) fn new(database: Database, clock: Clock, shared: bool) -> Self {
        Self {
            database,
            clock,
            ahead: if shared { AHEAD } else { 0 },
            maps: Mutex::default(),
            reads: Semaphore::new(READS),
            asked: AtomicU64::default(),
        }
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
            // Never closed.
            let _turn = self.reads.acquire().await;
            let Some((version, seats)) = self.database.seat_map(series).await? else {
                self.lock().remove(&series);
                return Ok(None);
            };
            live.loaded(SeatMap::new(version, seats));
            self.let_unused_go();
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

    /// The series whose maps are in use.
    pub(super) fn in_use(&self) -> Vec<SeriesId> {
        self.lock().keys().copied().collect()
    }

    /// Lets go of the maps that no room and no watcher has.
    pub(super) fn retire(&self) {
        self.lock().retain(|_, live| !live.is_unused());
    }

    /// Lets maps go that nobody uses, if they are too many: whoever reads the seats of one past date after the other would
    /// fill the memory with them.
    fn let_unused_go(&self) {
        let mut maps = self.lock();
        let mut unused: Vec<_> = maps
            .iter()
            .filter(|(_, live)| live.is_unused())
            .map(|(id, live)| (live.asked.load(Ordering::Relaxed), *id, live.seats()))
            .collect();
        unused.sort_unstable();
        let mut seats: usize = unused.iter().map(|(_, _, seats)| seats).sum();
        for (_, id, less) in unused {
            if seats <= UNUSED_SEATS {
                break;
            }
            maps.remove(&id);
            seats -= less;
        }
    }

    /// Compares a map with the version that the database has. If it is behind, and was behind this far at the
    /// last look too, or `at_once`, it is loaded anew, and the watchers look again.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn compare(&self, series: SeriesId, version: i32, at_once: bool) -> Result<(), Failure> {
        let live = self.lock().get(&series).cloned();
        let Some(live) = live.filter(|live| live.is_behind(version, at_once)) else { return Ok(()) };
        let _loading = live.loading.lock().await;
        if let Some((version, seats)) = self.database.seat_map(series).await? {
            tracing::debug!(%series, version, "a seat map was behind");
            live.loaded(SeatMap::new(version, seats));
        }
        Ok(())
    }

    fn live(&self, series: SeriesId) -> Arc<LiveMap> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let new = || LiveMap {
            asked: AtomicU64::default(),
            kept: Mutex::new(Kept::Loading(Vec::new())),
            ahead: self.ahead,
            loading: tokio::sync::Mutex::default(),
            news: broadcast::Sender::new(BEHIND),
        };
        let live = Arc::clone(self.lock().entry(series).or_insert_with(|| Arc::new(new())));
        live.asked.store(asked, Ordering::Relaxed);
        live
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SeriesId, Arc<LiveMap>>> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveMap {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asked while nobody can come by another one: the map of maps is locked.
    fn is_unused(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && self.news.receiver_count() == 0
    }

    fn seats(&self) -> usize {
        match &*self.lock() {
            Kept::Loading(_) => 0,
            Kept::Ready(ready) => ready.map.len(),
        }
    }

    fn is_ready(&self) -> bool {
        matches!(*self.lock(), Kept::Ready(_))
    }

    /// Puts in a map that was just loaded, moved on by what was committed meanwhile; a gap leaves things as they
    /// are, to be loaded again.
    fn loaded(&self, map: SeatMap) {
        let mut kept = self.lock();
        let (meanwhile, replaced) = match &mut *kept {
            Kept::Loading(meanwhile) => (std::mem::take(meanwhile), false),
            // What was missing has come after all.
            Kept::Ready(known) if known.map.version() >= map.version() => return,
            Kept::Ready(known) => (known.order.ahead().cloned().collect(), true),
        };
        let mut ready = Ready::new(map, self.ahead);
        for changed in meanwhile {
            if ready.take_in(changed, |_, _| {}).is_err() {
                return;
            }
        }
        *kept = Kept::Ready(Box::new(ready));
        if replaced {
            self.look_again();
        }
    }

    fn take_in(&self, changed: &SeatsChanged, clock: &Clock) {
        let mut kept = self.lock();
        let ready = match &mut *kept {
            Kept::Loading(meanwhile) => return meanwhile.push(changed.clone()),
            Kept::Ready(ready) => ready,
        };
        let taken = ready.take_in(changed.clone(), |map, changed| {
            let now = clock.now();
            let (seats, available) = (map.look(&changed.seats, now), map.available(now));
            let news = SeatNews::Changed { version: changed.version, seats, available };
            // Nobody may be watching.
            let _ = self.news.send(Some(Arc::new(news)));
        });
        if taken.is_err() {
            let ahead = ready.order.ahead().cloned().chain([changed.clone()]).collect();
            *kept = Kept::Loading(ahead);
            self.look_again();
        }
    }

    fn look_again(&self) {
        // Nobody may be watching.
        let _ = self.news.send(None);
    }

    fn is_behind(&self, version: i32, at_once: bool) -> bool {
        let mut kept = self.lock();
        let Kept::Ready(ready) = &mut *kept else { return true };
        let known = ready.map.version();
        let lost = known < version && (at_once || ready.awaited.is_some_and(|awaited| known < awaited));
        ready.awaited = (known < version && !lost).then_some(version);
        lost
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
    fn with<T>(&self, look: impl FnOnce(&mut Ready, DateTime<Utc>) -> T) -> Option<T> {
        match &mut *self.live.lock() {
            Kept::Ready(ready) => Some(look(ready, self.clock.now())),
            Kept::Loading(_) => None,
        }
    }

    /// Every seat as it is now; `None` if the map has to be loaded anew: ask [`SeatMaps::of`] again.
    #[must_use]
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.with(Ready::snapshot)
    }

    /// Seats that can be held, are held, and are sold, right now.
    #[must_use]
    pub fn counts(&self) -> SeatCounts {
        let counts = self.with(|Ready { map, .. }, now| SeatCounts {
            available: map.available(now),
            held: map.held(now),
            reserved: map.reserved(),
            revenue: map.revenue(),
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
        self.with(|ready, now| ready.map.best(count, section, now, spoken_for))?
    }

    /// See [`SeatMap::section`].
    #[must_use]
    pub fn section(&self, name: &SectionName) -> Option<Arc<str>> {
        self.with(|ready, _| ready.map.section(name))?
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
        self.with(|ready, now| {
            // Subscribed under the lock of the map: nothing is missed in between, and nothing comes twice.
            let news = self.live.news.subscribe();
            let first = match since.and_then(|since| ready.map.since(since, now)) {
                Some(seats) => SeatNews::Changed {
                    version: ready.map.version(),
                    seats,
                    available: ready.map.available(now),
                },
                None => SeatNews::All(ready.snapshot(now)),
            };
            SeatWatch { first, news }
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
    /// Points taken for those.
    pub revenue: i64,
}

impl House {
    /// Every seat of a series as it is now, from memory.
    ///
    /// # Errors
    /// NOT_FOUND without the series, or if the database fails.
    pub async fn seats(&self, series: SeriesId) -> Result<Arc<Snapshot>, Failure> {
        loop {
            let seats = self.maps.of(series).await?.ok_or_else(|| Failure::not_found("date"))?;
            if let Some(snapshot) = seats.snapshot() {
                return Ok(snapshot);
            }
        }
    }

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
