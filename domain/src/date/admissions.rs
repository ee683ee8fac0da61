//! When fans were admitted: what is left of the interval's limit (rule 6), and when it lets in the next ones.

use std::collections::VecDeque;

use crate::{date::millis, policy::QueuePolicy};

const MEMORY_MS: i64 = QueuePolicy::MAX_INTERVAL_SECONDS as i64 * 1_000;

/// The times of all admissions of the last [`QueuePolicy::MAX_INTERVAL_SECONDS`], oldest first, also of those whose places
/// have ended since; in milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Admissions {
    /// Each time at which there were any, and how many there had been with those, ever.
    runs: VecDeque<(i64, u64)>,
    /// How many there had been before the first of these times.
    before: u64,
}

impl Admissions {
    /// Times never go back: they are those of commits.
    pub(super) fn record(&mut self, at: i64, count: u32) {
        let all = self.all() + u64::from(count);
        match self.runs.back_mut() {
            Some((last, so_far)) if *last >= at => *so_far = all,
            _ => self.runs.push_back((at, all)),
        }
        while let Some((_, so_far)) = self.runs.pop_front_if(|(first, _)| *first <= at - MEMORY_MS) {
            self.before = so_far;
        }
    }

    fn all(&self) -> u64 {
        self.runs.back().map_or(self.before, |(_, so_far)| *so_far)
    }

    /// Admissions after `now - length`: the half-open window, so that one at exactly `t + length` is free again.
    pub(super) fn within(&self, length: i64, now: i64) -> u64 {
        let outside = self.runs.partition_point(|(at, _)| *at <= now - length);
        let before = outside.checked_sub(1).and_then(|last| self.runs.get(last));
        self.all() - before.map_or(self.before, |(_, so_far)| *so_far)
    }

    /// When the one was that is `back` before the next one; `None` if that is not known any more.
    fn back(&self, back: u64) -> Option<i64> {
        let nth = self.all().checked_sub(back).filter(|nth| back > 0 && *nth >= self.before)?;
        let run = self.runs.partition_point(|(_, so_far)| *so_far <= nth);
        self.runs.get(run).map(|(at, _)| *at)
    }

    /// When the interval's limit next lets one in, if that is what stands in the way at `now`, when `more` are admitted
    /// beside those that are here.
    pub(super) fn paced_until(&self, policy: &QueuePolicy, more: u64, now: i64) -> Option<i64> {
        let most = u64::from(policy.admit_per_interval?);
        let length = policy.interval().num_milliseconds();
        // As soon as there are as many as may be, the oldest of those has to go first.
        let oldest = if most <= more { now } else { self.back(most - more)? };
        (oldest > now - length).then_some(oldest + length)
    }

    /// In how many seconds the interval's limit lets in who is at that place, if nothing else is in the way.
    pub(super) fn earliest(&self, policy: &QueuePolicy, place: u32, now: i64) -> f64 {
        let Some(most) = policy.admit_per_interval else { return 0.0 };
        if most == 0 {
            return f64::INFINITY;
        }
        let length = policy.interval().num_milliseconds();
        // Each one waits for the one that is `most` before it to leave the interval.
        let (rounds, place) = ((place - 1) / most, (place - 1) % most);
        let before = self.back(u64::from(most - place));
        let first = before.map_or(0, |at| (at + length - now).max(0));
        seconds(first) + seconds(length) * f64::from(rounds)
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

#[expect(clippy::cast_precision_loss, reason = "spans of a sale are far below 2^53 milliseconds")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
