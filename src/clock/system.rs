//! The time of a process: what the machine's clock showed at its start, and what has passed since.

use std::{
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::domain::attendance::{Absence, Attendance};

/// Clocks run so much slower, one part in so many, that were set ahead of the machine's.
const SLOWER: i32 = 10;

/// One for all clocks of the process, which therefore show the same.
static START: LazyLock<Start> = LazyLock::new(|| Start { shown: shown(), passed: passed() });

struct Start {
    shown: DateTime<Utc>,
    passed: Duration,
}

impl Start {
    /// How long ago it was, however the machine's clock was set meanwhile.
    fn ago(&self) -> TimeDelta {
        TimeDelta::from_std(passed().saturating_sub(self.passed)).unwrap_or_default()
    }
}

/// What the machine's clock shows, which somebody may set at any time.
fn shown() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Utc::now()
}

/// What has passed since some moment; the time in which the machine was suspended counts where it can tell.
fn passed() -> Duration {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        #[cfg(target_os = "linux")]
        let clock = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        Duration::try_from(clock_gettime(clock)).unwrap_or_default()
    }
    #[cfg(not(unix))]
    {
        static FIRST: LazyLock<std::time::Instant> = LazyLock::new(super::instant);
        super::instant().saturating_duration_since(*FIRST)
    }
}

/// See [`Clock::system`](super::Clock::system).
#[derive(Debug, Default)]
pub(super) struct System {
    /// By how many milliseconds it is ahead of the process's; see [`System::follow`].
    ahead: AtomicI64,
    /// By how many milliseconds it was set ahead at the start; see [`System::not_before`].
    lead: AtomicI64,
    /// See [`System::keep_own`].
    is_own: AtomicBool,
    attendance: Mutex<Attendance>,
}

impl System {
    pub(super) fn now(&self) -> DateTime<Utc> {
        let ago = START.ago();
        let lead = TimeDelta::milliseconds(self.lead.load(Ordering::Relaxed));
        let ahead = TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed));
        (START.shown + ago + left_of(lead, ago) + ahead).trunc_subsecs(3)
    }

    pub(super) fn follow(&self, told: DateTime<Utc>, asked: DateTime<Utc>) {
        if !self.is_own() {
            let by = (told - self.now()).max(TimeDelta::zero()) + (told - asked).min(TimeDelta::zero());
            self.ahead.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
        }
    }

    pub(super) fn is_own(&self) -> bool {
        self.is_own.load(Ordering::Relaxed)
    }

    pub(super) fn keep_own(&self) {
        self.is_own.store(true, Ordering::Relaxed);
    }

    pub(super) fn not_before(&self, known: DateTime<Utc>) {
        let behind = known - self.now();
        if behind > TimeDelta::zero() {
            // What is left of it now is to be as much as is missing.
            let lead = behind + START.ago() / SLOWER;
            self.lead.store(lead.num_milliseconds() + 1, Ordering::Relaxed);
        }
    }

    /// The time and what was missed, of one moment: between two looks at the clock the process may be stopped.
    pub(super) fn moment(&self) -> (DateTime<Utc>, Absence) {
        let attendance = self.attendance();
        let now = self.now();
        (now, attendance.at(now.timestamp_millis()))
    }

    pub(super) fn look(&self) -> Option<TimeDelta> {
        let mut attendance = self.attendance();
        attendance.look(self.now().timestamp_millis()).map(TimeDelta::milliseconds)
    }

    fn attendance(&self) -> MutexGuard<'_, Attendance> {
        self.attendance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a lead after so long: it is given back little by little, so that time never goes back.
fn left_of(lead: TimeDelta, ago: TimeDelta) -> TimeDelta {
    (lead - ago / SLOWER).max(TimeDelta::zero())
}

/// By how much the machine's clock was set since the start.
pub(super) fn set_by() -> TimeDelta {
    shown() - (START.shown + START.ago())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_given_back_and_time_never_goes_back() {
        let lead = TimeDelta::minutes(2);
        let shown = |ago: i64| TimeDelta::seconds(ago) + left_of(lead, TimeDelta::seconds(ago));
        assert_eq!(shown(0), lead);
        let mut last = TimeDelta::zero();
        for ago in 0..3_000 {
            assert!(shown(ago) > last);
            last = shown(ago);
        }
        assert_eq!(shown(1_200), TimeDelta::seconds(1_200), "all is given back");
        assert_eq!(shown(3_000), TimeDelta::seconds(3_000));
    }

    #[test]
    fn a_clock_goes_on_where_it_stopped() {
        let clock = System::default();
        let known = clock.now() + TimeDelta::minutes(2);
        clock.not_before(known);
        let off = clock.now() - known;
        assert!((TimeDelta::zero()..TimeDelta::seconds(10)).contains(&off), "{off}");
        clock.not_before(known - TimeDelta::hours(1));
        assert!(clock.now() >= known, "what is past says nothing");
    }

    #[test]
    fn a_clock_of_its_own_follows_nobody() {
        let clock = System::default();
        clock.keep_own();
        let now = clock.now();
        clock.follow(now + TimeDelta::hours(1), now);
        assert!(clock.now() < now + TimeDelta::minutes(30));
    }
}
