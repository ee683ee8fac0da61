//! Which news of a shared room this process has heard. A message that is lost without the loss of a connection would be
//! silence for those who watch; so the news are numbered, and whoever decides learns the latest number.

use chrono::{DateTime, TimeDelta, Utc};

/// How long a message may be on its way.
const LATE: TimeDelta = TimeDelta::milliseconds(500);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The latest number that was heard; 0 before the first.
    heard: i64,
    /// A number that has been given out and not been heard, and since when that is known.
    awaited: Option<(i64, DateTime<Utc>)>,
}

impl Followed {
    /// Takes in the number of a message; whether there are some before it that were not heard.
    pub(super) fn hear(&mut self, number: i64) -> bool {
        let gap = self.heard != 0 && number > self.heard + 1;
        self.heard = self.heard.max(number);
        gap
    }

    /// Takes in that `told` was the latest number at `now`, which is real time; whether it should have been heard by
    /// now. That is said once.
    pub(super) fn is_behind(&mut self, told: i64, now: DateTime<Utc>) -> bool {
        match self.awaited {
            // Whoever has just begun to listen knows what there is.
            _ if self.heard == 0 => self.heard = told,
            _ if told <= self.heard => self.awaited = None,
            Some((awaited, since)) if awaited > self.heard => {
                if now - since >= LATE {
                    self.heard = told;
                    self.awaited = None;
                    return true;
                }
            }
            _ => self.awaited = Some((told, now)),
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_noticed_and_what_comes_twice_or_late_is_none() {
        let mut followed = Followed::default();
        assert!(!followed.hear(7), "the first one that is heard at all");
        assert!(!followed.hear(8));
        assert!(followed.hear(10));
        assert!(!followed.hear(9) && !followed.hear(10) && !followed.hear(11));
    }

    #[test]
    fn what_was_told_and_not_heard_in_time_is_missed_once() {
        let mut followed = Followed::default();
        let start = DateTime::UNIX_EPOCH;
        assert!(!followed.is_behind(7, start), "there were some before");
        assert!(!followed.is_behind(8, start));
        assert!(!followed.is_behind(9, start + LATE - TimeDelta::milliseconds(1)));
        assert!(!followed.hear(8), "the one that was awaited");
        // The next one is awaited from now on.
        assert!(!followed.is_behind(9, start + LATE));
        assert!(followed.is_behind(10, start + LATE * 2));
        assert!(!followed.is_behind(10, start + LATE * 9));
        assert!(!followed.hear(11));
    }
}
