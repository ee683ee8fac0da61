//! Everything that runs behind one front door.

use std::{path::PathBuf, sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{self, Clock, Dice},
    service::{
        Failure, building,
        census::Census,
        committer::Committer,
        draws::Draws,
        forgetting,
        identity::Keys,
        load::{self, Load},
        neighbours::Neighbours,
        rooms::{Rooms, retiring},
        seat_maps::SeatMaps,
        sweeper,
        watchdog::Watchdog,
    },
    store::{Database, building::OrganizerLimits, events::Events, redis::Redis},
};

/// How long the database may take to show that it is there: who asks has less patience than a request.
const PROBE: Duration = Duration::from_secs(3);

/// What the operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `issueToken` takes `userId` from anybody (the demo).
    pub open_identities: bool,
    /// Fans may charge their own wallets.
    pub self_service_charging: bool,
    /// What one organiser may create; `None` for no limits.
    pub organizer_limits: Option<OrganizerLimits>,
    /// How long an idempotency key is remembered (rule 17).
    pub key_age: TimeDelta,
    /// The folder of the published draws, made when the first is asked for; `None` for a temporary one.
    pub draws: Option<PathBuf>,
}

impl Default for Settings {
    /// What only an operator should allow is not, and nothing is limited.
    fn default() -> Self {
        Self {
            open_identities: false,
            self_service_charging: false,
            organizer_limits: None,
            key_age: TimeDelta::days(30),
            draws: None,
        }
    }
}

/// What answers, of a process that can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Whether Redis does; `None` where one process works alone.
    pub redis: Option<bool>,
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
    pub(super) census: Arc<Census>,
    pub(super) load: Arc<Load>,
    pub(super) rooms: Arc<Rooms>,
    pub(super) committer: Committer,
    pub(super) events: Events,
    pub(super) building: building::Queue,
    pub(super) draws: Arc<Draws>,
    redis: Option<Redis>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// How far ahead of the machine's clock a process goes on that finds what was made later: for so long somebody may have
/// set it back. Beyond that it was wrong, and only the ids go on.
const SET_BACK: TimeDelta = TimeDelta::minutes(5);

/// Whatever was made before comes before what is made from now on. Processes that share a database share its time.
async fn set_clocks(database: &Database, clock: &Clock, dice: &Dice) -> Result<(), Failure> {
    database.set_clock(clock).await?;
    let Some(latest) = database.latest_id().await? else { return Ok(()) };
    dice.go_on_after(latest);
    let made = clock::made(latest).unwrap_or_default();
    let ahead = made - clock.now();
    if ahead >= TimeDelta::seconds(1) {
        tracing::warn!(
            seconds = ahead.num_seconds(),
            "the machine's clock is behind what the database has seen"
        );
    }
    if ahead <= SET_BACK && clock.is_own() {
        clock.not_before(made);
    }
    Ok(())
}

