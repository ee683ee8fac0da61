//! Rule 13: what a user lets end unpaid is counted in the order in which it ended.

use chrono::{DateTime, Utc};

use crate::{
    id::{HoldId, SeriesId, UserId},
    sale::{
        holds::finish,
        rows::{Hold, HoldStatus},
        working_set::WorkingSet,
    },
};

/// Counts a hold that has just ended unpaid, at `end`.
pub(super) fn count(set: &mut WorkingSet, hold: &Hold, end: DateTime<Utc>) {
    let Some(policy) = set.series.get(&hold.series).map(|series| series.policy) else { return };
    let key = (hold.series, hold.user.clone());
    let before = set.unpaid.get(&key).copied();
    let now = before.unwrap_or_default().with((hold.created_at, hold.expires_at), end, &policy);
    match set.unpaid.change(&key) {
        Some(unpaid) => *unpaid = now,
        None => set.unpaid.insert(key, now),
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
