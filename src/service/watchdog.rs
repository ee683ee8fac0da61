//! Compares what this process shows with the database, for there are other processes, and what they tell of their
//! commits may get lost: with Redis, or with a process that dies between its commit and its telling. So what
//! fans see never rests on the telling (rule 20); the telling only makes it fast.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::TimeDelta;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    domain::id::SeriesId,
    service::{Failure, rooms::Rooms, seat_maps::SeatMaps},
    store::Database,
};

/// How often. A change that nobody told of is seen by the next look and shown by the one after, which is to be
/// within a second (rule 20).
const LOOK: TimeDelta = TimeDelta::milliseconds(300);
const _: () = assert!(2 * LOOK.num_milliseconds() < 1_000, "rule 20");

/// How often series are looked for that others have created.
const KEEP: TimeDelta = TimeDelta::seconds(3);

/// Series of one query.
const ROWS: usize = 10_000;

pub(super) struct Watchdog {
    database: Database,
    clock: Clock,
    maps: Arc<SeatMaps>,
    rooms: Arc<Rooms>,
    /// Whether something was missed since the last look.
    missed: AtomicBool,
    look: Notify,
    keep: Notify,
}

impl Watchdog {
    pub(super) fn new(database: Database, clock: Clock, maps: Arc<SeatMaps>, rooms: Arc<Rooms>) -> Self {
        let (missed, look, keep) = (AtomicBool::new(false), Notify::new(), Notify::new());
        Self { database, clock, maps, rooms, missed, look, keep }
    }

    /// Something may not have been heard: whatever is behind now will stay so.
    pub(super) fn something_was_missed(&self) {
        self.missed.store(true, Ordering::SeqCst);
        self.look.notify_one();
        self.keep.notify_one();
    }

    /// The row of some series is to be looked at.
    pub(super) fn rows_changed(&self) {
        self.look.notify_one();
    }

    /// There is a series that this process does not know yet.
    pub(super) fn series_created(&self) {
        self.keep.notify_one();
    }

    /// Compares what is shown with the database, until the house closes.
    pub(super) async fn look(self: Arc<Self>, stop: CancellationToken) {
        let (mut next, mut away) = (self.clock.now(), false);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.look.notified() => {}
                () = self.clock.sleep_until(next) => {}
            }
            // Whoever is behind has a whole period to catch up, whatever else there is to look at meanwhile.
            let in_turn = next <= self.clock.now();
            let missed = self.missed.swap(false, Ordering::SeqCst);
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.compare(in_turn, missed) => looked,
            };
            if in_turn {
                // Counted from the end, so that a slow database is not asked without a rest.
                next = self.clock.now() + LOOK;
            }
            if let Err(error) = &looked {
                // To be made up for as soon as the database answers.
                self.missed.fetch_or(missed, Ordering::SeqCst);
                if !away {
                    tracing::warn!(?error, "other processes cannot be followed");
                }
            }
            away = looked.is_err();
        }
    }

    async fn compare(&self, in_turn: bool, missed: bool) -> Result<(), Failure> {
        let maps: BTreeSet<SeriesId> = self.maps.in_use().into_iter().collect();
        let series: Vec<_> =
            maps.iter().copied().chain(self.rooms.in_use()).collect::<BTreeSet<_>>().into_iter().collect();
        for series in series.chunks(ROWS) {
            for (id, row) in self.database.series_by_id(series).await? {
                self.rooms.series_changed(&row);
                if (in_turn || missed) && maps.contains(&id) {
                    self.maps.compare(id, row.version, missed).await?;
                }
            }
        }
        Ok(())
    }

    /// Keeps the room of every series, until the house closes: whichever process lives on makes the draw at the
    /// opening and ends what is out of time.
    pub(super) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let mut away = false;
        loop {
            let kept = tokio::select! {
                () = stop.cancelled() => return,
                kept = self.keep_rooms() => kept,
            };
            if let Err(error) = &kept
                && !away
            {
                tracing::warn!(?error, "a waiting room cannot be kept");
            }
            away = kept.is_err();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.keep.notified() => {}
                () = self.clock.sleep(KEEP) => {}
            }
        }
    }

    async fn keep_rooms(&self) -> Result<(), Failure> {
        let waited_for = self.database.series_with_live_places().await?;
        let not_over = self.database.series_not_over(self.clock.now()).await?;
        let mut kept = Ok(());
        for id in waited_for.into_iter().chain(not_over) {
            // One that cannot be kept must not cost the others theirs.
            kept = kept.and(match self.rooms.of(id).await {
                // Its row cannot be read, which is told elsewhere.
                Ok(_) | Err(Failure::NotFound(_)) => Ok(()),
                Err(failure) => Err(failure),
            });
        }
        kept
    }
}
