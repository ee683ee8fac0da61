//! Everything that runs behind one front door.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{Clock, Dice},
    service::{Failure, committer::Committer, identity::Keys, rooms::Rooms, seat_maps::SeatMaps, sweeper},
    store::Database,
};

/// What the operator decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// `issueToken` takes `userId` from anybody (the demo).
    pub open_identities: bool,
    /// Fans may charge their own wallets.
    pub self_service_charging: bool,
}

/// The use cases over one database, and what runs in the background for them.
#[derive(Debug)]
pub struct House {
    pub(super) clock: Clock,
    pub(super) dice: Dice,
    pub(super) database: Database,
    pub(super) keys: Keys,
    pub(super) settings: Settings,
    pub(super) maps: Arc<SeatMaps>,
    pub(super) rooms: Arc<Rooms>,
    pub(super) committer: Committer,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl House {
    /// Starts what runs in the background, and rebuilds the waiting rooms from their journal: everyone in them
    /// has a full heartbeat timeout from now on (rule 9).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open(
        database: Database,
        keys: Keys,
        settings: Settings,
        clock: Clock,
        dice: Dice,
    ) -> Result<Arc<Self>, Failure> {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let maps = Arc::new(SeatMaps::new(database.clone(), clock.clone()));
        let rooms = Rooms::new(database.clone(), clock.clone(), Arc::clone(&maps), tasks.clone());
        let committer = Committer::start(
            database.clone(),
            clock.clone(),
            dice.clone(),
            Arc::clone(&maps),
            Arc::clone(&rooms),
            &tasks,
        );
        rooms.set_committer(committer.clone());
        for series in database.series_with_live_places().await? {
            rooms.of(series).await?;
        }
        tasks.spawn(sweeper::run(database.clone(), clock.clone(), committer.clone(), stop.clone()));
        Ok(Arc::new(Self { clock, dice, database, keys, settings, maps, rooms, committer, stop, tasks }))
    }

    /// Finishes what was accepted, then ends the background tasks and closes the database. Commands that come
    /// later are answered as unavailable.
    ///
    /// # Errors
    /// If the database cannot be closed in order.
    pub async fn close(&self) -> Result<(), Failure> {
        self.stop.cancel();
        self.rooms.close();
        self.committer.close();
        self.tasks.close();
        self.tasks.wait().await;
        Ok(self.database.close().await?)
    }

    /// Whether the stores answer.
    ///
    /// # Errors
    /// If one does not.
    pub async fn ready(&self) -> Result<(), Failure> {
        Ok(self.database.ping().await?)
    }

    /// The clock of the house.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The dice of the house.
    #[must_use]
    pub fn dice(&self) -> &Dice {
        &self.dice
    }

    /// The database, for batched reads.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}
