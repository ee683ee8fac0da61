//! How long holds and payments take.

use std::time::Duration;

/// Fans who buy before the attack, and how many may buy during it.
pub(crate) const BEFORE: usize = 20;
pub(crate) const DURING: usize = 900;

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Measured(pub(crate) Vec<Duration>);

#[derive(Debug)]
pub(crate) struct Latencies {
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
    pub(crate) most: Duration,
    pub(crate) count: usize,
}

impl Measured {
    pub(crate) fn figures(&self) -> Latencies {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |part: usize| {
            sorted.get(sorted.len() * part / 100).or(sorted.last()).copied().unwrap_or_default()
        };
        Latencies { median: at(50), p99: at(99), most: at(100), count: sorted.len() }
    }
}
