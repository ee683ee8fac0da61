//! When fans were admitted: what is left of the interval's limit (rule 6).

use std::collections::VecDeque;

use crate::{date::millis, policy::QueuePolicy};

const MEMORY_MS: i64 = QueuePolicy::MAX_INTERVAL_SECONDS as i64 * 1_000;

/// The times of all admissions of the last [`QueuePolicy::MAX_INTERVAL_SECONDS`] and how many there were at each, oldest
/// first, also of those whose places have ended since; in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Admissions {
    runs: VecDeque<(i64, u32)>,
}

impl Admissions {
    /// Times never go back: they are those of commits.
    pub(super) fn record(&mut self, at: i64, count: u32) {
        match self.runs.back_mut() {
            Some((last, n)) if *last >= at => *n += count,
            _ => self.runs.push_back((at, count)),
        }
        while self.runs.front().is_some_and(|(first, _)| *first <= at - MEMORY_MS) {
            self.runs.pop_front();
        }
    }

    /// Admissions after `now - length`: the half-open window, so that one at exactly `t + length` is free again.
    pub(super) fn within(&self, length: i64, now: i64) -> u64 {
        let in_window = self.runs.iter().rev().take_while(|(at, _)| *at > now - length);
        in_window.map(|(_, count)| u64::from(*count)).sum()
    }

    /// When the interval's limit next lets one in, if that is what stands in the way at `now`.
    pub(super) fn paced_until(&self, policy: &QueuePolicy, now: i64) -> Option<i64> {
        let most = u64::from(policy.admit_per_interval?);
        let length = policy.interval().num_milliseconds();
        let mut newer = 0;
        // From the newest back: as soon as there are as many as may be, the oldest of those has to go first.
        for (at, count) in self.runs.iter().rev().take_while(|(at, _)| *at > now - length) {
            newer += u64::from(*count);
            if newer >= most {
                return Some(at + length);
            }
        }
        None
    }

    /// From journaled times, in any order.
    pub(super) fn restored(times: impl Iterator<Item = chrono::DateTime<chrono::Utc>>) -> Self {
        let mut times: Vec<_> = times.map(millis).collect();
        times.sort_unstable();
        let mut admissions = Self::default();
        for at in times {
            admissions.record(at, 1);
        }
        admissions
    }
}
