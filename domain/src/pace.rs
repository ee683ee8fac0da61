//! How slowly somebody may take what is sent to them.

use std::time::{Duration, Instant};

/// The least that is asked of whoever receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Least {
    /// Nothing at all is taken for so long at most. It is also how far behind the pace one may be.
    pub stall: Duration,
    /// Bytes a second.
    pub bytes_per_second: u32,
}

/// One answer on its way. Only time in which the other side takes nothing counts; what we take to make the rest of the
/// answer does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    taken: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
}

impl Pace {
    /// So many bytes were taken.
    pub fn took(&mut self, bytes: usize, now: Instant) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.taken += bytes as u64;
    }

    /// Nothing can be sent at the moment: until when this may last.
    pub fn waits(&mut self, least: Least, now: Instant) -> Instant {
        let since = *self.waiting_since.get_or_insert(now);
        let earned = Duration::from_secs(self.taken) / least.bytes_per_second.max(1);
        let left = (least.stall + earned).saturating_sub(self.waited);
        since + left.min(least.stall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Least = Least { stall: Duration::from_secs(10), bytes_per_second: 1_000 };

    #[expect(clippy::disallowed_methods, reason = "an origin to count from; nothing depends on which")]
    fn origin() -> Instant {
        Instant::now()
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn who_takes_nothing_has_the_stall_and_not_longer() {
        let start = origin();
        let mut pace = Pace::default();
        assert_eq!(pace.waits(LEAST, start), start + secs(10));
        assert_eq!(pace.waits(LEAST, start + secs(9)), start + secs(10), "asking again gives no more time");
        pace.took(1_000_000, start + secs(9));
        assert_eq!(pace.waits(LEAST, start + secs(9)), start + secs(19), "however much was taken before");
    }

    #[test]
    fn who_takes_a_little_now_and_then_falls_behind() {
        let start = origin();
        let (mut pace, mut now) = (Pace::default(), start);
        let mut rounds = 0;
        // A byte every nine seconds.
        while pace.waits(LEAST, now) >= now + secs(9) {
            now += secs(9);
            pace.took(1, now);
            rounds += 1;
        }
        assert_eq!(rounds, 1);
    }

    #[test]
    fn who_keeps_the_pace_goes_on_for_ever() {
        let start = origin();
        let (mut pace, mut now) = (Pace::default(), start);
        for _ in 0..1_000 {
            assert!(pace.waits(LEAST, now) > now + secs(9));
            now += secs(9);
            pace.took(9_000, now);
        }
        // What we need ourselves costs the other side nothing.
        now += secs(3_600);
        assert!(pace.waits(LEAST, now) > now + secs(9));
    }
}
