//! What those are told who watch the seats of a date: what changed since a version, or all seats anew. That something has
//! changed is a number; what, each looks up for a while at once.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::domain::seat_map::{SeatList, SeatMap, Snapshot};

/// What a watcher is told.
#[derive(Clone, Debug)]
pub enum SeatNews {
    /// Every seat. Shared by all who begin to watch at one version.
    All(Arc<Snapshot>),
    /// Those that changed.
    Changed {
        /// The version after which they changed.
        since: i32,
        /// The version of the seats.
        version: i32,
        /// The seats.
        seats: SeatList,
        /// How many can be held.
        available: usize,
    },
}

impl SeatNews {
    /// The version of the seats.
    #[must_use]
    pub fn version(&self) -> i32 {
        match self {
            Self::All(all) => all.version,
            Self::Changed { version, .. } => *version,
        }
    }
}

/// What somebody gets who begins to watch: what is so now, and the version whenever it is another.
#[derive(Debug)]
pub struct SeatWatch {
    /// A snapshot, or what changed since the version that the watcher knew.
    pub first: SeatNews,
    /// The version.
    pub versions: watch::Receiver<i32>,
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

impl SeatCounts {
    /// Right now.
    #[must_use]
    pub fn of(seats: &SeatMap, now: DateTime<Utc>) -> Self {
        Self {
            available: seats.available(now),
            held: seats.held(now),
            reserved: seats.reserved(),
            revenue: seats.revenue(),
        }
    }
}

/// Who watches the seats of a date.
#[derive(Debug)]
pub(super) struct SeatWatchers {
    version: watch::Sender<i32>,
    /// The last one that was taken: good as long as nothing has changed.
    snapshot: Mutex<Option<Arc<Snapshot>>>,
}

impl SeatWatchers {
    pub(super) fn new(seats: &SeatMap) -> Self {
        Self { version: watch::Sender::new(seats.version()), snapshot: Mutex::default() }
    }

    /// Tells the version. Called while nobody can change the seats.
    pub(super) fn tell(&self, seats: &SeatMap) {
        let version = seats.version();
        self.version.send_if_modified(|known| std::mem::replace(known, version) != version);
    }

    /// Begins to watch.
    pub(super) fn watch(&self, seats: &SeatMap, since: Option<i32>, now: DateTime<Utc>) -> SeatWatch {
        SeatWatch { first: self.since(seats, since, now), versions: self.version.subscribe() }
    }

    /// What changed since then, or everything where that is not known.
    fn since(&self, seats: &SeatMap, since: Option<i32>, now: DateTime<Utc>) -> SeatNews {
        match since.and_then(|since| Some((since, seats.since(since, now)?))) {
            Some((since, changed)) => SeatNews::Changed {
                since,
                version: seats.version(),
                seats: changed,
                available: seats.available(now),
            },
            None => SeatNews::All(self.snapshot(seats, now)),
        }
    }

    /// The version, for somebody who wants to know only that there is something.
    pub(super) fn versions(&self) -> watch::Receiver<i32> {
        self.version.subscribe()
    }

    /// Every seat as it is now, shared with whoever asks while nothing changes.
    pub(super) fn snapshot(&self, seats: &SeatMap, now: DateTime<Utc>) -> Arc<Snapshot> {
        let mut known = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|s| s.version == seats.version() && s.holds_at(now)) {
            return Arc::clone(known);
        }
        let new = Arc::new(seats.snapshot(now));
        *known = Some(Arc::clone(&new));
        new
    }

    pub(super) fn is_watched(&self) -> bool {
        self.version.receiver_count() > 0
    }
}
