//! When fans were admitted: what is left of the interval's limit (rule 6), and when it lets in the next ones.

use std::collections::VecDeque;

use crate::policy::QueuePolicy;

const MEMORY_MS: i64 = QueuePolicy::MAX_INTERVAL_SECONDS as i64 * 1_000;

/// The times of all admissions of the last [`QueuePolicy::MAX_INTERVAL_SECONDS`], oldest first, also of those whose
/// places have ended since; in milliseconds.
pub(super) struct Admissions(VecDeque<i64>);

impl Admissions {
    /// From journaled times, in any order.
    pub(super) fn restore(times: impl Iterator<Item = i64>) -> Self {
        let mut times: Vec<_> = times.collect();
        times.sort_unstable();
        Self(times.into())
    }

    pub(super) fn record(&mut self, at: i64) {
        // A clock that was set back must not hide an admission from the count: keep the list sorted.
        let place = self.0.partition_point(|t| *t <= at);
        self.0.insert(place, at);
        while self.0.front().is_some_and(|t| *t <= at - MEMORY_MS) {
            self.0.pop_front();
        }
    }

    /// Admissions after `now - length`: the half-open window, so that one at exactly `t + length` is free again.
    fn since(&self, now: i64, length: i64) -> usize {
        self.0.len() - self.0.partition_point(|t| *t <= now - length)
    }

    /// How many more may be admitted now with this many admitted (rule 6).
    pub(super) fn budget(&self, policy: &QueuePolicy, admitted: usize, now: i64) -> usize {
        let slots = policy.max_active.map_or(usize::MAX, |most| (most as usize).saturating_sub(admitted));
        let paced = policy
            .admit_per_interval
            .map_or(usize::MAX, |most| (most as usize).saturating_sub(self.since(now, interval_ms(policy))));
        slots.min(paced)
    }

    /// When the interval's limit next lets one in, if that is what stands in the way at `now`.
    pub(super) fn paced_until(&self, policy: &QueuePolicy, now: i64) -> Option<i64> {
        let most = policy.admit_per_interval? as usize;
        let length = interval_ms(policy);
        let surplus = self.since(now, length).checked_sub(most)?;
        let first = self.0.len() - self.since(now, length);
        self.0.get(first + surplus).map(|t| t + length)
    }

    /// In how many seconds the interval's limit lets in who is at that place, if nothing else is in the way.
    pub(super) fn earliest(&self, policy: &QueuePolicy, place: u32, now: i64) -> f64 {
        let Some(most) = policy.admit_per_interval.map(|most| most as usize) else { return 0.0 };
        let (length, place) = (interval_ms(policy), place as usize);
        if most == 0 {
            return f64::INFINITY;
        }
        // Each one waits for the one that is `most` before it to leave the interval.
        let (rounds, place) = ((place - 1) / most, (place - 1) % most);
        let before = (self.0.len() + place).checked_sub(most).and_then(|n| self.0.get(n));
        let first = before.map_or(0, |at| (at + length - now).max(0));
        seconds(first) + seconds(length) * seconds(1_000 * i64::try_from(rounds).unwrap_or(i64::MAX / 1_000))
    }
}

#[expect(clippy::cast_precision_loss, reason = "spans of a sale are far below 2^53 milliseconds")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

fn interval_ms(policy: &QueuePolicy) -> i64 {
    policy.interval().num_milliseconds()
}
