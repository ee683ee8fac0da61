//! What other processes change of what is not in memory here. The heads of those dates that somebody has asked for lately
//! are looked at every 300 ms, and so is the number of the catalogue.
//!
//! A date is followed from the first look that has found its head: that look counts a change of it, so that whatever was
//! made of the date before is not taken for what it is now.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Point, Source, Versions};
use crate::{clock, domain::id::SeriesId, store::journal::Version};

/// Dates that are followed at most: some ten milliseconds of the database for each look.
const MOST: usize = 4_096;

/// For how long nobody may have asked for a date that is still followed.
const UNUSED: Duration = Duration::from_secs(60);

/// How old the last look may be, in milliseconds: what is public is one second old at most (rule 27).
const CURRENT: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Followed {
    state: Mutex<State>,
    born: Instant,
    /// When the last look that found everything began, in milliseconds from a moment before that; 0 for none.
    looked: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    dates: HashMap<SeriesId, Heard<Version>>,
    catalogue: Option<Heard<i64>>,
}

/// How far something is known that is followed.
#[derive(Debug)]
struct Heard<T> {
    /// What the last look has found, and what had been counted when the first had.
    known: Option<(T, Point)>,
    asked: Instant,
}

impl<T> Heard<T> {
    fn asked(now: Instant) -> Self {
        Self { known: None, asked: now }
    }
}

/// A look at the database that begins.
#[derive(Debug)]
pub(in crate::sales) struct Look {
    begun: Instant,
    /// Whose heads to look at.
    pub(in crate::sales) dates: Vec<SeriesId>,
    /// Whether to look at the number of the catalogue.
    pub(in crate::sales) catalogue: bool,
}

