//! The Redis of the servers that are measured: its processor time.

use std::time::Duration;

use redis::{Client, aio::MultiplexedConnection, cmd};

/// A connection of our own.
pub(super) struct Redis(MultiplexedConnection);

impl Redis {
    /// Connects; `None` if it is not one server that is reached without more ado, whose time is then not told.
    pub(super) async fn connect(url: &str) -> Option<Self> {
        let client = Client::open(url).ok()?;
        Some(Self(client.get_multiplexed_async_connection().await.ok()?))
    }

    /// The processor time that it has used since it started.
    pub(super) async fn spent(&self) -> Option<Duration> {
        let info: String = cmd("INFO").arg("cpu").query_async(&mut self.0.clone()).await.ok()?;
        let field =
            |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        let seconds = field("used_cpu_user:")? + field("used_cpu_sys:")?;
        Some(Duration::from_secs_f64(seconds))
    }
}
