//! The seats of one series as its watchers know them: a version, who has what, what changed lately, and which
//! seats side by side are the best that are left (rule 14).
//!
//! A copy of what the database says, moved on by each commit's changes. It never decides a sale: it shows
//! seats to watchers and proposes seats to [`super::sale`], which looks at the rows themselves.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use crate::domain::{
    id::SeatId,
    sale::{Seat, SeatState, SeatStatus},
};

/// How many changed versions the map remembers for those who come back.
const REMEMBERED: usize = 1_024;

/// A seat and whose it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatChange {
    /// The seat.
    pub seat: SeatId,
    /// Whose it is.
    pub state: SeatState,
}

/// A seat as a watcher is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenSeat {
    /// The seat.
    pub id: SeatId,
    /// 1-based, unique in its series.
    pub number: i32,
    /// As it is now.
    pub status: SeatStatus,
}

/// What [`SeatMap::apply`] did with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was the next one.
    Now,
    /// It was known already.
    Before,
    /// Something is missing in between: the map has to be loaded anew.
    Gap,
}

#[derive(Clone, Debug)]
struct MapSeat {
    id: SeatId,
    number: i32,
    section: Arc<str>,
    row: i32,
    col: i32,
    state: SeatState,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct SeatMap {
    version: i32,
    seats: Vec<MapSeat>,
    index: HashMap<SeatId, usize>,
    free: usize,
    reserved: usize,
    /// Held seats by the end of their hold.
    held: BTreeSet<(DateTime<Utc>, usize)>,
    /// The latest versions and the seats that each changed.
    recent: VecDeque<(i32, Vec<usize>)>,
    /// Columns of each section, to know where its middle is.
    width: HashMap<Arc<str>, i32>,
}

impl SeatMap {
    /// A map of these seats as they stood at `version`.
    #[must_use]
    pub fn new(version: i32, mut seats: Vec<Seat>) -> Self {
        seats.sort_by_key(|seat| seat.number);
        let mut map = Self {
            version,
            seats: Vec::with_capacity(seats.len()),
            index: HashMap::with_capacity(seats.len()),
            free: 0,
            reserved: 0,
            held: BTreeSet::new(),
            recent: VecDeque::new(),
            width: HashMap::new(),
        };
        for seat in seats {
            let section = match map.width.get_key_value(seat.section.as_str()) {
                Some((name, _)) => Arc::clone(name),
                None => Arc::from(seat.section.as_str()),
            };
            let width = map.width.entry(Arc::clone(&section)).or_default();
            *width = seat.col.max(*width);
            let i = map.seats.len();
            map.index.insert(seat.id, i);
            let Seat { id, number, row, col, state, .. } = seat;
            map.seats.push(MapSeat { id, number, section, row, col, state });
            map.count(i, state);
        }
        map
    }

    /// The version: grows by one with each commit that changed a seat.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.version
    }

    /// Moves on to `version` by the seats that it changed.
    pub fn apply(&mut self, version: i32, changes: &[SeatChange]) -> Applied {
        if version <= self.version {
            return Applied::Before;
        }
        if version != self.version + 1 {
            return Applied::Gap;
        }
        self.version = version;
        let mut touched = Vec::with_capacity(changes.len());
        for change in changes {
            let Some(&i) = self.index.get(&change.seat) else { return Applied::Gap };
            let before = std::mem::replace(&mut self.seats[i].state, change.state);
            self.uncount(i, before);
            self.count(i, change.state);
            touched.push(i);
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((version, touched));
        Applied::Now
    }

    fn count(&mut self, i: usize, state: SeatState) {
        match state {
            SeatState::Free => self.free += 1,
            SeatState::Held { until, .. } => {
                self.held.insert((until, i));
            }
            SeatState::Reserved(_) => self.reserved += 1,
        }
    }

    fn uncount(&mut self, i: usize, state: SeatState) {
        match state {
            SeatState::Free => self.free -= 1,
            SeatState::Held { until, .. } => {
                self.held.remove(&(until, i));
            }
            SeatState::Reserved(_) => self.reserved -= 1,
        }
    }

    /// Seats that can be held right now.
    #[must_use]
    pub fn available(&self, now: DateTime<Utc>) -> usize {
        self.free + self.held.range(..=(now, usize::MAX)).count()
    }

    /// Seats that somebody is choosing right now.
    #[must_use]
    pub fn held(&self, now: DateTime<Utc>) -> usize {
        self.seats.len() - self.reserved - self.available(now)
    }

    /// Seats that are sold.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// Every seat.
    #[must_use]
    pub fn snapshot(&self, now: DateTime<Utc>) -> Vec<SeenSeat> {
        self.seats.iter().map(|seat| seen(seat, now)).collect()
    }

    /// The seats that changed after `version`, as they are now; `None` if that is too long ago to know, or
    /// still to come.
    #[must_use]
    pub fn since(&self, version: i32, now: DateTime<Utc>) -> Option<Vec<SeenSeat>> {
        let known = version == self.version
            || self.recent.front().is_some_and(|(oldest, _)| *oldest <= version.saturating_add(1));
        if !known || version > self.version {
            return None;
        }
        let later = self.recent.iter().filter(|(v, _)| *v > version).flat_map(|(_, seats)| seats);
        let seats: BTreeSet<usize> = later.copied().collect();
        Some(seats.into_iter().map(|i| seen(&self.seats[i], now)).collect())
    }

    /// Those of `seats` that the map knows, as they are now.
    #[must_use]
    pub fn look(&self, seats: &[SeatChange], now: DateTime<Utc>) -> Vec<SeenSeat> {
        seats.iter().filter_map(|c| self.index.get(&c.seat)).map(|&i| seen(&self.seats[i], now)).collect()
    }

    /// Whether there is a section of that name.
    #[must_use]
    pub fn has_section(&self, name: &str) -> bool {
        self.width.contains_key(name)
    }

    /// The best `count` seats side by side in one row: sections in their order, rows from the front, and in a
    /// row the ones nearest to the middle. Seats in `spoken_for` count as taken.
    #[must_use]
    pub fn best(
        &self,
        count: usize,
        section: Option<&str>,
        now: DateTime<Utc>,
        spoken_for: &HashSet<SeatId>,
    ) -> Option<Vec<SeatId>> {
        let open = |seat: &MapSeat| {
            seat.state.status(now) == SeatStatus::Available && !spoken_for.contains(&seat.id)
        };
        self.seats
            .chunk_by(|a, b| a.section == b.section && a.row == b.row)
            .filter(|row| section.is_none_or(|name| &*row[0].section == name))
            .find_map(|row| {
                let middle = self.width.get(&row[0].section)? + 1;
                row.windows(count)
                    .filter(|seats| {
                        seats.iter().all(open) && seats[count - 1].col - seats[0].col == count as i32 - 1
                    })
                    .min_by_key(|seats| (seats[0].col + seats[count - 1].col - middle).abs())
            })
            .map(|seats| seats.iter().map(|seat| seat.id).collect())
    }
}

fn seen(seat: &MapSeat, now: DateTime<Utc>) -> SeenSeat {
    SeenSeat { id: seat.id, number: seat.number, status: seat.state.status(now) }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        catalog,
        id::{HoldId, ReservationId, SeriesId},
    };

