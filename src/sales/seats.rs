//! What those are told who watch the seats of a date: every change once a version, or all seats anew.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use crate::domain::seat_map::{SeatList, SeatMap, Snapshot};

/// Changes that a slow watcher may be behind before it gets a snapshot instead (rule 21).
const BEHIND: usize = 64;

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

/// What somebody gets who begins to watch: what is so now, and what comes.
#[derive(Debug)]
pub struct SeatWatch {
    /// A snapshot, or what changed since the version that the watcher knew.
    pub first: SeatNews,
    /// What comes; `None` or a lag means that something was missed.
    pub news: broadcast::Receiver<Option<Arc<SeatNews>>>,
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
    news: broadcast::Sender<Option<Arc<SeatNews>>>,
    /// The last one that was taken: good as long as nothing has changed.
    snapshot: Mutex<Option<Arc<Snapshot>>>,
}

impl Default for SeatWatchers {
    fn default() -> Self {
        Self { news: broadcast::Sender::new(BEHIND), snapshot: Mutex::default() }
    }
}

impl SeatWatchers {
    /// Tells what has changed after the version `before`. Called while nobody can change the seats.
    pub(super) fn tell(&self, seats: &SeatMap, before: i32, now: DateTime<Utc>) {
        let version = seats.version();
        if version == before || self.news.receiver_count() == 0 {
            return;
        }
        let changed = seats.since(before, now).map(|changed| {
            let available = seats.available(now);
            Arc::new(SeatNews::Changed { since: before, version, seats: changed, available })
        });
        // Nobody may be watching any more.
        let _ = self.news.send(changed);
    }

    /// Begins to watch. Called while nobody can change the seats, so that nothing comes between the first and the next.
    pub(super) fn watch(&self, seats: &SeatMap, since: Option<i32>, now: DateTime<Utc>) -> SeatWatch {
        let news = self.news.subscribe();
        let changed = since.and_then(|since| Some((since, seats.since(since, now)?)));
        let first = match changed {
            Some((since, changed)) => SeatNews::Changed {
                since,
                version: seats.version(),
                seats: changed,
                available: seats.available(now),
            },
            None => SeatNews::All(self.snapshot(seats, now)),
        };
        SeatWatch { first, news }
    }

    /// What comes, for somebody who wants to know only that there is something.
    pub(super) fn news(&self) -> broadcast::Receiver<Option<Arc<SeatNews>>> {
        self.news.subscribe()
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
        self.news.receiver_count() > 0
    }
}
