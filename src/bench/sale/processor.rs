//! Processor time, as the kernel counts it for each process. Linux only; elsewhere nothing is told.

use std::{fmt::Display, fs, ops::Sub, time::Duration};

use super::{postgres::Postgres, redis::Redis};

/// The unit of `/proc/*/stat`, which is the same on every architecture that Linux still runs on.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time of a process, with all of its threads, and of its children that have ended.
pub(in crate::bench) fn spent(process: impl Display) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in brackets, may contain spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = (0..4).map_while(|_| fields.next()?.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// The same of a process and of its children.
pub(super) fn spent_by_family(parent: u32) -> Option<Duration> {
    let children = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse::<u32>().ok()?;
        (super::processor::parent(process)? == parent).then_some(process)
    });
    Some(children.filter_map(spent).sum::<Duration>() + spent(parent)?)
}

/// The parent of a process.
pub(super) fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whose time is taken.
#[derive(Default)]
pub(super) struct Meter<'a> {
    pub(super) servers: Vec<u32>,
    pub(super) postgres: Option<&'a Postgres>,
    pub(super) redis: Option<&'a Redis>,
}

/// Processor time of each who has a part in the sale; `None` of whoever has none, or is on another machine.
#[derive(Clone, Copy)]
pub(super) struct Spent {
    server: Option<Duration>,
    postgres: Option<Duration>,
    redis: Option<Duration>,
    load: Option<Duration>,
}

impl Meter<'_> {
    pub(super) async fn read(&self) -> Spent {
        let servers: Option<Duration> = self.servers.iter().map(spent).sum();
        Spent {
            server: servers.filter(|_| !self.servers.is_empty()),
            postgres: self.postgres.and_then(Postgres::spent),
            redis: match self.redis {
                Some(redis) => redis.spent().await,
                None => None,
            },
            load: spent("self"),
        }
    }
}

impl Sub for Spent {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        let since = |now: Option<Duration>, before| Some(now?.saturating_sub(before?));
        Self {
            server: since(self.server, before.server),
            postgres: since(self.postgres, before.postgres),
            redis: since(self.redis, before.redis),
            load: since(self.load, before.load),
        }
    }
}

impl Spent {
    /// Microseconds for each of `count`: server, PostgreSQL, Redis, load (pgbench is a child of this process that has ended).
    pub(super) fn each(self, count: usize) -> [Option<f64>; 4] {
        [self.server, self.postgres, self.redis, self.load]
            .map(|spent| spent.map(|spent| spent.as_secs_f64() * 1e6 / count as f64))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_of_this_test_grows() {
        let before = spent("self").unwrap();
        let mut sum = 0_u64;
        while spent("self").unwrap() < before + Duration::from_millis(30) {
            sum = (0..100_000).fold(sum, |sum: u64, n| sum.rotate_left(3) ^ n);
        }
        assert!(spent_by_family(std::process::id()).unwrap() >= Duration::from_millis(30), "{sum}");
    }
}
