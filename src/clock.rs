//! What time it is, and dice: nobody else asks the system for either.
//!
//! Times have millisecond precision everywhere, so that what is compared is what is stored and shown.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use tokio::sync::watch;
use uuid::Uuid;

/// The moment by which the network is timed: how long somebody takes to send, to read, or to say anything. It tells no
/// time of day, decides nothing of a sale, and no test moves it.
#[must_use]
pub fn instant() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Instant::now()
}

/// Waits until that moment.
pub fn until(instant: Instant) -> tokio::time::Sleep {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    tokio::time::sleep_until(instant.into())
}

/// The clock: the system's, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// By how many milliseconds this clock is ahead of the system's; see [`Clock::follow`].
    System(Arc<AtomicI64>),
    Manual(watch::Sender<DateTime<Utc>>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// A clock that stands still at `now` until [`Clock::set`] or [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self(Source::Manual(watch::Sender::new(now.trunc_subsecs(3))))
    }

    /// The time, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Source::System(ahead) => {
                Utc::now().trunc_subsecs(3) + TimeDelta::milliseconds(ahead.load(Ordering::Relaxed))
            }
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// The time that a manual clock shows; `None` for the system's: where another machine's clock counts, it is asked.
    #[must_use]
    pub fn manual_now(&self) -> Option<DateTime<Utc>> {
        matches!(self.0, Source::Manual(_)).then(|| self.now())
    }

    /// Waits until the clock shows `until` or later.
    pub async fn sleep_until(&self, until: DateTime<Utc>) {
        match &self.0 {
            Source::System(_) => loop {
                // In pieces, because the system's clock may be set while we sleep.
                let left = (until - self.now()).min(TimeDelta::minutes(1));
                let Some(left) = left.to_std().ok().filter(|left| !left.is_zero()) else { return };
                #[expect(clippy::disallowed_methods, reason = "this is the one place")]
                tokio::time::sleep(left).await;
            },
            Source::Manual(time) => {
                // Cannot fail: `self` holds the sender.
                let _ = time.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }

    /// Waits for `span` to pass, counted from this call.
    pub fn sleep(&self, span: TimeDelta) -> impl Future<Output = ()> + Send + '_ {
        self.sleep_until(self.now() + span)
    }

    /// Whether it is moved by hand.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Learns that a clock which several machines share showed `told` at some moment since `asked`, which is by
    /// this clock and its clones. Where that cannot be they are set, by as little as makes it possible: so they
    /// stay within one question and answer of the shared clock, and do not jump about with the time that these
    /// take. A manual clock follows nobody.
    pub fn follow(&self, told: DateTime<Utc>, asked: DateTime<Utc>) {
        let Source::System(ahead) = &self.0 else { return };
        let by = (told - self.now()).max(TimeDelta::zero()) + (told - asked).min(TimeDelta::zero());
        ahead.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }

    /// Moves a manual clock forward, and wakes who sleeps until then.
    ///
    /// # Panics
    /// If this is the system's clock.
    pub fn advance(&self, by: TimeDelta) {
        self.set(self.now() + by);
    }

    /// Sets a manual clock.
    ///
    /// # Panics
    /// If this is the system's clock.
    pub fn set(&self, now: DateTime<Utc>) {
        match &self.0 {
            Source::System(_) => panic!("the system's clock cannot be moved"),
            Source::Manual(time) => {
                time.send_replace(now.trunc_subsecs(3));
            }
        }
    }
}

/// The dice: ids and secrets.
#[derive(Clone, Debug)]
pub struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    /// Seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(StdRng::from_os_rng())))
    }

    /// The same throws for the same seed, for tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A new id: a UUID v7, which begins with the time it was made.
    #[must_use]
    pub fn id(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// Bytes that nobody can guess.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_7_and_carry_the_time() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let id = Dice::seeded(1).id(now);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_timestamp().map(|t| t.to_unix().0), Some(1_800_000_000));
    }

    #[test]
    fn a_clock_follows_another_no_further_than_it_must() {
        let clock = Clock::system();
        let (asked, clone) = (clock.now(), clock.clone());
        let off = |told: DateTime<Utc>| (clone.now() - told).num_milliseconds();
        // What may have been so says nothing.
        clock.follow(clock.now(), asked);
        assert!((0..1_000).contains(&off(asked)));
        // Another clock that is an hour ahead, and then an hour behind.
        let hour = TimeDelta::hours(1);
        clock.follow(asked + hour, asked);
        assert!((0..1_000).contains(&off(asked + hour)));
        let asked = clock.now();
        clock.follow(asked - hour, asked);
        assert!((0..1_000).contains(&off(asked - hour)));
        let manual = Clock::manual(asked);
        manual.follow(asked + hour, asked);
        assert_eq!(manual.now(), asked);
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_at_their_time_and_not_before() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let mut sleep = Box::pin(clock.sleep(TimeDelta::milliseconds(10)));
        clock.advance(TimeDelta::milliseconds(9));
        assert!(futures_util::poll!(&mut sleep).is_pending());
        clock.advance(TimeDelta::milliseconds(1));
        sleep.await;
    }
}
