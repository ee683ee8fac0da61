//! The token that a request shows, for as long as it is good: what it allowed ends with it (rule 1).

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};

use crate::domain::identity::Caller;

/// Put into a request as `Arc<Shown>` by a token that was good when the operation began.
#[derive(Debug)]
pub struct Shown {
    caller: Caller,
    until: DateTime<Utc>,
    relied_on: AtomicBool,
}

impl Shown {
    /// `until`: when the token ends.
    #[must_use]
    pub fn new(caller: Caller, until: DateTime<Utc>) -> Self {
        Self { caller, until, relied_on: AtomicBool::new(false) }
    }

    /// Who shows it, unless it has ended by now. Whoever asks does what only this caller may.
    #[must_use]
    pub fn caller(&self, now: DateTime<Utc>) -> Option<&Caller> {
        if now >= self.until {
            return None;
        }
        self.relied_on.store(true, Ordering::Relaxed);
        Some(&self.caller)
    }

    /// Whether anything of the operation was for this caller alone, and must not outlast the token.
    #[must_use]
    pub fn was_relied_on(&self) -> bool {
        self.relied_on.load(Ordering::Relaxed)
    }

    /// When the token ends.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::UserId;

    #[test]
    fn nobody_shows_a_token_that_has_ended_and_who_asked_in_time_relied_on_it() {
        let user = UserId::try_new("ann").unwrap();
        let caller = Caller { user, name: String::new(), roles: Vec::new(), pass: None };
        let until = DateTime::from_timestamp_millis(1_800_000_000_500).unwrap();
        let shown = Shown::new(caller, until);
        assert!(shown.caller(until).is_none());
        assert!(!shown.was_relied_on(), "it was of no use any more");
        assert!(shown.caller(until - chrono::TimeDelta::milliseconds(1)).is_some());
        assert!(shown.was_relied_on());
    }
}
