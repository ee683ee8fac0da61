//! Everything that runs behind one front door.

use std::{path::PathBuf, sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{self, Clock, Entropy},
    sales::{News, NoNews, Parts, Peers, news::RedisNews, versions::Versions},
    service::{
        Failure, Journal, Sales, building,
        census::Census,
        draws::Draws,
        forgetting,
        identity::Keys,
        load::{self, Load},
        peers,
    },
    store::{Database, building::OrganizerLimits, redis::Redis},
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
    /// How much memory the dates in use may take together, in bytes.
    pub dates_memory: usize,
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
            dates_memory: 2 << 30,
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
pub struct Services {
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) database: Database,
    pub(super) keys: Keys,
    pub(super) settings: Settings,
    pub(super) census: Arc<Census>,
    pub(super) load: Arc<Load>,
    pub(super) sales: Arc<Sales>,
    news: Option<Arc<RedisNews>>,
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
async fn set_clocks(database: &Database, clock: &Clock, entropy: &Entropy) -> Result<(), Failure> {
    database.set_clock(clock).await?;
    let Some(latest) = database.latest_id().await? else { return Ok(()) };
    entropy.go_on_after(latest);
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

/// Opens every date that somebody waits for or chooses seats of, so that those who have gone are noticed. Who comes back
/// meanwhile opens it.
async fn serve_who_waits(database: Database, sales: Arc<Sales>) {
    let dates = match database.series_with_live_places().await {
        Ok(dates) => dates,
        Err(error) => {
            tracing::warn!(%error, "dates that somebody waits for are not found; they are opened when somebody asks");
            return;
        }
    };
    for date in dates {
        if let Err(fault) = sales.of(date).await {
            tracing::warn!(?fault, %date, "a date cannot be opened; it is tried again when somebody asks");
        }
    }
}

impl Services {
    /// Starts what runs in the background. Everybody who waits has a full heartbeat timeout from now on (rule 9). Over
    /// PostgreSQL this may be one of several processes; with `redis` they hear of each other sooner.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open(
        database: Database,
        redis: Option<Redis>,
        keys: Keys,
        settings: Settings,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Arc<Self>, Failure> {
        set_clocks(&database, &clock, &entropy).await?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let me = entropy.id(clock.now());
        let redis_news = redis.clone().map(|redis| Arc::new(RedisNews::new(redis, me)));
        let news: Arc<dyn News> = match &redis_news {
            Some(news) => Arc::<RedisNews>::clone(news),
            None => Arc::new(NoNews),
        };
        let shared = database.is_shared();
        let parts = Parts {
            journal: Journal::new(database.clone(), clock.clone()),
            clock: clock.clone(),
            entropy: entropy.clone(),
            news,
            shared,
            peers: Peers::new(me),
            versions: Arc::new(Versions::new(shared)),
        };
        let sales = Sales::start(parts, settings.dates_memory, tasks.clone());
        if !shared {
            building::give_up_all(&database, &clock).await?;
        }
        let census = Arc::new(Census::new(database.clone()));
        let load = Load::new(load::OPERATIONS);
        tasks.spawn(Arc::clone(&load).look(clock.clone(), stop.clone()));
        tasks.spawn(Arc::clone(&sales).wake_what_is_due(shared));
        tasks.spawn(Arc::clone(&sales).prune());
        tasks.spawn(building::clean(database.clone(), clock.clone(), stop.clone()));
        tasks.spawn(forgetting::run(database.clone(), clock.clone(), settings.key_age, stop.clone()));
        tasks.spawn(serve_who_waits(database.clone(), Arc::clone(&sales)));
        if shared {
            tasks.spawn(Arc::clone(&sales).follow_all());
            // Before anybody is heard here: from now on the others wait for what this process tells.
            sales.tell_and_hear().await?;
            tasks.spawn(Arc::clone(&sales).tell_who_is_here());
        }
        if let Some(news) = &redis_news {
            let listening =
                peers::listen(news.subscribe(), Arc::clone(&sales), Arc::clone(&census), stop.clone());
            tasks.spawn(listening);
        }
        let draws = Draws::new(database.clone(), settings.draws.clone(), stop.clone(), tasks.clone());
        let services = Self {
            clock,
            entropy,
            database,
            keys,
            settings,
            sales,
            census,
            load,
            news: redis_news,
            building: building::Queue::new(),
            draws,
            redis,
            stop,
            tasks,
        };
        Ok(Arc::new(services))
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
        self.sales.close();
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(news) = &self.news {
            news.close().await;
        }
        Ok(self.database.close().await?)
    }

    /// Which stores answer. Without Redis everything goes on, and other processes hear of it a little later
    /// (`Ready::redis` says so): that is told, and is no failure.
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

    /// What time it is here.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What changes, counted.
    #[must_use]
    pub fn versions(&self) -> &Arc<Versions> {
        &self.sales.parts().versions
    }

    /// Ids and secrets.
    #[must_use]
    pub fn entropy(&self) -> &Entropy {
        &self.entropy
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
            date::{Command, Outcome, Status},
            id::{SeriesId, TokenId, UserId},
            identity::{Caller, Role},
            policy::PolicyPatch,
            text::{PersonName, Title},
        },
        sales::Seen,
    };

    async fn open(url: &str) -> Arc<Services> {
        let database = Database::connect(url).await.unwrap();
        database.migrate().await.unwrap();
        let clock = Clock::manual(DateTime::from_timestamp_millis(1_800_000_000_000).unwrap());
        Services::open(database, None, Keys::new(&[7; 32]), Settings::default(), clock, Entropy::seeded(1))
            .await
            .unwrap()
    }

    /// A date on sale that lets one fan in at a time.
    async fn one_at_a_time(services: &Services) -> SeriesId {
        let user = UserId::from_stored("organizer");
        let organizer = Caller { user, name: PersonName::none(), roles: vec![Role::Organizer], pass: None };
        let concert = services.create_concert(&organizer, Title::from_stored("Restart")).await.unwrap();
        let day = |n| services.clock().now() + TimeDelta::days(n);
        let schedule =
            Schedule { start_at: day(3), end_at: day(4), reserve_start_at: day(0), reserve_end_at: day(2) };
        let policy = PolicyPatch { max_active: Some(Some(1)), ..PolicyPatch::default() };
        services
            .create_series(&organizer, concert.id, SeriesPlan::try_new(schedule, None, policy).unwrap())
            .await
            .unwrap()
            .id
    }

    async fn join(services: &Services, series: SeriesId, fan: &str) -> TokenId {
        let joined = services.join(None, UserId::from_stored(fan), PersonName::none(), series).await;
        joined.unwrap().position.place.token
    }

    async fn seen(services: &Services, series: SeriesId, tokens: &[TokenId]) -> Vec<Option<Seen>> {
        let date = services.sales.of(series).await.unwrap();
        date.decided().await.unwrap();
        tokens.iter().map(|token| date.seen(*token)).collect()
    }

    /// Rule 9.
    #[tokio::test]
    async fn a_restart_changes_nobodys_place() {
        let data = tempfile::tempdir().unwrap();
        let url = Database::embedded_url(data.path());
        let services = open(&url).await;
        let series = one_at_a_time(&services).await;
        let mut tokens = Vec::new();
        for fan in ["a", "b", "c", "d"] {
            tokens.push(join(&services, series, fan).await);
        }
        let date = services.sales.of(series).await.unwrap();
        let leave = Command::Leave { user: UserId::from_stored("b"), token: tokens[1] };
        assert_eq!(date.run(leave).await, Ok(Outcome::Over(tokens[1])));
        let before = seen(&services, series, &tokens).await;
        let places = |seen: &[Option<Seen>]| -> Vec<_> {
            seen.iter().map(|seen| seen.map(|seen| seen.place)).collect()
        };
        let status = |n: usize| before[n].map(|seen| (seen.place.status, seen.place.position));
        assert_eq!([status(0), status(1)], [Some((Status::Admitted, Some(0))), None]);
        assert_eq!(
            [status(2), status(3)],
            [Some((Status::Waiting, Some(1))), Some((Status::Waiting, Some(2)))]
        );
        drop(date);
        services.close().await.unwrap();

        let services = open(&url).await;
        assert_eq!(places(&seen(&services, series, &tokens).await), places(&before));
        let last = join(&services, series, "e").await;
        let last =
            seen(&services, series, &[last]).await[0].map(|seen| (seen.place.position, seen.place.order.seq));
        assert_eq!(last, Some((Some(3), 4)));
        services.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_date_that_nobody_uses_leaves_memory_unless_it_is_watched_and_can_be_opened_again() {
        let data = tempfile::tempdir().unwrap();
        let services = open(&Database::embedded_url(data.path())).await;
        let (series, watched) = (one_at_a_time(&services).await, one_at_a_time(&services).await);
        let watch = services.watch_seats(watched, None).await.unwrap();
        let unused = |date: &crate::service::Date| date.unused_for() >= TimeDelta::minutes(5);
        services.clock().advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1));
        services.sales.let_go(unused);
        assert_eq!(services.sales.in_use().len(), 2);
        services.clock().advance(TimeDelta::milliseconds(1));
        services.sales.let_go(unused);
        assert_eq!(services.sales.in_use().iter().map(|date| date.id()).collect::<Vec<_>>(), [watched]);
        drop(watch);
        services.sales.let_go(unused);
        assert!(services.sales.in_use().is_empty());
        // Somebody waits there, who could fall silent: it stays.
        join(&services, series, "late").await;
        services.clock().advance(TimeDelta::minutes(5));
        assert_eq!(services.sales.in_use().len(), 1);
        services.close().await.unwrap();
    }
}
