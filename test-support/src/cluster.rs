//! Several servers in this process that share a database, and a Redis if there is to be one.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use frontrow::{
    clock::Clock,
    config::{Config, Layer, RedisConfig},
    redis_url::RedisUrl,
};
use sea_orm::ConnectionTrait;

use crate::{FreshDatabase, Options, Server, postgres_url, redis_url};

/// What they are started with.
#[derive(Debug)]
pub struct Cluster {
    database: FreshDatabase,
    redis: Option<RedisConfig>,
    clock: Clock,
    keys: tempfile::TempDir,
    started: AtomicU32,
}

impl Cluster {
    /// A new and empty database, and names in Redis that nobody else uses; the clock stands still.
    pub async fn new() -> Self {
        Self::with(Options::default().clock).await
    }

    /// The same, on this clock.
    pub async fn with(clock: Clock) -> Self {
        Self::over(&redis_url(), clock).await
    }

    /// The same, over this Redis.
    pub async fn over(redis: &str, clock: Clock) -> Self {
        Self::told_by(Some(redis), clock).await
    }

    /// The same without Redis.
    pub async fn without_redis(clock: Clock) -> Self {
        Self::told_by(None, clock).await
    }

    async fn told_by(redis: Option<&str>, clock: Clock) -> Self {
        let database = FreshDatabase::beside(&postgres_url()).await;
        let prefix = || database.name.clone();
        let redis = redis.map(|url| RedisConfig { url: RedisUrl::parse(url).unwrap(), prefix: prefix() });
        let keys = tempfile::tempdir().unwrap();
        Self { database, redis, clock, keys, started: AtomicU32::new(0) }
    }

    /// A statement past the servers.
    pub async fn run(&self, statement: &str) {
        let database = sea_orm::Database::connect(self.database.url.as_str()).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
        database.close().await.unwrap();
    }

    /// How to connect to the database.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// One more server.
    pub async fn server(&self) -> Server {
        self.server_over(self.redis.clone()).await
    }

    /// One more server, which tells the others nothing and hears nothing from them.
    pub async fn silent_server(&self) -> Server {
        self.server_over(None).await
    }

    /// One more server, over this Redis in place of that of the others.
    pub async fn server_at(&self, redis: &str) -> Server {
        let redis = RedisConfig { url: RedisUrl::parse(redis).unwrap(), prefix: self.database.name.clone() };
        self.server_over(Some(redis)).await
    }

    async fn server_over(&self, redis: Option<RedisConfig>) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().to_owned(),
            database_url: Some(self.database.url.clone()),
            redis,
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
#[derive(Debug)]
pub struct Mortal(tokio::runtime::Runtime);

impl Default for Mortal {
    fn default() -> Self {
        Self::new()
    }
}

impl Mortal {
    /// With one thread.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self(runtime.unwrap())
    }

    /// Starts a server here, and does something with it.
    pub async fn serves<T: Send + 'static>(
        &self,
        cluster: &Arc<Cluster>,
        act: impl AsyncFnOnce(&Server) -> T + Send + 'static,
    ) -> T {
        let (cluster, (tell, told)) = (Arc::clone(cluster), tokio::sync::oneshot::channel());
        // Not every such future may move between threads.
        self.0.spawn_blocking(move || {
            let here = tokio::runtime::Handle::current();
            let (server, done) = here.block_on(async {
                let server = cluster.server().await;
                let done = act(&server).await;
                (server, done)
            });
            let _ = tell.send(done);
            // Dropped, it would stop in order.
            std::mem::forget(server);
        });
        told.await.unwrap()
    }

    /// Everything in it ends where it is.
    pub fn dies(self) {
        self.0.shutdown_background();
    }
}
