//! What time it is, and dice: nobody else asks the system for either.
//!
//! Times have millisecond precision everywhere, so that what is compared is what is stored and shown. The machine's clock
//! is looked at once, at the start of the process; from there on time runs as it passes, so that nobody who sets that
//! clock ends a session, opens a sale, or silences a fan (rule 9).

mod entropy;
mod system;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use self::system::System;
use crate::domain::attendance::{Absence, Attendance, LOOK, STALL};

pub use self::entropy::Entropy;

/// A suspended machine wakes up late from its timers; so late at most.
const NAP: TimeDelta = TimeDelta::seconds(10);

/// The machine's clock is told to have been set if it was by so much.
const SET: TimeDelta = TimeDelta::seconds(1);

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

/// Whether what was due then is so late that the process must have stood still.
#[must_use]
pub fn is_late(due: Instant) -> bool {
    instant().saturating_duration_since(due) >= Duration::from_millis(STALL.unsigned_abs())
}

/// When an id was made, by the clock of then; `None` if it does not tell.
#[must_use]
pub fn made(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// The clock: the process's, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Arc<System>),
    Manual(watch::Sender<Shown>),
}

/// What a manual clock shows.
#[derive(Clone, Copy, Debug)]
struct Shown {
    now: DateTime<Utc>,
    absence: Absence,
}

/// The time, and how much of it was not attended until then.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time, in whole milliseconds.
    pub now: DateTime<Utc>,
    /// See [`Absence`].
    pub absence: Absence,
}

impl Clock {
    /// The process's clock: it shows what the machine's did at the start of the process and what has passed since.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// A clock that stands still at `now` until [`Clock::set`] or [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(now: DateTime<Utc>) -> Self {
        let shown = Shown { now: now.trunc_subsecs(3), absence: Absence::default() };
        Self(Source::Manual(watch::Sender::new(shown)))
    }

    /// The time, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System(system) => system.now(),
            Source::Manual(shown) => shown.borrow().now,
        }
    }

    /// The time and what was missed until then, for whoever measures silence: the two belong together, because the
    /// process may be stopped between one look at the clock and the next.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let (now, absence) = match &self.0 {
            Source::System(system) => system.moment(),
            Source::Manual(shown) => {
                let Shown { now, absence } = *shown.borrow();
                (now, absence)
            }
        };
        Moment { now, absence }
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
                // In pieces, because timers stand still while the machine is suspended.
                let left = (until - self.now()).min(NAP);
                let Some(left) = left.to_std().ok().filter(|left| !left.is_zero()) else { return };
                #[expect(clippy::disallowed_methods, reason = "this is the one place")]
                tokio::time::sleep(left).await;
            },
            Source::Manual(shown) => {
                // Cannot fail: `self` holds the sender.
                let _ = shown.subscribe().wait_for(|shown| shown.now >= until).await;
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
    /// take. A manual clock follows nobody, nor does one that is [the process's own](Clock::keep_own).
    pub fn follow(&self, told: DateTime<Utc>, asked: DateTime<Utc>) {
        if let Source::System(system) = &self.0 {
            system.follow(told, asked);
        }
    }

    /// From now on nobody is followed: for a process that is alone, so that nobody who sets a clock, here or where the
    /// database runs, moves its time.
    pub fn keep_own(&self) {
        if let Source::System(system) = &self.0 {
            system.keep_own();
        }
    }

    /// Whether nobody is followed.
    #[must_use]
    pub fn is_own(&self) -> bool {
        match &self.0 {
            Source::System(system) => system.is_own(),
            Source::Manual(_) => true,
        }
    }

    /// Goes on from `known`, the latest time that was shown before the start, if that has not come yet: the machine's
    /// clock was set back meanwhile. It runs slower then until it is right. A manual clock is left as it is.
    pub fn not_before(&self, known: DateTime<Utc>) {
        if let Source::System(system) = &self.0 {
            system.not_before(known);
        }
    }

    /// From now on, time that passes while nobody [attends](Clock::attend) counts as missed.
    pub fn expect_attendance(&self) {
        if let Source::System(system) = &self.0 {
            system.look();
        }
    }

    /// Looks in again and again, which is how it is known when the process stood still. A manual clock needs nobody.
    pub async fn attend(&self) {
        let Source::System(system) = &self.0 else { return };
        let mut told = system::set_by();
        loop {
            if let Some(stood) = system.look() {
                tracing::warn!(
                    seconds = stood.as_seconds_f64(),
                    "the process stood still: nobody is held silent for that"
                );
            }
            let set = system::set_by();
            if (set - told).abs() >= SET {
                tracing::warn!(
                    seconds = set.as_seconds_f64(),
                    "the machine's clock was set: the process keeps the time of its start until it is started anew"
                );
                told = set;
            }
            until(instant() + Duration::from_millis(LOOK.unsigned_abs())).await;
            // The timer comes first among the tasks that are ready; this one goes to the end of them.
            tokio::task::yield_now().await;
        }
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
        self.manual_moved(|shown| shown.now = now.trunc_subsecs(3));
    }

    /// Moves a manual clock forward by as long as the process was stopped.
    ///
    /// # Panics
    /// If this is the system's clock.
    pub fn stand_still(&self, by: TimeDelta) {
        self.manual_moved(|shown| {
            let mut attendance = Attendance::after(shown.absence);
            attendance.look(shown.now.timestamp_millis());
            shown.now += by;
            shown.absence = attendance.at(shown.now.timestamp_millis());
        });
    }

    fn manual_moved(&self, change: impl FnOnce(&mut Shown)) {
        match &self.0 {
            Source::System(_) => panic!("the system's clock cannot be moved"),
            Source::Manual(shown) => shown.send_modify(change),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
