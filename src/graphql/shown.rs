//! The token that a request shows, for as long as it is good: what it allowed ends with it (rule 1).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};

use crate::domain::{claims::Verified, identity::Caller};

/// Put into a request as `Arc<Shown>` by a token that was good when the operation began.
#[derive(Debug)]
pub struct Shown {
    token: Arc<Verified>,
    relied_on: AtomicBool,
}

impl Shown {
    /// By that token.
    #[must_use]
    pub fn new(token: Arc<Verified>) -> Self {
        Self { token, relied_on: AtomicBool::new(false) }
    }

    /// Who shows it, unless it has ended by now. Whoever asks does what only this caller may.
    #[must_use]
    pub fn caller(&self, now: DateTime<Utc>) -> Option<&Caller> {
        if now >= self.token.until {
            return None;
        }
        self.relied_on.store(true, Ordering::Relaxed);
        Some(&self.token.caller)
    }

    /// Whether anything of the operation was for this caller alone, and must not outlast the token.
    #[must_use]
    pub fn was_relied_on(&self) -> bool {
        self.relied_on.load(Ordering::Relaxed)
    }

    /// When the token ends.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        self.token.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{id::UserId, text::PersonName};

    #[test]
    fn nobody_shows_a_token_that_has_ended_and_who_asked_in_time_relied_on_it() {
        let user = UserId::try_new("ann").unwrap();
        let caller = Caller { user, name: PersonName::none(), roles: Vec::new(), pass: None };
        let until = DateTime::from_timestamp_millis(1_800_000_000_500).unwrap();
        let shown = Shown::new(Arc::new(Verified { caller, from: None, until }));
        assert!(shown.caller(until).is_none());
        assert!(!shown.was_relied_on(), "it was of no use any more");
        assert!(shown.caller(until - chrono::TimeDelta::milliseconds(1)).is_some());
        assert!(shown.was_relied_on());
    }
}
