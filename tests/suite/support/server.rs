//! A server on a socket of this machine, which ends with its test.

use std::{net::SocketAddr, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::{
    app::{self, App},
    clock::{Clock, Dice},
    config::{Config, Layer},
    domain::{
        id::{SeriesId, TokenId, UserId},
        identity::{QueuePass, Role},
        text::PersonName,
    },
    service::{House, identity::Keys},
};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::support::{Fan, Fresh, Organizer};

/// Milliseconds.
pub(crate) fn ms(n: i64) -> TimeDelta {
    TimeDelta::milliseconds(n)
}

/// Seconds.
pub(crate) fn secs(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

/// Looks until it is so, for two minutes at most: a machine may be busy.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let clock = Clock::system();
    let end = clock.now() + TimeDelta::minutes(2);
    while !so().await {
        assert!(clock.now() < end, "{what}");
        clock.sleep(ms(20)).await;
    }
}

/// What a server may be started with.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) open_identities: bool,
    pub(crate) self_service_charging: bool,
    /// Off unless a test is about them.
    pub(crate) rate_limits: bool,
    /// Changes other settings.
    pub(crate) settings: fn(&mut Config),
    pub(crate) clock: Clock,
    /// Two servers with the same seed make the same signing key.
    pub(crate) seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        let noon = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        Self {
            open_identities: false,
            self_service_charging: true,
            rate_limits: false,
            settings: |_| {},
            clock: Clock::manual(noon),
            seed: 1,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    /// For what no client can see: the audit, and the count of statements; and for a crowd to come in.
    pub(crate) house: Arc<House>,
    keys: Keys,
    http: reqwest::Client,
    folder: TempDir,
    database: Option<Fresh>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), String>>,
    seed: u64,
}

impl Server {
    /// A server whose clock stands still until the test moves it.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A server on the system's clock.
    pub(crate) async fn on_system_clock() -> Self {
        Self::with(Options { clock: Clock::system(), ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let (folder, database) = (tempfile::tempdir().unwrap(), Fresh::create().await);
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().to_owned(),
            database_url: database.as_ref().map(|fresh| fresh.url.clone()),
            redis: database.as_ref().and_then(Fresh::redis),
            signing_key: folder.path().join("signing.key"),
            open_identities: options.open_identities,
            self_service_charging: options.self_service_charging,
            rate_limits: options.rate_limits,
            ..Layer::default().resolve().unwrap()
        };
        (options.settings)(&mut config);
        Self::over(config, folder, database, options.clock, options.seed).await
    }

    /// A server with these settings, which keeps its files in that folder, and the database until it ends.
    pub(crate) async fn over(
        config: Config,
        folder: TempDir,
        database: Option<Fresh>,
        clock: Clock,
        seed: u64,
    ) -> Self {
        Self::slowly(config, folder, database, clock, seed, TimeDelta::zero()).await
    }

    /// The same, which lets nobody in for so long after its rooms are open.
    async fn slowly(
        config: Config,
        folder: TempDir,
        database: Option<Fresh>,
        clock: Clock,
        seed: u64,
        opening: TimeDelta,
    ) -> Self {
        let dice = Dice::seeded(seed);
        let app = App::open(&config, clock.clone(), dice.clone()).await.unwrap();
        clock.sleep(opening).await;
        let keys = app::keys(&config, &dice).unwrap();
        let house = Arc::clone(app.house());
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(app.run(listener, async move {
            let _ = stopped.await;
        }));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, clock, config, house, keys, http, folder, database, stop, running, seed }
    }

    /// Stops in order, and starts again on the same data.
    pub(crate) async fn restart(self) -> Self {
        self.restart_slowly(TimeDelta::zero()).await
    }

