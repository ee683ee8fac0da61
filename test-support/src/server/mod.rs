//! A server on a socket of this machine, which ends with its test.

mod looks;
mod people;

use std::{net::SocketAddr, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::{
    app::{self, App},
    clock::{Clock, Entropy},
    config::{Config, Layer},
    domain::{
        id::{SeriesId, TokenId, UserId},
        identity::QueuePass,
    },
    service::{Services, identity::Keys},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{Client, FreshDatabase};

/// What a server may be started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Anybody may say who they are.
    pub open_identities: bool,
    /// Fans may charge their own wallets.
    pub self_service_charging: bool,
    /// Off unless a test is about them.
    pub rate_limits: bool,
    /// Changes other settings.
    pub settings: fn(&mut Config),
    /// With the demo's concert, and with what else `--demo` sets.
    pub demo: bool,
    /// It stands still until the test moves it, unless it is the system's.
    pub clock: Clock,
    /// Two servers with the same seed make the same signing key.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        let noon = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        Self {
            open_identities: false,
            self_service_charging: true,
            rate_limits: false,
            settings: |_| {},
            demo: false,
            clock: Clock::manual(noon),
            seed: 1,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// On the loopback.
    pub address: SocketAddr,
    /// What time it takes it to be.
    pub clock: Clock,
    /// What it was started with.
    pub config: Config,
    /// For what no client can see: the audit, and the count of statements; and for a crowd to come in.
    pub services: Arc<Services>,
    keys: Keys,
    client: Client,
    folder: TempDir,
    database: Option<FreshDatabase>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), String>>,
    seed: u64,
}

impl Server {
    /// A server whose clock stands still until the test moves it.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A server on the system's clock.
    pub async fn on_system_clock() -> Self {
        Self::with(Options { clock: Clock::system(), ..Options::default() }).await
    }

    /// A server with these settings.
    pub async fn with(options: Options) -> Self {
        let (folder, database) = (tempfile::tempdir().unwrap(), FreshDatabase::create().await);
        let usual = Layer { demo: Some(options.demo), ..Layer::default() }.resolve().unwrap();
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().to_owned(),
            database_url: database.as_ref().map(|fresh| fresh.url.clone()),
            redis: database.as_ref().and_then(FreshDatabase::redis),
            signing_key: folder.path().join("signing.key"),
            open_identities: options.open_identities || usual.open_identities,
            self_service_charging: options.self_service_charging,
            rate_limits: options.rate_limits,
            ..usual
        };
        (options.settings)(&mut config);
        Self::over(config, folder, database, options.clock, options.seed).await
    }

    /// A server with these settings, which keeps its files in that folder, and the database until it ends.
    pub async fn over(
        config: Config,
        folder: TempDir,
        database: Option<FreshDatabase>,
        clock: Clock,
        seed: u64,
    ) -> Self {
        Self::slowly(config, folder, database, clock, seed, TimeDelta::zero()).await
    }

    /// The same, which lets nobody in for so long after its rooms are open.
    async fn slowly(
        config: Config,
        folder: TempDir,
        database: Option<FreshDatabase>,
        clock: Clock,
        seed: u64,
        opening: TimeDelta,
    ) -> Self {
        let entropy = Entropy::seeded(seed);
        let app = App::open(&config, clock.clone(), entropy.clone()).await.unwrap();
        clock.sleep(opening).await;
        let keys = app::keys(&config, &entropy).unwrap();
        let services = Arc::clone(app.services());
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(app.run(listener, async move {
            let _ = stopped.await;
        }));
        let client = Client::new(address);
        Self { address, clock, config, services, keys, client, folder, database, stop, running, seed }
    }

    /// Stops in order, and starts again on the same data.
    pub async fn restart(self) -> Self {
        self.restart_slowly(TimeDelta::zero()).await
    }

    /// The same, and lets nobody in for so long after its rooms are open. A clock that somebody has to move waits for that.
    pub async fn restart_slowly(self, opening: TimeDelta) -> Self {
        let (config, folder, database, clock, seed) = self.ended().await;
        // Another process has another clock, unless a test moves it.
        let clock = if clock.is_manual() { clock } else { Clock::system() };
        // Another seed: an id must not come twice.
        Self::slowly(config, folder, database, clock, seed + 1_000, opening).await
    }

    /// Stops in order, as SIGTERM does it.
    pub async fn stop(self) {
        self.ended().await;
    }

    /// The same; what it leaves.
    async fn ended(self) -> (Config, TempDir, Option<FreshDatabase>, Clock, u64) {
        let Self { clock, config, client, folder, database, stop, running, seed, services, .. } = self;
        // A kept connection would be waited for.
        drop((client, services));
        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
        (config, folder, database, clock, seed)
    }

    /// The server's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns once the waiting room has decided everything that is due now. A place that nobody has is left
    /// twice: the room takes the second one only when all that followed from the first has been done.
    pub async fn settle(&self, series: &str) {
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
    pub async fn advance(&self, by: TimeDelta, series: &str) {
        self.clock.advance(by);
        self.settle(series).await;
    }
}
