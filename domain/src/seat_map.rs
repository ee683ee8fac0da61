//! The seats of one series as its watchers know them: a version, who has what, what changed lately, and which
//! seats side by side are the best that are left (rule 14).
//!
//! A copy of what the database says, moved on by each commit's changes. It never decides a sale: it shows
//! seats to watchers and proposes seats to [`super::sale`], which looks at the rows themselves.

mod letters;
mod list;
#[cfg(test)]
mod properties;
mod states;

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Bound,
    sync::Arc,
};

use chrono::{DateTime, Utc};

use crate::{
    id::SeatId,
    sale::{Seat, SeatState},
    text::SectionName,
};
pub use letters::Letters;
use list::Layout;
pub use list::{LaidSeat, LaidSection, SeatList, Snapshot};
use states::States;

/// How many changed versions the map remembers for those who come back.
const REMEMBERED: usize = 1_024;

/// How many changes of seats all of them may be together: a few commits can touch a whole house. Whoever has missed more is
/// told of every seat.
pub const MOST_CHANGED: usize = 16_384;

/// See the module.
#[derive(Clone, Debug)]
pub struct SeatMap {
    version: i32,
    layout: Arc<Layout>,
    /// By the place in the layout.
    states: States,
    free: usize,
    reserved: usize,
    /// What those cost that are sold.
    revenue: i64,
    /// Held seats by the end of their hold.
    held: BTreeSet<(DateTime<Utc>, u32)>,
    recent: Recent,
}

/// The latest versions and the seats that each changed.
#[derive(Clone, Debug, Default)]
struct Recent {
    versions: VecDeque<(i32, Vec<u32>)>,
    seats: usize,
}

impl Recent {
    fn push(&mut self, version: i32, seats: Vec<u32>) {
        self.seats += seats.len();
        self.versions.push_back((version, seats));
        while self.versions.len() > REMEMBERED || self.seats > MOST_CHANGED {
            let Some((_, seats)) = self.versions.pop_front() else { break };
            self.seats -= seats.len();
        }
    }
}

impl SeatMap {
    /// A map of these seats as they stood at `version`.
    #[must_use]
    pub fn new(version: i32, mut seats: Vec<Seat>) -> Self {
        seats.sort_by_key(|seat| seat.number);
        let mut map = Self {
            version,
            layout: Arc::new(Layout::new(&seats)),
            states: States::new(seats.iter().map(|seat| seat.state)),
            free: 0,
            reserved: 0,
            revenue: 0,
            held: BTreeSet::new(),
            recent: Recent::default(),
        };
        for (at, seat) in (0..).zip(&seats) {
            map.count(at, seat.state);
        }
        map
    }

