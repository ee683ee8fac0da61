//! Compares what this process shows with the database, for there are other processes, and what they tell of their
//! commits may get lost: with Redis, or with a process that dies between its commit and its telling. So what
//! fans see never rests on the telling (rule 20); the telling only makes it fast.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
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
const PERIOD: TimeDelta = TimeDelta::milliseconds(400);

/// How often series are looked for that others have created.
const KEEP_PERIOD: TimeDelta = TimeDelta::seconds(3);

pub(super) struct Watchdog {
    database: Database,
    clock: Clock,
    maps: Arc<SeatMaps>,
    rooms: Arc<Rooms>,
    due: Mutex<Due>,
    wake: Notify,
}

/// What there is to do before its time.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    missed: bool,
    created: bool,
}

impl Watchdog {
    pub(super) fn new(database: Database, clock: Clock, maps: Arc<SeatMaps>, rooms: Arc<Rooms>) -> Self {
        Self { database, clock, maps, rooms, due: Mutex::default(), wake: Notify::new() }
    }

    /// Something may not have been heard: whatever is behind now will stay so.
    pub(super) fn something_was_missed(&self) {
        self.note(|due| *due = Due { missed: true, created: true });
    }

    /// The row of some series is to be looked at.
    pub(super) fn rows_changed(&self) {
        self.note(|_| {});
    }

    /// There is a series that this process does not know yet.
    pub(super) fn series_created(&self) {
        self.note(|due| due.created = true);
    }

    fn note(&self, change: impl FnOnce(&mut Due)) {
        change(&mut self.due.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (mut next_look, mut next_keep) = (self.clock.now(), self.clock.now());
        let mut away = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = self.clock.sleep_until(next_look) => {}
            }
            let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
            let now = self.clock.now();
            let seen = self.pass(due, next_look <= now, next_keep <= now).await;
            // Counted from the end, so that a slow database is not asked without a rest.
            let now = self.clock.now();
            if next_look <= now {
                next_look = now + PERIOD;
            }
            if next_keep <= now {
                next_keep = now + KEEP_PERIOD;
            }
            if let Err(error) = &seen {
                if due.missed || due.created {
                    // To be done as soon as the database answers.
                    self.due_again(due);
                }
                if !away {
                    tracing::warn!(?error, "other processes cannot be followed");
                }
            }
            away = seen.is_err();
        }
    }

    fn due_again(&self, undone: Due) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.missed |= undone.missed;
        due.created |= undone.created;
    }

    /// `look`: it is time to compare the seat maps; `keep`: it is time to look for new series.
    async fn pass(&self, due: Due, look: bool, keep: bool) -> Result<(), Failure> {
        if keep || due.created {
            self.keep_rooms(self.clock.now()).await?;
        }
        let maps = self.maps.in_use();
        let series: BTreeSet<SeriesId> = maps.iter().copied().chain(self.rooms.in_use()).collect();
        let rows = self.database.series_by_id(&series.into_iter().collect::<Vec<_>>()).await?;
        for row in rows.values() {
            self.rooms.series_changed(row);
        }
        if look || due.missed {
            for id in maps {
                if let Some(row) = rows.get(&id) {
                    self.maps.compare(id, row.version, due.missed).await?;
                }
            }
        }
        Ok(())
    }

    /// Whichever process lives on keeps every room: it makes the draw at the opening and ends what is out of time.
    async fn keep_rooms(&self, now: DateTime<Utc>) -> Result<(), Failure> {
        let waited_for = self.database.series_with_live_places().await?;
        let not_over = self.database.series_not_over(now).await?;
        for id in waited_for.into_iter().chain(not_over) {
            self.rooms.of(id).await?;
        }
        Ok(())
    }
}