    /// The same, and lets nobody in for so long after its rooms are open. A clock that somebody has to move waits for that.
    pub(crate) async fn restart_slowly(self, opening: TimeDelta) -> Self {
        let Self { clock, config, http, folder, database, stop, running, seed, house, .. } = self;
        // A kept connection would be waited for.
        drop((http, house));
        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
        // Another process has another clock, unless a test moves it.
        let clock = if clock.is_manual() { clock } else { Clock::system() };
        // Another seed: an id must not come twice.
        Self::slowly(config, folder, database, clock, seed + 1_000, opening).await
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Somebody who has an identity token, and is nobody special.
    pub(crate) fn fan(&self, user: &str) -> Fan {
        self.with_roles(user, &[])
    }

    /// Somebody who has an identity token with these roles.
    pub(crate) fn with_roles(&self, user: &str, roles: &[Role]) -> Fan {
        let until = self.now() + TimeDelta::days(30);
        let token = self.keys.identity_token(&UserId::try_new(user).unwrap(), user, roles, until).unwrap();
        Fan::new(self.http.clone(), self.address, user, Some(token))
    }

    /// Somebody with these roles whose identity token ends so long after now.
    pub(crate) fn for_a_while(&self, user: &str, roles: &[Role], span: TimeDelta) -> Fan {
        let (id, until) = (UserId::try_new(user).unwrap(), self.now() + span);
        self.bearer(user, &self.keys.identity_token(&id, user, roles, until).unwrap())
    }

    /// The same fan with a queue token for the same place that ends so long after now.
    pub(crate) fn in_line_for_a_while(&self, fan: &Fan, series: &str, span: TimeDelta) -> Fan {
        let pass =
            QueuePass { token: fan.token.parse().unwrap(), series: series.parse().unwrap(), order: None };
        // It ends a day after the sale.
        let sale_ends = self.now() + span - TimeDelta::hours(24);
        let user = UserId::try_new(&fan.user).unwrap();
        self.bearer(&fan.user, &self.keys.queue_token(pass, &user, "", sale_ends, sale_ends).unwrap())
    }

    /// Somebody whose identity token has ended.
    pub(crate) fn expired(&self, user: &str) -> Fan {
        let ended = self.now() - secs(1);
        let token = self.keys.identity_token(&UserId::try_new(user).unwrap(), user, &[], ended).unwrap();
        self.bearer(user, &token)
    }

    /// So many who join in this order and at the same moment: through the house's own door, because as many requests
    /// would take long.
    pub(crate) async fn crowd(&self, count: usize, series: &str) -> Vec<Fan> {
        let series: SeriesId = series.parse().unwrap();
        let joins = (0..count).map(|n| async move {
            let name = format!("fan-{n}");
            let user = UserId::try_new(&name).unwrap();
            let joined = self.house.join(None, user, PersonName::from_stored(&name), series).await.unwrap();
            self.bearer(&name, &joined.jwt)
        });
        join_all(joins).await
    }

    /// Somebody without any token.
    pub(crate) fn stranger(&self) -> Fan {
        Fan::new(self.http.clone(), self.address, "stranger", None)
    }

    /// Somebody who shows this token, or what they take for one.
    pub(crate) fn bearer(&self, user: &str, token: &str) -> Fan {
        Fan::new(self.http.clone(), self.address, user, Some(token.to_owned()))
    }

    /// Somebody who was here before a restart, with the token of then.
    pub(crate) fn same(&self, fan: &Fan) -> Fan {
        let mut same = Fan::new(self.http.clone(), self.address, &fan.user, fan.bearer.clone());
        same.token.clone_from(&fan.token);
        same
    }

    pub(crate) fn organizer(&self) -> Organizer {
        Organizer::new(self.with_roles("organizer", &[Role::Organizer]), self.now())
    }

    /// Returns once the waiting room has decided everything that is due now. A place that nobody has is left
    /// twice: the room takes the second one only when all that followed from the first has been done.
    pub(crate) async fn settle(&self, series: &str) {
        let pass = QueuePass {
            token: TokenId(uuid::Uuid::nil()),
            series: series.parse::<SeriesId>().unwrap(),
            order: None,
        };
        let nobody = UserId::try_new("nobody").unwrap();
        let token = self.keys.queue_token(pass, &nobody, "", self.now(), self.now()).unwrap();
        let nobody = self.bearer("nobody", &token);
        for _ in 0..2 {
            let left = nobody.ask("mutation { leaveQueue { status } }", json!({})).await;
            assert_eq!(left.error(), "NOT_FOUND");
        }
    }

    /// Moves the clock, and returns once that room has decided what was due.
    pub(crate) async fn advance(&self, by: TimeDelta, series: &str) {
        self.clock.advance(by);
        self.settle(series).await;
    }

    /// Gets a page that is not GraphQL.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        self.page(path, None).await.json().await.unwrap()
    }

    /// Gets a page unless it is the one that `known` is the tag of.
    pub(crate) async fn page(&self, path: &str, known: Option<&str>) -> reqwest::Response {
        let request = self.http.get(format!("http://{}{path}", self.address));
        let request = match known {
            Some(tag) => request.header("If-None-Match", tag),
            None => request,
        };
        request.send().await.unwrap()
    }

    /// How many rows there are: of a table, with a condition if wanted.
    pub(crate) async fn count(&self, what: &str) -> i64 {
        let reader = self.house.database().reader();
        let query =
            Statement::from_string(reader.get_database_backend(), format!("SELECT COUNT(*) FROM {what}"));
        reader.query_one_raw(query).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    /// A statement past the server.
    pub(crate) async fn run(&self, statement: &str) {
        let tx = self.house.database().begin().await.unwrap();
        tx.execute_unprepared(statement).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What the books say: a line for each violated rule.
    pub(crate) async fn audit(&self) -> Vec<String> {
        frontrow::store::audit::audit(self.house.database()).await.unwrap()
    }
}
