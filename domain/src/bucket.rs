//! How often something may be done: a token bucket, which also notices who goes on asking when it is empty.

use std::time::{Duration, Instant};

/// How much a [`Bucket`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many at once, and as many refusals before it is [`Taken::Abuse`].
    pub burst: u32,
    /// So many a second after that.
    pub per_second: u32,
}

impl Rate {
    /// The time in which one more may be done.
    fn step(self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It may be done.
    Yes,
    /// It may be done after so long.
    Wait(Duration),
    /// Who asks has been refused a whole burst, and goes on.
    Abuse,
}

/// Full at first. It keeps one instant and nothing else: when the last of what was taken will have flowed in again.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one, or learns that it may not. Who is refused pays as well, so only who stops asking is served again soon.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Taken {
        let (step, burst) = (rate.step(), rate.step() * rate.burst);
        let lent = self.full_at.saturating_duration_since(now);
        if lent + step > burst * 2 {
            return Taken::Abuse;
        }
        self.full_at = self.full_at.max(now) + step;
        if lent + step <= burst { Taken::Yes } else { Taken::Wait(lent + step - burst) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { burst: 3, per_second: 2 };

    #[expect(clippy::disallowed_methods, reason = "an origin to count from; nothing depends on which")]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_burst_then_the_rate_then_abuse() {
        let start = origin();
        let mut bucket = Bucket::new(start);
        let mut take = |millis| bucket.take(RATE, start + Duration::from_millis(millis));
        assert_eq!([take(0), take(0), take(0)], [Taken::Yes; 3]);
        assert_eq!(take(0), Taken::Wait(Duration::from_millis(500)));
        assert_eq!(take(0), Taken::Wait(Duration::from_millis(1_000)));
        // What was refused was paid for: after two seconds there is one again, not three.
        assert_eq!(take(1_500), Taken::Yes);
        assert_eq!(take(1_500), Taken::Wait(Duration::from_millis(500)));
        assert_eq!(
            [take(1_500), take(1_500)],
            [1_000, 1_500].map(|ms| Taken::Wait(Duration::from_millis(ms)))
        );
        assert_eq!([take(1_500), take(1_500)], [Taken::Abuse; 2]);
        assert_eq!(take(60_000), Taken::Yes);
    }

    proptest! {
        /// Whatever is asked when: in no stretch of time more than the burst and what flows in meanwhile.
        #[test]
        fn never_more_than_the_rate(waits in prop::collection::vec(0_u64..2_000, 1..200)) {
            let start = origin();
            let (mut bucket, mut now, mut served) = (Bucket::new(start), 0, Vec::new());
            for wait in waits {
                now += wait;
                if bucket.take(RATE, start + Duration::from_millis(now)) == Taken::Yes {
                    served.push(now);
                }
            }
            for (first, from) in served.iter().enumerate() {
                for (last, until) in served.iter().enumerate().skip(first) {
                    let most = u64::from(RATE.burst) + (until - from) * u64::from(RATE.per_second) / 1_000;
                    prop_assert!((last - first + 1) as u64 <= most);
                }
            }
        }
    }
}
