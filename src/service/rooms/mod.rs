//! The waiting rooms of this process: each a [`domain::room`](crate::domain::room) in memory, with a keeper
//! that journals what happens before anyone hears of it.

mod keeper;
mod live_room;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    domain::{catalog::Series, id::SeriesId},
    service::{Failure, committer::Committer, seat_maps::SeatMaps},
    store::{
        Database,
        sale::{PassChange, PassChanged, SeatsChanged},
    },
};

pub use live_room::{LiveRoom, Seen, Stream};

/// Every waiting room that is in use.
#[derive(Debug)]
pub struct Rooms {
    database: Database,
    clock: Clock,
    maps: Arc<SeatMaps>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Set right after both are made: the rooms need the committer and it needs them.
    committer: OnceLock<Committer>,
    rooms: Mutex<HashMap<SeriesId, Arc<LiveRoom>>>,
    /// Held by who rebuilds a room, so that no room is rebuilt twice.
    opening: tokio::sync::Mutex<()>,
}

impl Rooms {
    pub(super) fn new(
        database: Database,
        clock: Clock,
        maps: Arc<SeatMaps>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            database,
            clock,
            maps,
            tasks,
            stop: CancellationToken::new(),
            committer: OnceLock::new(),
            rooms: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn set_committer(&self, committer: Committer) {
        // Set once, by the house that made both.
        let _ = self.committer.set(committer);
    }

    /// The room of a series, rebuilt from its journal if it is not in use yet.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there is no such series, or if the database fails.
    pub async fn of(&self, series: SeriesId) -> Result<Arc<LiveRoom>, Failure> {
        if let Some(room) = self.get(series) {
            return Ok(room);
        }
        let _opening = self.opening.lock().await;
        if let Some(room) = self.get(series) {
            return Ok(room);
        }
        let committer = self.committer.get().cloned().ok_or(Failure::Unavailable)?;
        let seats = self.maps.of(series).await?.ok_or_else(|| Failure::not_found("date"))?;
        let room = self.database.restore_room(series, self.clock.now()).await?;
        let room = room.ok_or_else(|| Failure::not_found("date"))?;
        let (live, asks) = LiveRoom::new(series, room, seats, self.clock.clone());
        let live = Arc::new(live);
        self.lock().insert(series, Arc::clone(&live));
        let keeper =
            keeper::Keeper::new(Arc::clone(&live), self.database.clone(), committer, self.clock.clone());
        self.tasks.spawn(keeper.run(asks, self.stop.clone()));
        Ok(live)
    }

    /// The room of a series, if it is in use.
    #[must_use]
    pub fn get(&self, series: SeriesId) -> Option<Arc<LiveRoom>> {
        self.lock().get(&series).cloned()
    }

    /// The series whose rooms are in use.
    pub(super) fn in_use(&self) -> Vec<SeriesId> {
        self.lock().keys().copied().collect()
    }

    /// Takes in what the sale did to an admitted place.
    pub(super) fn pass_changed(&self, changed: &PassChanged) {
        let Some(room) = self.get(changed.series) else { return };
        match changed.change {
            PassChange::Ended(_) => room.ended(changed.token),
            PassChange::Pinned(until) => room.pin(changed.token, until),
        }
    }

    /// Takes in whether every seat is sold now.
    pub(super) fn seats_changed(&self, changed: &SeatsChanged) {
        if let Some(room) = self.get(changed.series) {
            room.seats_changed(changed.version, changed.sold_out);
        }
    }

    /// Takes in what the row of a series says.
    pub(super) fn series_changed(&self, series: &Series) {
        if let Some(room) = self.get(series.id) {
            room.series_changed(series);
        }
    }

    /// Ends the keepers, after what they are journaling.
    pub(super) fn close(&self) {
        self.stop.cancel();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SeriesId, Arc<LiveRoom>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
