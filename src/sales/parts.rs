//! What every date of a process works with.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    clock::{Clock, Entropy},
    domain::{date::Batch, id::SeriesId},
    sales::versions::Versions,
    store::journal::Version,
};

/// How much later than the preferred process another one does what is due: a commit and its news are quicker.
const LATER: TimeDelta = TimeDelta::milliseconds(400);

/// A commit, as other processes are told of it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Of this date.
    pub date: SeriesId,
    /// The version that it followed.
    pub before: Version,
    /// What the date came to by it.
    pub version: Version,
    /// What happened.
    pub batch: Batch,
}

/// How other processes are told of commits. Telling is fire and forget: it never delays a commit and never fails one; who
/// misses something finds it in the log.
pub trait News: std::fmt::Debug + Send + Sync + 'static {
    /// Tells them, as soon as may be.
    fn committed(&self, committed: Committed);

    /// Tells them of a new date.
    fn created(&self, date: SeriesId);
}

/// There is nobody to tell.
#[derive(Debug)]
pub struct NoNews;

impl News for NoNews {
    fn committed(&self, _: Committed) {}

    fn created(&self, _: SeriesId) {}
}

/// The processes that share the database, as far as they have been heard of lately, and which of them does what first.
#[derive(Debug)]
pub struct Peers {
    me: Uuid,
    others: RwLock<Vec<Uuid>>,
}

impl Peers {
    /// Nobody but this process is known.
    #[must_use]
    pub fn new(me: Uuid) -> Self {
        Self { me, others: RwLock::default() }
    }

    /// This process.
    #[must_use]
    pub fn me(&self) -> Uuid {
        self.me
    }

    /// Takes in who else there is.
    pub fn know(&self, others: Vec<Uuid>) {
        *self.others.write().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// How long this process waits with what is due of a date, so that fifty do not reach for one lock at one instant. A
    /// hint: whoever has the lock decides.
    pub(super) fn hesitation(&self, date: SeriesId) -> TimeDelta {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let mine = weight(self.me, date);
        if others.iter().any(|other| weight(*other, date) > mine) { LATER } else { TimeDelta::zero() }
    }
}

/// Rendezvous hashing: each date prefers the process of the greatest weight, and most keep theirs when one comes or goes.
fn weight(process: Uuid, date: SeriesId) -> (u128, Uuid) {
    let mixed =
        (process.as_u128() ^ date.0.as_u128()).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (mixed ^ (mixed >> 61), process)
}

/// See the module.
#[derive(Debug)]
pub struct Parts<J> {
    /// The database.
    pub journal: J,
    /// What time it is.
    pub clock: Clock,
    /// Ids and heads.
    pub entropy: Entropy,
    /// How others are told.
    pub news: Arc<dyn News>,
    /// Whether there may be others.
    pub shared: bool,
    /// Who they are.
    pub peers: Peers,
    /// What changes, counted.
    pub versions: Arc<Versions>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_date_prefers_one_process_and_all_of_them_have_some() {
        let processes: Vec<_> = (1..=5).map(|n| Uuid::from_u128(n * 0x1234_5678_9abc)).collect();
        let peers: Vec<_> = processes
            .iter()
            .map(|me| {
                let peers = Peers::new(*me);
                peers.know(processes.iter().filter(|other| *other != me).copied().collect());
                peers
            })
            .collect();
        let mut preferred = vec![0; processes.len()];
        for n in 0..500_u128 {
            let date = SeriesId(Uuid::from_u128(n * 0x9876_5432_1fed_cba9));
            let first: Vec<_> = (0..peers.len()).filter(|at| peers[*at].hesitation(date).is_zero()).collect();
            assert_eq!(first.len(), 1);
            preferred[first[0]] += 1;
        }
        assert!(preferred.iter().all(|dates| *dates > 50), "{preferred:?}");
    }
}
