//! The waiting rooms: each a [`domain::room`] in the memory of this process or, where several
//! share it, a [`store::room`](crate::store::room) in Redis, with a keeper that journals what happens before anyone
//! hears of it.

mod followed;
mod keeper;
mod live_room;
mod memory;
mod news;
mod rebuilding;
pub(super) mod retiring;
mod settling;
mod shared;
mod shared_keeper;
mod stream;
mod vouching;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{Clock, Dice},
    domain::{
        catalog::Series,
        id::{SeriesId, TokenId, UserId},
    },
    service::{
        Failure,
        committer::Committer,
        seat_maps::{SeatMaps, SeatsOf},
    },
    store::{
        Database,
        redis::Redis,
        room::RedisRoom,
        sale::{PassChange, PassChanged, SeatsChanged},
    },
};

use self::{
    keeper::Keeper,
    memory::{Memory, Own},
    rebuilding::{Rebuild, rebuild},
    shared::Shared,
    shared_keeper::SharedKeeper,
    vouching::Vouching,
};

pub(super) use self::stream::Here;
pub use self::{
    live_room::{LiveRoom, Seen},
    stream::Stream,
};

/// A room and what ends its keeper.
#[derive(Debug)]
struct InUse {
    live: Arc<LiveRoom>,
    stop: CancellationToken,
}

/// Every waiting room that is in use.
#[derive(Debug)]
pub struct Rooms {
    database: Database,
    redis: Option<Redis>,
    clock: Clock,
    dice: Dice,
    maps: Arc<SeatMaps>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Set right after both are made: the rooms need the committer and it needs them.
    committer: OnceLock<Committer>,
    rooms: Mutex<HashMap<SeriesId, InUse>>,
    /// Held by who rebuilds a room, so that no room is rebuilt twice.
    opening: tokio::sync::Mutex<()>,
    /// How often that has failed.
    failed: AtomicU64,
}

impl Rooms {
    /// With `redis`, they are shared with other processes.
    pub(super) fn new(
        database: Database,
        redis: Option<Redis>,
        clock: Clock,
        dice: Dice,
        maps: Arc<SeatMaps>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let rooms = Arc::new(Self {
            database,
            redis,
            clock,
            dice,
            maps,
            tasks,
            stop: CancellationToken::new(),
            committer: OnceLock::new(),
            rooms: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            failed: AtomicU64::new(0),
        });
        if let Some(redis) = rooms.redis.clone() {
            rooms.tasks.spawn(news::listen(Arc::clone(&rooms), redis, rooms.stop.clone()));
        }
        rooms
    }

    pub(super) fn set_committer(&self, committer: Committer) {
        // Set once, by the house that made both.
        let _ = self.committer.set(committer);
    }

    /// The room of a series, rebuilt from its journal if it is not in use yet.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there is no such series, or if a store fails.
    pub async fn of(&self, series: SeriesId) -> Result<Arc<LiveRoom>, Failure> {
        if let Some(room) = self.get(series) {
            return Ok(room);
        }
        let failed = self.failed.load(Ordering::Acquire);
        let _opening = self.opening.lock().await;
        if let Some(room) = self.get(series) {
            return Ok(room);
        }
        // Those who have waited meanwhile do not each wait once more for a store that is away.
        if self.failed.load(Ordering::Acquire) != failed {
            return Err(Failure::Unavailable);
        }
        let opened = self.open(series).await;
        if matches!(opened, Err(Failure::Unavailable)) {
            self.failed.fetch_add(1, Ordering::AcqRel);
        }
        opened
    }

    async fn open(&self, series: SeriesId) -> Result<Arc<LiveRoom>, Failure> {
        let committer = self.committer.get().cloned().ok_or(Failure::Unavailable)?;
        let seats = self.maps.of(series).await?.ok_or_else(|| Failure::not_found("date"))?;
        let stop = self.stop.child_token();
        let live = match &self.redis {
            None => self.open_own(series, seats, committer, stop.clone()).await?,
            Some(redis) => self.open_shared(series, seats, committer, redis, stop.clone()).await?,
        };
        self.lock().insert(series, InUse { live: Arc::clone(&live), stop });
        Ok(live)
    }

    async fn open_own(
        &self,
        series: SeriesId,
        seats: SeatsOf,
        committer: Committer,
        stop: CancellationToken,
    ) -> Result<Arc<LiveRoom>, Failure> {
        let begun = self.clock.moment();
        let room = self.database.restore_room(series, begun.now).await?;
        let room = room.ok_or_else(|| Failure::not_found("date"))?;
        let own = Arc::new(Own::new(room, self.clock.clone(), begun));
        let memory = Memory::Own(Arc::clone(&own));
        let (live, asks) = LiveRoom::new(series, memory, seats, self.clock.clone());
        let (live, database, clock) = (Arc::new(live), self.database.clone(), self.clock.clone());
        let keeper = Keeper { live: Arc::clone(&live), own, database, committer, clock };
        self.tasks.spawn(keeper.run(asks, stop));
        Ok(live)
    }

    async fn open_shared(
        &self,
        id: SeriesId,
        seats: SeatsOf,
        committer: Committer,
        redis: &Redis,
        stop: CancellationToken,
    ) -> Result<Arc<LiveRoom>, Failure> {
        let series = self.database.find_series(id).await?.ok_or_else(|| Failure::not_found("date"))?;
        let room = RedisRoom::new(redis.clone(), self.clock.clone(), &series);
        rebuild(&room, &self.database, &self.dice, Rebuild::IfLost).await?;
        // Fans who were at a process that has ended and started anew were not heard meanwhile.
        room.everybody_was_away().await?;
        let (shared, looks) = Shared::new(room, &series);
        let shared = Arc::new(shared);
        let memory = Memory::Shared(Arc::clone(&shared));
        let (live, asks) = LiveRoom::new(id, memory, seats, self.clock.clone());
        let (live, database, dice) = (Arc::new(live), self.database.clone(), self.dice.clone());
        let vouching = Vouching::new(Arc::clone(&live), Arc::clone(&shared));
        self.tasks.spawn(Arc::clone(&vouching).run(stop.clone()));
        let keeper = SharedKeeper { live: Arc::clone(&live), shared, database, committer, dice, vouching };
        // Ends with the room: looks are answered until the last moment.
        tokio::spawn(looks.serve());
        self.tasks.spawn(keeper.run(asks, stop));
        // Nothing may have looked after the room for long.
        live.kick.notify_one();
        Ok(live)
    }

    /// The room of a series, if it is in use.
    #[must_use]
    pub fn get(&self, series: SeriesId) -> Option<Arc<LiveRoom>> {
        self.lock().get(&series).map(|used| Arc::clone(&used.live))
    }

    /// A user who asks about their place and names it but not its room: until what is returned is dropped they are here,
    /// because it is we who keep them waiting while the database is slow to say which room that is. Rooms that processes
    /// share are not looked through.
    pub(super) fn here(&self, token: TokenId, user: &UserId) -> Option<Here> {
        // Not with the lock held: a room may be busy deciding.
        self.all().into_iter().find_map(|room| Here::new(room, token, user))
    }

    /// Every room that is in use.
    fn all(&self) -> Vec<Arc<LiveRoom>> {
        self.lock().values().map(|used| Arc::clone(&used.live)).collect()
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

    fn lock(&self) -> MutexGuard<'_, HashMap<SeriesId, InUse>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