    /// The version: grows by one with each commit that changed a seat.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.version
    }

    /// Seats of the house.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a house has seats")]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    fn count(&mut self, at: u32, state: SeatState) {
        match state {
            SeatState::Free => self.free += 1,
            SeatState::Held { until, .. } => {
                self.held.insert((until, at));
            }
            SeatState::Reserved(_) => {
                self.reserved += 1;
                self.revenue += self.price(at);
            }
        }
    }

    fn uncount(&mut self, at: u32, state: SeatState) {
        match state {
            SeatState::Free => self.free -= 1,
            SeatState::Held { until, .. } => {
                self.held.remove(&(until, at));
            }
            SeatState::Reserved(_) => {
                self.reserved -= 1;
                self.revenue -= self.price(at);
            }
        }
    }

    fn price(&self, at: u32) -> i64 {
        self.layout.seats.get(at as usize).map_or(0, |seat| seat.price.into())
    }

    /// Seats that can be held right now.
    #[must_use]
    pub fn available(&self, now: DateTime<Utc>) -> usize {
        self.free + self.held.range(..=(now, u32::MAX)).count()
    }

    /// Seats that somebody is choosing right now.
    #[must_use]
    pub fn held(&self, now: DateTime<Utc>) -> usize {
        self.states.len() - self.reserved - self.available(now)
    }

    /// Seats that are sold.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// Points taken for the seats that are sold: the price of a seat never changes.
    #[must_use]
    pub fn revenue(&self) -> i64 {
        self.revenue
    }

    /// Every seat.
    #[must_use]
    pub fn snapshot(&self, now: DateTime<Utc>) -> Snapshot {
        let letters = Letters::of(self.states.iter().map(|state| state.status(now)));
        let lapses_later = (Bound::Excluded((now, u32::MAX)), Bound::Unbounded);
        Snapshot {
            version: self.version,
            seats: SeatList::all(&self.layout, letters.clone()),
            letters,
            available: self.available(now),
            from: now,
            until: self.held.range(lapses_later).next().map(|(until, _)| *until),
        }
    }

    /// The seats that changed after `version`, as they are now; `None` if that is too long ago to know, or
    /// still to come.
    #[must_use]
    pub fn since(&self, version: i32, now: DateTime<Utc>) -> Option<SeatList> {
        let recent = &self.recent.versions;
        let known = version == self.version
            || recent.front().is_some_and(|(oldest, _)| *oldest <= version.saturating_add(1));
        if !known || version > self.version {
            return None;
        }
        let later = recent.iter().filter(|(v, _)| *v > version).flat_map(|(_, seats)| seats);
        let seats: BTreeSet<u32> = later.copied().collect();
        Some(self.list(seats, now))
    }

    fn list(&self, seats: impl IntoIterator<Item = u32>, now: DateTime<Utc>) -> SeatList {
        let seats = seats.into_iter().map(|at| (at, self.states.get(at).status(now)));
        SeatList::some(&self.layout, seats)
    }

    /// The section of that name, or else one whose name looks the same.
    #[must_use]
    pub fn section(&self, name: &SectionName) -> Option<Arc<str>> {
        let name = name.as_str();
        let exactly = self.layout.width.get_key_value(name).map(|(name, _)| Arc::clone(name));
        exactly.or_else(|| self.layout.looks().get(name))
    }

    /// The best `count` seats side by side in one row among those that are `open`: sections in their order, rows from the
    /// front, and in a row the ones nearest to the middle; as their places in the layout.
    #[must_use]
    pub fn best_of(
        &self,
        count: usize,
        section: Option<&str>,
        open: impl Fn(u32) -> bool,
    ) -> Option<Vec<u32>> {
        let mut next = 0;
        for row in self.layout.seats.chunk_by(|a, b| a.section == b.section && a.row == b.row) {
            let from = next;
            next += row.len();
            if section.is_some_and(|name| &*row[0].section != name) {
                continue;
            }
            let place = |at: usize| u32::try_from(from + at).expect("a house has fewer than 2^32 seats");
            let middle = self.layout.width.get(&row[0].section)? + 1;
            if let Some(seats) = best_of_row(row, count, middle, |at| open(place(at))) {
                return Some(seats.map(place).collect());
            }
        }
        None
    }

    /// Where a seat stands in the layout.
    #[must_use]
    pub fn place_of(&self, seat: SeatId) -> Option<u32> {
        self.layout.place_of(seat)
    }

    /// Where the seat of that number stands in the layout.
    #[must_use]
    pub fn place_of_number(&self, number: i32) -> Option<u32> {
        let at = self.layout.seats.binary_search_by_key(&number, |seat| seat.number).ok()?;
        u32::try_from(at).ok()
    }

    /// What never changes of the seat at that place of the layout.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn seat(&self, at: u32) -> &LaidSeat {
        &self.layout.seats[at as usize]
    }

    /// Whose the seat at that place of the layout is.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn state(&self, at: u32) -> SeatState {
        self.states.get(at)
    }

    /// Gives the seat at that place of the layout to somebody else, within the version that [`Self::advance`] ends.
    ///
    /// # Panics
    /// If there is none.
    pub fn set(&mut self, at: u32, state: SeatState) {
        let before = self.states.replace(at, state);
        self.uncount(at, before);
        self.count(at, state);
    }

    /// Makes the version at least one more than `shown`; what changed before it is not remembered.
    pub fn raise_above(&mut self, shown: i32) {
        self.version = self.version.max(shown + 1);
        self.recent = Recent::default();
    }

    /// The next version, in which these seats have changed.
    pub fn advance(&mut self, touched: Vec<u32>) {
        self.version += 1;
        self.recent.push(self.version, touched);
    }
}

