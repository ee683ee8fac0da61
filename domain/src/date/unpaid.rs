//! Rule 13: who lets hold after hold end unpaid takes none for a while, so that nobody keeps seats from others without
//! paying. It is counted by user, whatever place or token the holds were taken with.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{policy::QueuePolicy, sale::HOLD_SECONDS};

/// So many times the seats that a fan may have is how many holds may end unpaid before the fan is barred.
const TIMES: u32 = 3;

/// How long a hold may last and be given back as if nothing had been, in seconds: a fan may think again.
const SECOND_THOUGHTS: i64 = 60;

/// As lasting so long counts what was given back sooner, in seconds: who takes and gives back in a loop keeps everybody
/// who watches busy.
const BRIEF: i64 = 5;

/// What a user has let end unpaid on one date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpaid {
    /// Holds since the last bar that lapsed or were given back after more than a minute.
    pub ended: u32,
    /// How long those since the last bar lasted that were given back sooner, all together, in milliseconds.
    pub brief_ms: i64,
    /// The last bar: from when on, and until when.
    #[serde(with = "crate::time::span_in_milliseconds")]
    pub barred: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Unpaid {
    /// Until when the user takes no holds, if that is so at `now`.
    #[must_use]
    pub fn barred_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.barred.map(|(_, until)| until).filter(|until| now < *until)
    }

    /// With one more hold, of this time, that ended unpaid at `end`; its owner is barred from then on if that is one too
    /// many.
    pub(crate) fn with(
        self,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        end: DateTime<Utc>,
        policy: &QueuePolicy,
    ) -> Self {
        let lasted = end - from;
        let mut unpaid = self;
        if end >= until || lasted > TimeDelta::seconds(SECOND_THOUGHTS) {
            unpaid.ended += 1;
        } else {
            unpaid.brief_ms += lasted.max(TimeDelta::seconds(BRIEF)).num_milliseconds();
        }
        let most = TIMES * policy.max_seats_per_user;
        // Seats that are given back and taken again within each minute are kept from others all the same: together
        // these may last no longer than as many holds that lapse.
        if unpaid.ended >= most || unpaid.brief_ms >= i64::from(most) * HOLD_SECONDS * 1_000 {
            return Self { barred: Some((end, end + policy.session())), ..Self::default() };
        }
        unpaid
    }
}
