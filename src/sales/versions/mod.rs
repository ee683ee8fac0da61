//! What changes, counted: whoever has made something of what this process knew at a [`Point`] can tell whether it is still
//! so.
//!
//! There is one counter, and a slot for each thing that can change, in which stands the count of its last change. What was
//! made of things at a point is as it was while none of their slots has a later count. Each change is counted after memory
//! has it, and before its caller is answered or anybody is told: so who begins at a point sees everything that was counted
//! until then, and who knows of a change finds it counted.
//!
//! Dates share a fixed number of slots: of two that share one, each makes what depends on the other look changed too.

mod followed;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use self::followed::Followed;
pub(super) use self::followed::Look;
use crate::{
    clock,
    domain::{
        date::{Batch, Event},
        id::SeriesId,
    },
    store::journal::Version,
};

/// Dates that have slots of their own if they are lucky: the table takes 128 KiB.
const DATES: usize = 8_192;

/// What changes apart from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Which concerts and dates there are, and what is said of a concert.
    Catalogue,
    /// Everything public of a date but its seats: how its sale stands, its policy, its draw.
    Sale(SeriesId),
    /// What the seats of a date are, and how many of them are what.
    Seats(SeriesId),
}

impl Source {
    /// Of which date.
    fn date(self) -> Option<SeriesId> {
        match self {
            Self::Catalogue => None,
            Self::Sale(date) | Self::Seats(date) => Some(date),
        }
    }

    fn slot(self) -> usize {
        // The last bits of an id are random.
        let of = |date: SeriesId| 1 + 2 * (date.0.as_u128() as usize % DATES);
        match self {
            Self::Catalogue => 0,
            Self::Sale(date) => of(date),
            Self::Seats(date) => of(date) + 1,
        }
    }
}

/// How many changes had been counted at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point(u64);

/// See the module.
#[derive(Debug)]
pub struct Versions {
    counted: AtomicU64,
    slots: Box<[AtomicU64]>,
    /// `None` where this process is alone, and all that changes passes here.
    followed: Option<Followed>,
}

impl Versions {
    /// `shared`: other processes change things too.
    #[must_use]
    pub fn new(shared: bool) -> Self {
        let slots = (0..1 + 2 * DATES).map(|_| AtomicU64::new(0)).collect();
        Self { counted: AtomicU64::new(0), slots, followed: shared.then(Followed::new) }
    }

    /// Now.
    #[must_use]
    pub fn point(&self) -> Point {
        Point(self.counted.load(Ordering::SeqCst))
    }

    /// Counts a change. Memory has it already.
    pub fn changed(&self, source: Source) {
        let count = self.counted.fetch_add(1, Ordering::SeqCst) + 1;
        self.slots[source.slot()].fetch_max(count, Ordering::SeqCst);
    }

    /// Counts what a commit has changed. `sold_out_changed`: the last seat is gone, or one is there again.
    pub(super) fn committed(&self, date: SeriesId, batch: &Batch, sold_out_changed: bool) {
        let changes: Vec<_> = batch.events.iter().map(Changes::of).collect();
        if sold_out_changed || changes.contains(&Changes::Sale) {
            self.changed(Source::Sale(date));
        }
        if changes.contains(&Changes::Seats) {
            self.changed(Source::Seats(date));
        }
    }

    /// Counts that anything of a date may have changed.
    pub(super) fn date_changed(&self, date: SeriesId) {
        self.changed(Source::Sale(date));
        self.changed(Source::Seats(date));
    }

    /// Whether all of these are as they were at that point, as far as is known here.
    #[must_use]
    pub fn are_unchanged(&self, sources: &[Source], since: Point) -> bool {
        sources.iter().all(|source| self.slots[source.slot()].load(Ordering::SeqCst) <= since.0)
    }

    /// Whether it is known within a second what other processes do to what is [followed](Self::follow).
    #[must_use]
    pub fn are_current(&self) -> bool {
        self.followed.as_ref().is_none_or(|followed| followed.is_current(clock::instant()))
    }

    /// Asks for the changes of these, and says whether they have been heard of since `since`. What other processes do is
    /// looked for only where somebody asks for it, and for a while after.
    #[must_use]
    pub fn follow(&self, sources: &[Source], since: Point) -> bool {
        let now = clock::instant();
        self.followed.as_ref().is_none_or(|followed| followed.follow(sources, since, now))
    }

    /// What to look for, of other processes.
    pub(super) fn look(&self) -> Option<Look> {
        Some(self.followed.as_ref()?.look(self, clock::instant()))
    }

    /// Takes in what was found.
    pub(super) fn seen(&self, look: Look, versions: &HashMap<SeriesId, Version>, catalogue: Option<i64>) {
        if let Some(followed) = &self.followed {
            followed.seen(self, look, versions, catalogue);
        }
    }
}

/// Which part of what is public an event changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changes {
    Nothing,
    Sale,
    Seats,
}

impl Changes {
    fn of(event: &Event) -> Self {
        match event {
            Event::Drawn | Event::Closed | Event::PolicySet(_) | Event::PauseSet(_) => Self::Sale,
            Event::Held { .. }
            | Event::Lapsed { .. }
            | Event::Released { .. }
            | Event::Paid { .. }
            | Event::Cancelled { .. } => Self::Seats,
            // Who waits and who pays is nobody else's business.
            Event::Joined { .. }
            | Event::Admitted { .. }
            | Event::Ended { .. }
            | Event::Unpaid { .. }
            | Event::Posted(_)
            | Event::KeyUsed { .. } => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn date(n: u128) -> SeriesId {
        SeriesId(Uuid::from_u128(n))
    }

    #[test]
    fn what_was_counted_after_a_point_is_known_there_and_nothing_before() {
        let versions = Versions::new(false);
        let [ann, bob] = [1, 2].map(date);
        let all =
            [Source::Catalogue, Source::Sale(ann), Source::Seats(ann), Source::Sale(bob), Source::Seats(bob)];
        for changed in all {
            versions.changed(changed);
            let since = versions.point();
            assert!(versions.are_unchanged(&all, since), "what was before");
            versions.changed(changed);
            for source in all {
                assert_eq!(
                    versions.are_unchanged(&[source], since),
                    source != changed,
                    "{source:?} {changed:?}"
                );
            }
        }
        assert!(versions.are_current() && versions.follow(&all, versions.point()), "it is alone");
    }

    #[test]
    fn dates_that_share_a_slot_only_make_each_other_look_changed() {
        let versions = Versions::new(false);
        let (one, other) = (date(5), date(5 + DATES as u128));
        let since = versions.point();
        versions.changed(Source::Seats(one));
        assert!(!versions.are_unchanged(&[Source::Seats(other)], since));
        assert!(versions.are_unchanged(&[Source::Sale(other), Source::Catalogue], since));
    }
}
