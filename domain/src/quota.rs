//! How much of something one may have done within an hour, whichever hour it is.

use chrono::{DateTime, TimeDelta, Utc};

/// The hour, which slides.
pub const WINDOW: TimeDelta = TimeDelta::hours(1);

/// What was done, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub at: DateTime<Utc>,
    /// How much.
    pub amount: u32,
}

/// When `asked` more fits under `most` within any hour: `now`, or as soon as enough of what was `done` is an hour old.
/// `None` if it never does, because it is more than `most` by itself. `done` is in the order of its times; what bears a
/// later time than `now` is of a clock that was wrong, and must not count for as long as that was ahead.
#[must_use]
pub fn fits_at(done: &[Done], asked: u32, most: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let room = u64::from(most.checked_sub(asked)?);
    let counts = done.iter().filter(|done| done.at <= now && done.at + WINDOW > now);
    let mut used: u64 = counts.clone().map(|done| u64::from(done.amount)).sum();
    let mut at = now;
    for done in counts {
        if used <= room {
            break;
        }
        used -= u64::from(done.amount);
        at = done.at + WINDOW;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap()
    }

    fn done(ms: i64, amount: u32) -> Done {
        Done { at: at(ms), amount }
    }

    #[test]
    fn what_is_an_hour_old_counts_no_more() {
        let hour = WINDOW.num_milliseconds();
        let twice = [done(0, 1), done(1, 1)];
        assert_eq!(fits_at(&twice, 1, 3, at(2)), Some(at(2)));
        assert_eq!(fits_at(&twice, 1, 2, at(2)), Some(at(hour)));
        assert_eq!(fits_at(&twice, 1, 2, at(hour - 1)), Some(at(hour)));
        assert_eq!(fits_at(&twice, 1, 2, at(hour)), Some(at(hour)));
        assert_eq!(fits_at(&twice, 2, 2, at(hour)), Some(at(hour + 1)));
        assert_eq!(fits_at(&twice, 3, 2, at(hour)), None);
        assert_eq!(fits_at(&[], 0, 0, at(0)), Some(at(0)));
        assert_eq!(fits_at(&twice, 1, 1, at(-1)), Some(at(-1)), "of a clock that was ahead");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// It fits at that time and not a millisecond earlier.
        #[test]
        fn the_time_is_exact(
            mut times in prop::collection::vec((0..7_200_i64, 0..5_u32), 0..30),
            asked in 0..6_u32,
            most in 0..20_u32,
            now in 0..9_000_i64,
        ) {
            times.sort_unstable();
            let done: Vec<_> = times.iter().map(|(second, amount)| done(second * 1_000, *amount)).collect();
            let now = at(now * 1_000).max(done.last().map_or(at(0), |last| last.at));
            let within = |end: DateTime<Utc>| {
                done.iter().filter(|d| d.at > end - WINDOW).map(|d| d.amount).sum::<u32>() + asked <= most
            };
            match fits_at(&done, asked, most, now) {
                None => prop_assert!(asked > most),
                Some(when) => {
                    prop_assert!(when >= now && within(when));
                    prop_assert!(when == now || !within(when - TimeDelta::milliseconds(1)));
                }
            }
        }
    }
}
