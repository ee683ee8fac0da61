//! The server's own absence (rule 9): time in which it stood still is nobody's silence.
//!
//! A process that runs looks in every [`LOOK`]. Where it has not for longer, it stood still: it was stopped, or so busy
//! that nobody could reach it. Silence is measured in *attended time*, which goes on only while the server is there to
//! hear, so many short absences cannot add up to somebody's silence; and after a long one everybody has a full timeout.
//!
//! Whoever decides asks for the absence at that very moment, so also who runs first after a stop, before the process has
//! looked in again, knows of it. Times are milliseconds of one clock that never goes back.

/// How often the process looks in.
pub const LOOK: i64 = 100;

/// Longer between two looks is an absence, of which so much counts as attended: a busy machine is late now and then.
pub const GRACE: i64 = 250;

/// From then on an absence is a stall.
pub const STALL: i64 = 1_000;

/// How much of the time was not attended, at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// All that was missed so far: attended time is this much behind the clock.
    lost: i64,
    /// The attended time at which the last stall ended: everybody counts as heard from then.
    back: i64,
}

impl Default for Absence {
    fn default() -> Self {
        Self { lost: 0, back: i64::MIN }
    }
}

impl Absence {
    /// The attended time at `now`.
    #[must_use]
    pub fn attended(&self, now: i64) -> i64 {
        now - self.lost
    }

    /// When it is that attended time, unless more is missed.
    #[must_use]
    pub fn instant(&self, attended: i64) -> i64 {
        attended.saturating_add(self.lost)
    }

    /// When somebody counts as heard, in attended time, who was heard then.
    #[must_use]
    pub fn heard(&self, attended: i64) -> i64 {
        attended.max(self.back)
    }

    /// The same absence with a stall that ends at `now`.
    #[must_use]
    pub fn stalled(self, now: i64) -> Self {
        Self { back: self.back.max(self.attended(now)), ..self }
    }

    /// What was missed since `earlier`, for whoever counts from then.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let back = if self.back > earlier.back { self.back + earlier.lost } else { i64::MIN };
        Self { lost: self.lost - earlier.lost, back }
    }

    /// This and all that is known of `other`, which is of the same process.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self { lost: self.lost.max(other.lost), back: self.back.max(other.back) }
    }
}

/// When the process was there last, and what it has missed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attendance {
    /// `None`: nobody keeps attendance, so nothing counts as missed.
    there: Option<i64>,
    absence: Absence,
}

impl Attendance {
    /// Attendance that goes on after this.
    #[must_use]
    pub fn after(absence: Absence) -> Self {
        Self { there: None, absence }
    }

    /// The process is there at `now`; how long it stood still until then, if that was a stall.
    pub fn look(&mut self, now: i64) -> Option<i64> {
        let gap = self.there.map_or(0, |there| now - there);
        self.absence = self.at(now);
        self.there = self.there.max(Some(now));
        (gap >= STALL).then_some(gap)
    }

