//! The link to Redis, when several processes share the sale: commands, and what is said on channels.
//!
//! A dead Redis gives an error soon rather than a queue of calls; once it is back the link works again by itself
//! within a second, on the new master after a failover too. Time here is the network's, so it is the system's.
//! Certificates are checked against those of the system; `SSL_CERT_FILE` names others.

mod link;
mod servers;
mod subscription;

use std::{fmt, sync::Arc, time::Duration};

use redis::{ErrorKind, ServerErrorKind, cmd};
use tokio::sync::mpsc;

use crate::{domain::id::SeriesId, redis_url::RedisUrl};

pub use self::{link::Link, subscription::Heard};
pub use ::redis::RedisError;

use self::servers::Servers;

/// How long the making of a connection may take.
const CONNECT: Duration = Duration::from_secs(1);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How often an idle connection is looked at.
const CHECK: chrono::TimeDelta = chrono::TimeDelta::milliseconds(500);

/// What was heard that the receiver has not taken yet; beyond it messages are dropped, and it is told.
const UNHEARD: usize = 4_096;

/// See the module. `Debug` leaves out the login.
#[derive(Clone)]
pub struct Redis {
    url: Arc<RedisUrl>,
    prefix: Arc<str>,
    servers: Arc<Servers>,
    link: Link,
}

impl Redis {
    /// The link to a Redis that need not be there yet; `prefix` begins the name of every key and channel, so that
    /// installations can share a server. It must be without braces.
    #[must_use]
    pub fn to(url: &RedisUrl, prefix: &str) -> Self {
        // Without a choice, rustls panics when two providers are compiled in. A refusal means that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let servers = Arc::new(Servers::new(url));
        let link = Link::to(&servers);
        Self { url: Arc::new(url.clone()), prefix: prefix.into(), servers, link }
    }

    /// As [`Redis::to`], for a Redis that has to be there.
    ///
    /// # Errors
    /// If the address is not one (see [`RedisUrl`]), or nobody answers there as it should.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self, RedisError> {
        let url = RedisUrl::parse(url).map_err(|mistake| {
            RedisError::from((ErrorKind::InvalidClientConfig, "Redis address", mistake))
        })?;
        let redis = Self::to(&url, prefix);
        redis.check().await?;
        Ok(redis)
    }

    /// Whether whoever is there answers as it should: is a master, say.
    ///
    /// # Errors
    /// If it does not; see [`is_away`].
    pub async fn check(&self) -> Result<(), RedisError> {
        self.link.check().await
    }

    /// The name of a key. The keys of one series share one hash slot of a cluster, so that a script may touch
    /// them together.
    #[must_use]
    pub fn key(&self, series: SeriesId, what: &str) -> String {
        format!("{}:{{{series}}}:{what}", self.prefix)
    }

    /// The name of a channel.
    #[must_use]
    pub fn channel(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// To send commands by; cheap, and all share one connection to each server.
    #[must_use]
    pub fn connection(&self) -> Link {
        self.link.clone()
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// If it does not within two seconds.
    pub async fn ping(&self) -> Result<(), RedisError> {
        cmd("PING").query_async(&mut self.connection()).await
    }

    /// Listens on these channels, named as by [`Redis::channel`], for as long as the receiver is there.
    #[must_use]
    pub fn subscribe(&self, channels: Vec<String>) -> mpsc::Receiver<Heard> {
        let (tell, heard) = mpsc::channel(UNHEARD);
        tokio::spawn(subscription::run(Arc::clone(&self.servers), channels, tell));
        heard
    }
}

/// Whether it may be otherwise in a moment, without a change of the settings. A login that is refused, say, is not.
#[must_use]
pub fn is_away(error: &RedisError) -> bool {
    match error.kind() {
        // The sentinels do not name a master that is down either.
        ErrorKind::Io | ErrorKind::MasterNameNotFoundBySentinel => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain
        ),
        _ => false,
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("url", &self.url).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