impl Followed {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), born: clock::instant(), looked: AtomicU64::new(0) }
    }

    pub(super) fn is_current(&self, now: Instant) -> bool {
        let looked = self.looked.load(Ordering::Acquire);
        looked > 0 && self.at(now) <= looked + CURRENT
    }

    pub(super) fn follow(&self, sources: &[Source], since: Point, now: Instant) -> bool {
        let mut state = self.lock();
        let mut all = true;
        for source in sources {
            all &= match source.date() {
                Some(date) => state.follow(date, now, since),
                None => state.catalogue.get_or_insert_with(|| Heard::asked(now)).ask(now, since),
            };
        }
        all
    }

    /// What nobody has asked for lately is followed no more: once it is again, it has changed.
    pub(super) fn look(&self, versions: &Versions, begun: Instant) -> Look {
        let is_used = |asked: Instant| begun.duration_since(asked) < UNUSED;
        let mut state = self.lock();
        state.dates.retain(|date, heard| {
            let is_used = is_used(heard.asked);
            if !is_used {
                versions.date_changed(*date);
            }
            is_used
        });
        if state.catalogue.as_ref().is_some_and(|heard| !is_used(heard.asked)) {
            state.catalogue = None;
            versions.changed(Source::Catalogue);
        }
        Look { begun, dates: state.dates.keys().copied().collect(), catalogue: state.catalogue.is_some() }
    }

    pub(super) fn seen(
        &self,
        versions: &Versions,
        look: Look,
        found: &HashMap<SeriesId, Version>,
        catalogue: Option<i64>,
    ) {
        let mut state = self.lock();
        for date in look.dates {
            match (state.dates.get_mut(&date), found.get(&date)) {
                (Some(heard), Some(found)) => heard.take(*found, versions, || versions.date_changed(date)),
                // Nobody keeps others from being followed by asking for what does not exist.
                (Some(_), None) => {
                    state.dates.remove(&date);
                    versions.date_changed(date);
                }
                (None, _) => {}
            }
        }
        if let (Some(heard), Some(found)) = (&mut state.catalogue, catalogue) {
            heard.take(found, versions, || versions.changed(Source::Catalogue));
        }
        self.looked.fetch_max(self.at(look.begun), Ordering::AcqRel);
    }

    fn at(&self, moment: Instant) -> u64 {
        1 + u64::try_from(moment.duration_since(self.born).as_millis()).unwrap_or(u64::MAX - 1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn follow(&mut self, date: SeriesId, now: Instant, since: Point) -> bool {
        if let Some(heard) = self.dates.get_mut(&date) {
            return heard.ask(now, since);
        }
        if self.dates.len() < MOST {
            self.dates.insert(date, Heard::asked(now));
        }
        false
    }
}

impl<T: PartialEq> Heard<T> {
    fn ask(&mut self, now: Instant, since: Point) -> bool {
        self.asked = now;
        self.known.as_ref().is_some_and(|(_, first)| *first <= since)
    }

    fn take(&mut self, found: T, versions: &Versions, changed: impl Fn()) {
        match &mut self.known {
            Some((known, _)) if *known == found => {}
            Some((known, _)) => {
                *known = found;
                changed();
            }
            None => {
                changed();
                self.known = Some((found, versions.point()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn date(n: u128) -> SeriesId {
        SeriesId(Uuid::from_u128(n))
    }

    fn head(number: i64) -> Version {
        Version { number, head: Uuid::from_u128(7) }
    }

    /// A look that finds all dates at these versions.
    fn look(
        versions: &Versions,
        followed: &Followed,
        at: Instant,
        dates: &[(u128, Version)],
        catalogue: i64,
    ) {
        let look = followed.look(versions, at);
        let found = dates.iter().map(|(n, head)| (date(*n), *head)).collect();
        followed.seen(versions, look, &found, Some(catalogue));
    }

    #[test]
    fn what_was_made_before_it_was_followed_is_not_taken_for_what_is() {
        let (versions, followed, now) = (Versions::new(true), Followed::new(), clock::instant());
        let sources = [Source::Catalogue, Source::Seats(date(1)), Source::Sale(date(2))];
        let before = versions.point();
        assert!(!followed.follow(&sources, before, now));
        assert!(!followed.follow(&sources, versions.point(), now), "no look so far");
        look(&versions, &followed, now, &[(1, head(1)), (2, head(1))], 1);
        assert!(!followed.follow(&sources, before, now), "it was begun before the look");
        assert!(!versions.are_unchanged(&sources, before));
        let after = versions.point();
        assert!(followed.follow(&sources, after, now) && versions.are_unchanged(&sources, after));
        // A date that a look did not find is not followed.
        let missing = [Source::Sale(date(3))];
        assert!(!followed.follow(&missing, after, now));
        look(&versions, &followed, now, &[(1, head(1)), (2, head(1))], 1);
        assert!(!followed.follow(&missing, versions.point(), now));
        assert!(versions.are_unchanged(&sources, after), "what is as it was is not counted again");
    }

    #[test]
    fn a_look_counts_what_it_finds_changed_and_nothing_else() {
        let (versions, followed, now) = (Versions::new(true), Followed::new(), clock::instant());
        let all = [Source::Catalogue, Source::Seats(date(1)), Source::Sale(date(1)), Source::Seats(date(2))];
        let _ = followed.follow(&all, versions.point(), now);
        look(&versions, &followed, now, &[(1, head(1)), (2, head(1))], 1);
        let other_head = Version { number: 2, head: Uuid::from_u128(8) };
        for (found, catalogue, changed) in [
            ([(1, head(2)), (2, head(1))], 1, [false, true, true, false]),
            // The same number of another history.
            ([(1, other_head), (2, head(1))], 1, [false, true, true, false]),
            ([(1, other_head), (2, head(1))], 2, [true, false, false, false]),
            ([(1, other_head), (2, head(9))], 2, [false, false, false, true]),
        ] {
            let since = versions.point();
            look(&versions, &followed, now, &found, catalogue);
            assert_eq!(all.map(|source| !versions.are_unchanged(&[source], since)), changed);
        }
    }

    #[test]
    fn what_nobody_asks_for_is_let_go_and_counted_as_changed() {
        let (versions, followed, now) = (Versions::new(true), Followed::new(), clock::instant());
        let (used, unused) = ([Source::Sale(date(1))], [Source::Sale(date(2)), Source::Catalogue]);
        for sources in [&used[..], &unused] {
            let _ = followed.follow(sources, versions.point(), now);
        }
        look(&versions, &followed, now, &[(1, head(1)), (2, head(1))], 1);
        let since = versions.point();
        let _ = followed.follow(&used, since, now + UNUSED);
        look(&versions, &followed, now + UNUSED, &[(1, head(1)), (2, head(1))], 1);
        assert!(versions.are_unchanged(&used, since) && followed.follow(&used, since, now));
        for source in unused {
            assert!(!versions.are_unchanged(&[source], since));
            assert!(!followed.follow(&[source], versions.point(), now), "it is looked at from now on only");
        }
    }

    #[test]
    fn nothing_is_current_a_second_after_the_last_look_and_no_more_are_followed_than_fit() {
        let (versions, followed, now) = (Versions::new(true), Followed::new(), clock::instant());
        assert!(!followed.is_current(now));
        look(&versions, &followed, now, &[], 1);
        assert!(followed.is_current(now) && followed.is_current(now + SECOND));
        assert!(!followed.is_current(now + SECOND + Duration::from_millis(1)));
        let sources: Vec<_> = (0..2 * MOST as u128).map(|n| Source::Sale(date(n))).collect();
        let _ = followed.follow(&sources, versions.point(), now);
        assert_eq!(followed.look(&versions, now).dates.len(), MOST);
    }
}
