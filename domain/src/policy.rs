//! How many fans are let in, and for how long: the organiser's settings of one series.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::mistake::{Mistake, Mistakes};

/// How many are let in. Where both limits are set, the tighter one wins (rule 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePolicy {
    /// At most this many fans are ADMITTED at once.
    pub max_active: Option<u32>,
    /// At most this many fans are admitted in any interval of `interval_seconds`.
    pub admit_per_interval: Option<u32>,
    /// The length of the sliding interval, in seconds.
    pub interval_seconds: u32,
    /// A fan who is not heard from for this long loses the place, in seconds.
    pub heartbeat_timeout_seconds: u32,
    /// How long an admitted fan may choose and pay, in seconds.
    pub session_seconds: u32,
    /// Live holds plus standing reservations of one user in one series (rule 13).
    pub max_seats_per_user: u32,
}

/// What an organiser wants changed: `None` leaves a setting as it is; a limit is taken off by `Some(None)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyPatch {
    /// See [`QueuePolicy::max_active`].
    pub max_active: Option<Option<i32>>,
    /// See [`QueuePolicy::admit_per_interval`].
    pub admit_per_interval: Option<Option<i32>>,
    /// See [`QueuePolicy::interval_seconds`].
    pub interval_seconds: Option<i32>,
    /// See [`QueuePolicy::heartbeat_timeout_seconds`].
    pub heartbeat_timeout_seconds: Option<i32>,
    /// See [`QueuePolicy::session_seconds`].
    pub session_seconds: Option<i32>,
    /// See [`QueuePolicy::max_seats_per_user`].
    pub max_seats_per_user: Option<i32>,
}

impl Default for QueuePolicy {
    fn default() -> Self {
        Self {
            max_active: Some(100),
            admit_per_interval: None,
            interval_seconds: 60,
            heartbeat_timeout_seconds: 60,
            session_seconds: 600,
            max_seats_per_user: 4,
        }
    }
}

impl QueuePolicy {
    /// The longest interval, in seconds. The room remembers its admissions this long, so that a longer
    /// interval can be set at any time and is exact at once.
    pub const MAX_INTERVAL_SECONDS: u32 = 3_600;

    /// The most seats that one user may ever have of one series.
    pub const MAX_SEATS_PER_USER: u32 = 100;

    /// This policy with `patch` laid over it, checked as a whole.
    ///
    /// # Errors
    /// Each setting that is wrong, and what would be right.
    pub fn try_patched(self, patch: PolicyPatch) -> Result<Self, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        let mut number = |name: &'static str, now: u32, new: Option<i32>, most: u32| {
            let new = new.and_then(|n| wrong.take([name.into()], within(n, 1, most)));
            new.unwrap_or(now)
        };
        let mut limit = |name, now: Option<u32>, new: Option<Option<i32>>| match new {
            None => now,
            Some(None) => None,
            Some(Some(n)) => Some(number(name, 0, Some(n), 1_000_000)),
        };
        let patched = Self {
            max_active: limit("maxActive", self.max_active, patch.max_active),
            admit_per_interval: limit("admitPerInterval", self.admit_per_interval, patch.admit_per_interval),
            interval_seconds: number(
                "intervalSeconds",
                self.interval_seconds,
                patch.interval_seconds,
                Self::MAX_INTERVAL_SECONDS,
            ),
            heartbeat_timeout_seconds: number(
                "heartbeatTimeoutSeconds",
                self.heartbeat_timeout_seconds,
                patch.heartbeat_timeout_seconds,
                86_400,
            ),
            session_seconds: number("sessionSeconds", self.session_seconds, patch.session_seconds, 86_400),
            max_seats_per_user: number(
                "maxSeatsPerUser",
                self.max_seats_per_user,
                patch.max_seats_per_user,
                Self::MAX_SEATS_PER_USER,
            ),
        };
        wrong.none_or(patched)
    }

    /// The sliding interval.
    #[must_use]
    pub fn interval(&self) -> TimeDelta {
        TimeDelta::seconds(self.interval_seconds.into())
    }

    /// How long a silent fan keeps the place.
    #[must_use]
    pub fn heartbeat_timeout(&self) -> TimeDelta {
        TimeDelta::seconds(self.heartbeat_timeout_seconds.into())
    }

    /// How long an admitted fan may choose and pay.
    #[must_use]
    pub fn session(&self) -> TimeDelta {
        TimeDelta::seconds(self.session_seconds.into())
    }
}

fn within(n: i32, least: u32, most: u32) -> Result<u32, String> {
    u32::try_from(n)
        .ok()
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| format!("must be between {least} and {most}, not {n}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let patch = PolicyPatch { max_active: Some(None), session_seconds: Some(30), ..Default::default() };
        let new = QueuePolicy::default().try_patched(patch).unwrap();
        assert_eq!(new, QueuePolicy { max_active: None, session_seconds: 30, ..QueuePolicy::default() });
    }

    #[test]
    fn bad_settings_are_named_all_of_them() {
        let patch =
            PolicyPatch { max_active: Some(Some(-1)), interval_seconds: Some(0), ..Default::default() };
        let wrong = QueuePolicy::default().try_patched(patch).unwrap_err();
        let told: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "maxActive must be between 1 and 1000000, not -1",
                "intervalSeconds must be between 1 and 3600, not 0"
            ]
        );
    }
}