impl House {
    /// Starts what runs in the background, and rebuilds the waiting rooms from their journal: everyone in them
    /// has a full heartbeat timeout from now on (rule 9). With `redis`, this is one of several processes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open(
        database: Database,
        redis: Option<Redis>,
        keys: Keys,
        settings: Settings,
        clock: Clock,
        dice: Dice,
    ) -> Result<Arc<Self>, Failure> {
        set_clocks(&database, &clock, &dice).await?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let events = match redis.clone() {
            None => Events::Local,
            Some(redis) => Events::redis(redis, dice.id(clock.now())),
        };
        let shared = events.is_shared();
        let census = Arc::new(Census::new(database.clone()));
        let maps = Arc::new(SeatMaps::new(database.clone(), clock.clone(), shared));
        let rooms = Rooms::new(
            database.clone(),
            redis.clone(),
            clock.clone(),
            dice.clone(),
            Arc::clone(&maps),
            tasks.clone(),
        );
        let committer = Committer::start(
            database.clone(),
            clock.clone(),
            dice.clone(),
            Arc::clone(&maps),
            Arc::clone(&rooms),
            events.clone(),
            &tasks,
        );
        rooms.set_committer(committer.clone());
        if !shared {
            building::give_up_all(&database, &clock).await?;
        }
        for series in database.series_with_live_places().await? {
            match rooms.of(series).await {
                // Whatever was due while nobody was there is done before anybody looks: a slot that was paid for at
                // the last moment is given away, say.
                Ok(room) => room.decided().await,
                // What is held can be paid meanwhile; the watchdog opens the rooms.
                Err(Failure::Unavailable) if shared => break,
                // Its row cannot be read: the other dates are sold.
                Err(Failure::NotFound(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        let load = Load::new(load::OPERATIONS);
        tasks.spawn(Arc::clone(&load).look(clock.clone(), stop.clone()));
        tasks.spawn(sweeper::run(database.clone(), clock.clone(), committer.clone(), shared, stop.clone()));
        tasks.spawn(building::clean(database.clone(), clock.clone(), stop.clone()));
        tasks.spawn(forgetting::run(database.clone(), clock.clone(), settings.key_age, stop.clone()));
        tasks.spawn(retiring::run(clock.clone(), Arc::clone(&rooms), Arc::clone(&maps), stop.clone()));
        if let Some(incoming) = events.subscribe() {
            let (maps, rooms) = (Arc::clone(&maps), Arc::clone(&rooms));
            let watchdog =
                Watchdog::new(database.clone(), clock.clone(), Arc::clone(&maps), Arc::clone(&rooms));
            let watchdog = Arc::new(watchdog);
            tasks.spawn(Arc::clone(&watchdog).look(stop.clone()));
            tasks.spawn(Arc::clone(&watchdog).keep(stop.clone()));
            let census = Arc::clone(&census);
            tasks.spawn(Neighbours { maps, rooms, census, watchdog }.listen(incoming, stop.clone()));
        }
        let draws = Draws::new(database.clone(), settings.draws.clone(), stop.clone(), tasks.clone());
        let house = Self {
            clock,
            dice,
            database,
            keys,
            settings,
            maps,
            census,
            load,
            rooms,
            committer,
            events,
            building: building::Queue::new(),
            draws,
            redis,
            stop,
            tasks,
        };
        Ok(Arc::new(house))
    }

    /// From now on fans can come in, and whoever does not may be silent. A task as theirs are: it gets its turn as late as
    /// they do.
    pub fn attend(&self) {
        let (clock, stop) = (self.clock.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(clock.attend()).await });
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
        self.events.close().await;
        Ok(self.database.close().await?)
    }

    /// Which stores answer. Without Redis nobody is admitted, but what is held can be paid, at this process as well as
    /// at any other: so that is told, and is no failure.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn ready(&self) -> Result<Ready, Failure> {
        let redis = async {
            match &self.redis {
                Some(redis) => Some(redis.ping().await.is_ok()),
                None => None,
            }
        };
        let database = tokio::time::timeout(PROBE, self.database.ping());
        let (database, redis) = tokio::join!(database, redis);
        database.map_err(|_| Failure::Unavailable)??;
        Ok(Ready { redis })
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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::{
        domain::{
            catalog::{Schedule, SeriesPlan},
            id::{SeriesId, TokenId, UserId},
            identity::{Caller, Role},
            policy::PolicyPatch,
            room::{Outcome, Status},
            text::{PersonName, Title},
        },
        service::rooms::Seen,
    };

    async fn open(url: &str) -> Arc<House> {
        let database = Database::connect(url).await.unwrap();
        database.migrate().await.unwrap();
        let clock = Clock::manual(DateTime::from_timestamp_millis(1_800_000_000_000).unwrap());
        House::open(database, None, Keys::new(&[7; 32]), Settings::default(), clock, Dice::seeded(1))
            .await
            .unwrap()
    }

    /// A date on sale that lets one fan in at a time.
    async fn one_at_a_time(house: &House) -> SeriesId {
        let user = UserId::from_stored("organizer");
        let organizer = Caller { user, name: PersonName::none(), roles: vec![Role::Organizer], pass: None };
        let concert = house.create_concert(&organizer, Title::from_stored("Restart")).await.unwrap();
        let day = |n| house.clock().now() + TimeDelta::days(n);
        let schedule =
            Schedule { start_at: day(3), end_at: day(4), reserve_start_at: day(0), reserve_end_at: day(2) };
        let policy = PolicyPatch { max_active: Some(Some(1)), ..PolicyPatch::default() };
        house
            .create_series(&organizer, concert.id, SeriesPlan::try_new(schedule, None, policy).unwrap())
            .await
            .unwrap()
            .id
    }

    async fn seen(house: &House, series: SeriesId, tokens: &[TokenId]) -> Vec<Option<Seen>> {
        let room = house.rooms.of(series).await.unwrap();
        room.decided().await;
        let mut seen = Vec::new();
        for token in tokens {
            seen.push(room.see(*token).await.unwrap());
        }
        seen
    }

    /// Rule 9.
    #[tokio::test]
    async fn a_restart_changes_nobodys_place() {
        let data = tempfile::tempdir().unwrap();
        let url = Database::embedded_url(data.path());
        let house = open(&url).await;
        let series = one_at_a_time(&house).await;
        let mut tokens = Vec::new();
        for fan in ["a", "b", "c", "d"] {
            tokens.push(
                house
                    .join(None, UserId::from_stored(fan), PersonName::none(), series)
                    .await
                    .unwrap()
                    .position
                    .token,
            );
        }
        let room = house.rooms.of(series).await.unwrap();
        assert_eq!(room.leave(tokens[1]).await.unwrap(), Outcome::Left);
        let before = seen(&house, series, &tokens).await;
        let places = |seen: &[Option<Seen>]| -> Vec<_> {
            let place = |seen: &Seen| {
                (seen.view.status, seen.view.position, seen.view.order.seq, seen.view.admitted_until)
            };
            seen.iter().map(|seen| seen.as_ref().map(place)).collect()
        };
        let status = |n: usize| before[n].map(|seen| (seen.view.status, seen.view.position));
        assert_eq!([status(0), status(1)], [Some((Status::Admitted, Some(0))), None]);
        assert_eq!(
            [status(2), status(3)],
            [Some((Status::Waiting, Some(1))), Some((Status::Waiting, Some(2)))]
        );
        house.close().await.unwrap();

        let house = open(&url).await;
        assert_eq!(places(&seen(&house, series, &tokens).await), places(&before));
        let last = house
            .join(None, UserId::from_stored("e"), PersonName::none(), series)
            .await
            .unwrap()
            .position
            .token;
        let last =
            seen(&house, series, &[last]).await[0].map(|seen| (seen.view.position, seen.view.order.seq));
        assert_eq!(last, Some((Some(3), 4)));
        house.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_room_of_a_past_date_is_let_go_unless_it_is_watched_and_can_be_opened_again() {
        let data = tempfile::tempdir().unwrap();
        let house = open(&Database::embedded_url(data.path())).await;
        let (series, watched) = (one_at_a_time(&house).await, one_at_a_time(&house).await);
        let token = TokenId(uuid::Uuid::nil());
        let stream = house.rooms.of(watched).await.unwrap().open_stream(token);
        // Each keeper has the seats of its room until it has ended.
        let come_to = async |in_use: usize| {
            loop {
                house.rooms.retire();
                house.maps.retire();
                if [house.rooms.in_use().len(), house.maps.in_use().len()] == [in_use; 2] {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        house.clock().advance(TimeDelta::days(3));
        house.rooms.retire();
        assert_eq!(house.rooms.in_use().len(), 2);
        house.clock().advance(TimeDelta::hours(1));
        come_to(1).await;
        assert_eq!(house.rooms.in_use(), [watched]);
        drop(stream);
        come_to(0).await;
        let room = house.rooms.of(series).await.unwrap();
        let late = room.join(TokenId(uuid::Uuid::max()), UserId::from_stored("late"), String::new()).await;
        assert_eq!(late.unwrap(), Outcome::Closed);
        house.close().await.unwrap();
    }
}
