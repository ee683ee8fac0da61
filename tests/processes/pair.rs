//! Two servers that share a database and a Redis.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::{
    support::backend::Fresh,
    support::{Options, Server},
};
use sea_orm::ConnectionTrait;

use frontrow::{
    clock::Clock,
    config::{Config, Layer, RedisConfig},
    redis_url::RedisUrl,
};

/// Two servers, or rather what they are started with.
pub(crate) struct Shared {
    database: Fresh,
    redis: RedisConfig,
    clock: Clock,
    keys: tempfile::TempDir,
    started: AtomicU32,
}

impl Shared {
    /// A new and empty database, and names in Redis that nobody else uses; the clock stands still.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default().clock).await
    }

    /// The same, on this clock.
    pub(crate) async fn with(clock: Clock) -> Self {
        Self::over(&required("FRONTROW_TEST_REDIS_URL"), clock).await
    }

    /// The same, over this Redis.
    pub(crate) async fn over(redis_url: &str, clock: Clock) -> Self {
        let database = Fresh::beside(&required("FRONTROW_TEST_DATABASE_URL")).await;
        let redis = RedisConfig { url: RedisUrl::parse(redis_url).unwrap(), prefix: database.name.clone() };
        let keys = tempfile::tempdir().unwrap();
        Self { database, redis, clock, keys, started: AtomicU32::new(0) }
    }

    /// A statement past the servers.
    pub(crate) async fn run(&self, statement: &str) {
        let database = sea_orm::Database::connect(self.database.url.as_str()).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
        database.close().await.unwrap();
    }

    /// One more server.
    pub(crate) async fn server(&self) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().to_owned(),
            database_url: Some(self.database.url.clone()),
            redis: Some(self.redis.clone()),
            signing_key: self.keys.path().join("signing.key"),
            self_service_charging: true,
            rate_limits: false,
            ..Layer::default().resolve().unwrap()
        };
        // Each its own dice: an id must not come twice.
        let seed = u64::from(self.started.fetch_add(1, Ordering::Relaxed));
        Server::over(config, folder, None, self.clock.clone(), seed).await
    }
}

/// Where a server runs that will be killed: with its runtime ends everything in it at once, as with a process.
pub(crate) struct Mortal(tokio::runtime::Runtime);

impl Mortal {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self(runtime.unwrap())
    }

    /// Starts a server here, and does something with it.
    pub(crate) async fn serves<T: Send + 'static>(
        &self,
        shared: &Arc<Shared>,
        act: impl AsyncFnOnce(&Server) -> T + Send + 'static,
    ) -> T {
        let (shared, (tell, told)) = (Arc::clone(shared), tokio::sync::oneshot::channel());
        // Not every such future may move between threads.
        self.0.spawn_blocking(move || {
            let here = tokio::runtime::Handle::current();
            let (server, done) = here.block_on(async {
                let server = shared.server().await;
                let done = act(&server).await;
                (server, done)
            });
            let _ = tell.send(done);
            // Dropped, it would stop in order.
            std::mem::forget(server);
        });
        told.await.unwrap()
    }

    pub(crate) fn dies(self) {
        self.0.shutdown_background();
    }
}

fn required(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: `make test` starts the stores and sets it"))
}