    /// What has been missed at `now`, also in an absence that is not over.
    #[must_use]
    pub fn at(&self, now: i64) -> Absence {
        let gap = self.there.map_or(0, |there| now - there);
        if gap <= GRACE {
            return self.absence;
        }
        let absence = Absence { lost: self.absence.lost + gap - GRACE, ..self.absence };
        if gap >= STALL { absence.stalled(now) } else { absence }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whoever was heard at these times, at the latest possible moments, is silent at `now` by this timeout.
    fn is_silent(heard_in_attended_time: i64, absence: &Absence, now: i64, timeout: i64) -> bool {
        absence.instant(absence.heard(heard_in_attended_time)) + timeout <= now
    }

    #[test]
    fn a_process_that_looks_in_in_time_misses_nothing() {
        let mut attendance = Attendance::default();
        for now in (0..100_000).step_by(GRACE as usize) {
            assert_eq!(attendance.look(now), None);
            assert_eq!(attendance.at(now + GRACE), Absence::default());
        }
    }

    #[test]
    fn nobody_keeps_attendance_and_nothing_is_missed() {
        assert_eq!(Attendance::default().at(1_000_000), Absence::default());
    }

    #[test]
    fn who_decides_first_after_a_stop_knows_of_it_before_the_process_has_looked_in() {
        let mut attendance = Attendance::default();
        attendance.look(0);
        let before = attendance.at(100);
        assert!(!is_silent(before.attended(0), &attendance.at(6_000), 6_000, 3_000));
        assert_eq!(attendance.look(6_000), Some(6_000));
        assert!(!is_silent(0, &attendance.at(6_000), 6_000, 3_000));
        for now in (6_100..9_000).step_by(100) {
            attendance.look(now);
            assert!(
                !is_silent(0, &attendance.at(now), now, 3_000),
                "a full timeout from the end of the stall"
            );
        }
        attendance.look(9_000);
        assert!(is_silent(0, &attendance.at(9_000), 9_000, 3_000));
    }

    #[test]
    fn what_was_missed_before_somebody_began_to_count_is_nothing_to_them() {
        let mut attendance = Attendance::default();
        attendance.look(0);
        attendance.look(7_000);
        let begun = attendance.at(7_000);
        assert_eq!(begun.since(&begun), Absence::default());
        attendance.look(9_000);
        let since = attendance.at(9_000).since(&begun);
        assert_eq!(since.attended(9_000), 7_000 + GRACE);
        assert_eq!(since.heard(0), 7_000 + GRACE);
    }

    /// Time that runs: each so many milliseconds with or without the process.
    fn spans() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0..7_000i64, 100..2_000i64), 1..60)
    }

    proptest! {
        /// Attended time never goes back and never runs faster than the clock, and what is known of an absence while it
        /// lasts is what is known afterwards.
        #[test]
        fn attended_time_runs_on_and_not_faster_than_the_clock(gaps in prop::collection::vec(0..7_000i64, 1..200)) {
            let (mut attendance, mut now, mut attended, mut back) = (Attendance::default(), 0, 0, i64::MIN);
            attendance.look(0);
            for gap in gaps {
                for part in [gap / 3, gap - gap / 3] {
                    now += part;
                    let absence = attendance.at(now);
                    prop_assert!((0..=part).contains(&(absence.attended(now) - attended)));
                    prop_assert!(absence.back >= back);
                    (attended, back) = (absence.attended(now), absence.back);
                }
                attendance.look(now);
                prop_assert_eq!(attendance.at(now).attended(now), attended);
            }
        }

        /// Through any stops, whoever is heard once while the process runs, each time that it does, is never silent:
        /// neither where it is decided at the first moment after a stop nor later.
        #[test]
        fn who_is_heard_whenever_the_server_can_hear_is_never_silent(spans in spans(), timeout in 2_000..10_000i64) {
            let (mut attendance, mut now) = (Attendance::default(), 0);
            attendance.look(0);
            let mut heard = 0;
            for (stopped, running) in spans {
                now += stopped;
                prop_assert!(!is_silent(heard, &attendance.at(now), now, timeout), "first after the stop");
                attendance.look(now);
                let end = now + running.min(timeout / 2);
                while now < end {
                    now += LOOK;
                    prop_assert!(!is_silent(heard, &attendance.at(now), now, timeout));
                    attendance.look(now);
                }
                heard = attendance.at(now).attended(now);
            }
        }

        /// Whoever really is silent is found so once the server has been there for the timeout without a stall.
        #[test]
        fn who_is_silent_is_found_so(spans in spans(), timeout in 1_000..10_000i64) {
            let (mut attendance, mut now) = (Attendance::default(), 0);
            attendance.look(0);
            for (stopped, running) in spans {
                now += stopped;
                attendance.look(now);
                for _ in 0..running / LOOK {
                    now += LOOK;
                    attendance.look(now);
                }
            }
            let end = now + timeout;
            while now < end {
                now += LOOK.min(end - now);
                attendance.look(now);
            }
            prop_assert!(is_silent(0, &attendance.at(now), now, timeout));
        }
    }
}
