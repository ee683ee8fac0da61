//! Which database a server in this process gets: a SQLite file of its own, or, where `FRONTROW_TEST_DATABASE_URL`
//! names a PostgreSQL database whose user may create others, a new database beside that one, which is dropped
//! when the test is over. With `FRONTROW_TEST_REDIS_URL` besides, the waiting rooms are in that Redis.

use std::sync::atomic::{AtomicU32, Ordering};

use frontrow::{config::RedisConfig, redis_url::RedisUrl};
use sea_orm::ConnectionTrait;

use crate::services::variable;

/// A new and empty database on PostgreSQL; dropped with this value, whoever is still connected to it.
#[derive(Debug)]
pub struct FreshDatabase {
    /// How to connect to it.
    pub url: String,
    /// Its name, which nobody else uses.
    pub name: String,
    beside: String,
}

impl FreshDatabase {
    /// `None` without `FRONTROW_TEST_DATABASE_URL`: the server then gets the SQLite file in its own folder.
    pub async fn create() -> Option<Self> {
        let beside = variable("FRONTROW_TEST_DATABASE_URL").filter(|url| url.starts_with("postgres"))?;
        Some(Self::beside(&beside).await)
    }

    /// A new database on the server of `beside`.
    pub async fn beside(beside: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("frontrow_test_{}_{count}", std::process::id());
        run(beside, &[format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]).await;
        let (address, options) = beside.split_once('?').map_or((beside, None), |(a, o)| (a, Some(o)));
        let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
        let url = match options {
            Some(options) => format!("{server}/{name}?{options}"),
            None => format!("{server}/{name}"),
        };
        Self { url, name, beside: beside.to_owned() }
    }
}

impl FreshDatabase {
    /// Where `FRONTROW_TEST_REDIS_URL` names a Redis, the waiting rooms are there, under names that nobody else uses.
    pub fn redis(&self) -> Option<RedisConfig> {
        let url = variable("FRONTROW_TEST_REDIS_URL")?;
        Some(RedisConfig { url: RedisUrl::parse(&url).unwrap(), prefix: self.name.clone() })
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let (beside, drop) = (self.beside.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // On a runtime of its own: that of the test is about to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&beside, &[drop]));
        });
        // A test that has failed already says more than a database that stays.
        let _ = dropping.join();
    }
}

async fn run(url: &str, statements: &[String]) {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1);
    let admin = sea_orm::Database::connect(options).await.unwrap();
    for statement in statements {
        admin.execute_unprepared(statement).await.unwrap();
    }
    admin.close().await.unwrap();
}