    fn id(n: i32) -> SeatId {
        SeatId(Uuid::from_u128(n as u128))
    }

    fn map() -> SeatMap {
        let seats = catalog::try_seats(&catalog::standard_house()).unwrap();
        let seats = seats.into_iter().map(|s| Seat {
            id: id(s.number),
            series: SeriesId(Uuid::nil()),
            number: s.number,
            section: s.section,
            row: s.row,
            col: s.col,
            price: s.price,
            state: SeatState::Free,
        });
        SeatMap::new(7, seats.collect())
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn held(n: i32, seconds: i64) -> SeatChange {
        let state = SeatState::Held { hold: HoldId(Uuid::nil()), until: now() + TimeDelta::seconds(seconds) };
        SeatChange { seat: id(n), state }
    }

    fn sold(n: i32) -> SeatChange {
        SeatChange { seat: id(n), state: SeatState::Reserved(ReservationId(Uuid::nil())) }
    }

    fn best(map: &SeatMap, count: usize) -> Option<Vec<i32>> {
        let seats = map.best(count, None, now(), &HashSet::new())?;
        Some(seats.into_iter().map(|seat| seat.0.as_u128() as i32).collect())
    }

    #[test]
    fn a_lapsed_hold_counts_as_available_at_its_end_and_not_before() {
        let mut map = map();
        assert_eq!(map.apply(8, &[held(1, 10), sold(2)]), Applied::Now);
        let at = |ms| now() + TimeDelta::milliseconds(ms);
        assert_eq!((map.available(at(9_999)), map.held(at(9_999)), map.reserved()), (48, 1, 1));
        assert_eq!((map.available(at(10_000)), map.held(at(10_000))), (49, 0));
        assert_eq!(map.snapshot(at(10_000))[0].status, SeatStatus::Available);
    }

    #[test]
    fn a_version_that_is_missing_is_noticed() {
        let mut map = map();
        assert_eq!(map.apply(9, &[sold(1)]), Applied::Gap);
        assert_eq!(map.apply(7, &[sold(1)]), Applied::Before);
        assert_eq!(map.available(now()), 50);
    }

    #[test]
    fn who_comes_back_is_told_what_changed_since_or_nothing_if_that_is_not_known() {
        let mut map = map();
        map.apply(8, &[sold(1)]);
        map.apply(9, &[sold(2), held(3, 5)]);
        let numbers = |version| {
            Some(map.since(version, now())?.into_iter().map(|seat| seat.number).collect::<Vec<_>>())
        };
        assert_eq!(numbers(7), Some(vec![1, 2, 3]));
        assert_eq!(numbers(8), Some(vec![2, 3]));
        assert_eq!(numbers(9), Some(vec![]));
        assert_eq!(numbers(6), None, "before the map began");
        assert_eq!(numbers(10), None, "still to come");
    }

    #[test]
    fn the_best_seats_are_in_the_front_and_in_the_middle_and_side_by_side() {
        let mut map = map();
        assert_eq!(best(&map, 2), Some(vec![5, 6]));
        map.apply(8, &[sold(5), sold(6)]);
        assert_eq!(best(&map, 2), Some(vec![3, 4]));
        assert_eq!(best(&map, 4), Some(vec![1, 2, 3, 4]));
        assert_eq!(best(&map, 5), Some(vec![13, 14, 15, 16, 17]));
        assert_eq!(best(&map, 11), None, "no row is that long");
    }

    #[test]
    fn seats_spoken_for_are_not_offered_twice() {
        let map = map();
        let spoken_for: HashSet<_> = (1..=49).map(id).collect();
        assert_eq!(map.best(1, None, now(), &spoken_for), Some(vec![id(50)]));
        assert_eq!(map.best(1, Some("Balcony"), now(), &spoken_for), None);
    }
}