/// The `count` open seats side by side that are nearest to the middle, in one pass: a bot may ask for many where every
/// other seat is taken. `middle` is twice the middle column.
fn best_of_row(
    row: &[LaidSeat],
    count: usize,
    middle: i32,
    open: impl Fn(usize) -> bool,
) -> Option<std::ops::Range<usize>> {
    let mut side_by_side = 0;
    let mut best: Option<(i32, usize)> = None;
    for last in 0..row.len() {
        let follows = last > 0 && row[last].col == row[last - 1].col + 1;
        side_by_side = match (open(last), follows) {
            (false, _) => 0,
            (true, true) => side_by_side + 1,
            (true, false) => 1,
        };
        if side_by_side >= count {
            let first = last + 1 - count;
            let off = (row[first].col + row[last].col - middle).abs();
            if best.is_none_or(|(least, _)| off < least) {
                best = Some((off, first));
            }
        }
    }
    best.map(|(_, first)| first..first + count)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::{
        catalog,
        id::{HoldId, ReservationId, SeriesId},
        sale::SeatStatus,
    };

    fn id(n: i32) -> SeatId {
        SeatId(Uuid::from_u128(n as u128))
    }

    /// A house with these seats in these states, one after the other.
    pub(super) fn of_layout(
        version: i32,
        layout: &catalog::Layout,
        states: impl IntoIterator<Item = SeatState>,
    ) -> SeatMap {
        let seats = layout.seats().zip(states).map(|(seat, state)| Seat {
            id: id(seat.number),
            series: SeriesId(Uuid::nil()),
            number: seat.number,
            section: seat.section.to_string(),
            row: seat.row,
            col: seat.col,
            price: seat.price,
            state,
        });
        SeatMap::new(version, seats.collect())
    }

    fn map() -> SeatMap {
        of_layout(7, &catalog::Layout::standard(), std::iter::repeat(SeatState::Free))
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    /// A seat by its number, and whose it becomes.
    type Change = (i32, SeatState);

    fn held(n: i32, seconds: i64) -> Change {
        (n, SeatState::Held { hold: HoldId(Uuid::nil()), until: now() + TimeDelta::seconds(seconds) })
    }

    fn sold(n: i32) -> Change {
        (n, SeatState::Reserved(ReservationId(Uuid::nil())))
    }

    /// The next version, in which these have changed.
    fn change(map: &mut SeatMap, changes: &[Change]) {
        let mut touched = Vec::new();
        for (number, state) in changes {
            let at = map.place_of_number(*number).unwrap();
            map.set(at, *state);
            touched.push(at);
        }
        map.advance(touched);
    }

    fn best_in(map: &SeatMap, count: usize, section: Option<&str>) -> Option<Vec<i32>> {
        let is_open = |at| map.state(at).status(now()) == SeatStatus::Available;
        Some(map.best_of(count, section, is_open)?.into_iter().map(|at| map.seat(at).number).collect())
    }

    fn best(map: &SeatMap, count: usize) -> Option<Vec<i32>> {
        best_in(map, count, None)
    }

    #[test]
    fn a_lapsed_hold_counts_as_available_at_its_end_and_not_before() {
        let mut map = map();
        change(&mut map, &[held(1, 10), sold(2)]);
        let at = |ms| now() + TimeDelta::milliseconds(ms);
        assert_eq!((map.available(at(9_999)), map.held(at(9_999)), map.reserved()), (48, 1, 1));
        assert_eq!((map.available(at(10_000)), map.held(at(10_000))), (49, 0));
        assert_eq!(map.revenue(), 10_000);
        let mut given_back = map.clone();
        change(&mut given_back, &[(2, SeatState::Free), sold(3), sold(4)]);
        assert_eq!((given_back.reserved(), given_back.revenue()), (2, 20_000));
        let statuses =
            |snapshot: Snapshot| snapshot.seats.iter().map(|(_, status)| status).collect::<Vec<_>>();
        assert_eq!(statuses(map.snapshot(at(9_999)))[..2], [SeatStatus::Held, SeatStatus::Reserved]);
        assert_eq!(statuses(map.snapshot(at(10_000)))[..2], [SeatStatus::Available, SeatStatus::Reserved]);
    }

    #[test]
    fn who_comes_back_is_told_what_changed_since_or_nothing_if_that_is_not_known() {
        let mut map = map();
        change(&mut map, &[sold(1)]);
        change(&mut map, &[sold(2), held(3, 5)]);
        let numbers = |version| {
            Some(map.since(version, now())?.iter().map(|(seat, _)| seat.number).collect::<Vec<_>>())
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
        change(&mut map, &[sold(5), sold(6)]);
        assert_eq!(best(&map, 2), Some(vec![3, 4]));
        assert_eq!(best(&map, 4), Some(vec![1, 2, 3, 4]));
        assert_eq!(best(&map, 5), Some(vec![13, 14, 15, 16, 17]));
        assert_eq!(best(&map, 11), None, "no row is that long");
    }

    #[test]
    fn a_section_has_its_own_best_seats() {
        let mut map = map();
        change(&mut map, &(1..=49).map(sold).collect::<Vec<_>>());
        assert_eq!(best(&map, 1), Some(vec![50]));
        assert_eq!(best_in(&map, 1, Some("Balcony")), None);
    }
}
