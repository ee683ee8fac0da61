//! Rule 13: who lets hold after hold of a series end unpaid takes none there for a while, so that nobody keeps seats
//! from others without paying. It is counted by user and series, whatever place or token the holds were taken with.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    id::{HoldId, SeriesId, UserId},
    policy::QueuePolicy,
    sale::{
        HOLD_SECONDS,
        holds::finish,
        rows::{Hold, HoldStatus},
        working_set::WorkingSet,
    },
};

/// So many times the seats that a fan may have is how many holds may end unpaid before the fan is barred.
const TIMES: u32 = 3;

/// How long a hold may last and be given back as if nothing had been, in seconds: a fan may think again.
const SECOND_THOUGHTS: i64 = 60;

/// As lasting so long counts what was given back sooner, in seconds: who takes and gives back in a loop keeps everybody who
/// watches busy.
const BRIEF: i64 = 5;

/// What a user has let end unpaid in a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpaid {
    /// Who.
    pub user: UserId,
    /// Where.
    pub series: SeriesId,
    /// Holds since the last bar that lapsed or were given back after more than a minute.
    pub ended: u32,
    /// How long those since the last bar lasted that were given back sooner, all together, in milliseconds.
    pub brief_ms: i64,
    /// The last bar: from when on, and until when.
    pub barred: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Unpaid {
    fn new(user: UserId, series: SeriesId) -> Self {
        Self { user, series, ended: 0, brief_ms: 0, barred: None }
    }

    /// Until when the user takes no holds there, if that is so at `now`.
    #[must_use]
    pub fn barred_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.barred.map(|(_, until)| until).filter(|until| now < *until)
    }

    /// Counts a hold that ended unpaid at `end`, and bars its owner from then on if that is one too many.
    fn count(&mut self, hold: &Hold, end: DateTime<Utc>, policy: &QueuePolicy) {
        let lasted = end - hold.created_at;
        if hold.status == HoldStatus::Expired || lasted > TimeDelta::seconds(SECOND_THOUGHTS) {
            self.ended += 1;
        } else {
            self.brief_ms += lasted.max(TimeDelta::seconds(BRIEF)).num_milliseconds();
        }
        let most = TIMES * policy.max_seats_per_user;
        // Seats that are given back and taken again within each minute are kept from others all the same: together
        // these may last no longer than as many holds that lapse.
        if self.ended >= most || self.brief_ms >= i64::from(most) * HOLD_SECONDS * 1_000 {
            let until = end + policy.session();
            *self = Self { barred: Some((end, until)), ..Self::new(self.user.clone(), self.series) };
        }
    }
}

/// Counts a hold that has just ended unpaid, at `end`.
pub(super) fn count(set: &mut WorkingSet, hold: &Hold, end: DateTime<Utc>) {
    let Some(policy) = set.series.get(&hold.series).map(|series| series.policy) else { return };
    let key = (hold.series, hold.user.clone());
    if set.unpaid.get(&key).is_none() {
        set.unpaid.insert(key.clone(), Unpaid::new(hold.user.clone(), hold.series));
    }
    if let Some(unpaid) = set.unpaid.change(&key) {
        unpaid.count(hold, end, &policy);
    }
}

/// Marks what has lapsed of a user's holds of a series, in the order in which it did: so each counts at its own end,
/// whether or not any cleaner has run.
pub(super) fn mark_lapsed(set: &mut WorkingSet, user: &UserId, series: SeriesId, now: DateTime<Utc>) {
    let own = |hold: &&Hold| hold.user == *user && hold.series == series;
    let lapsed = set.holds.iter().filter(own).filter(|hold| has_lapsed(hold, now)).map(|hold| hold.id);
    let lapsed = lapsed.collect();
    expire_all(set, lapsed, now);
}

/// Whether it has lapsed and nobody has marked it so.
pub(super) fn has_lapsed(hold: &Hold, now: DateTime<Utc>) -> bool {
    hold.status == HoldStatus::Active && hold.expires_at <= now
}

/// Marks these, in the order of their ends.
pub(super) fn expire_all(set: &mut WorkingSet, mut lapsed: Vec<HoldId>, now: DateTime<Utc>) {
    lapsed.sort_unstable_by_key(|id| (set.holds.get(id).map(|hold| hold.expires_at), *id));
    for hold in lapsed {
        finish(set, hold, HoldStatus::Expired, now);
    }
}
