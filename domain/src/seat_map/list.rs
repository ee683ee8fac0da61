//! Seats as they stood at one moment, over a layout that never changes.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    ops::Range,
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, Utc};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::letters::Letters;
use crate::{
    id::SeatId,
    sale::{Seat, SeatStatus},
    text::Looks,
};

/// What never changes of a series' seats, by number.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) seats: Vec<LaidSeat>,
    /// In their order.
    sections: Vec<LaidSection>,
    /// The places of the seats, by their ids, which are not kept twice.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Columns of each section, to know where its middle is.
    pub(super) width: HashMap<Arc<str>, i32>,
    /// The sections by how their names look, once somebody has asked.
    looks: OnceLock<Looks<Arc<str>>>,
}

/// What never changes of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidSeat {
    /// The seat.
    pub id: SeatId,
    /// 1-based, unique in its series.
    pub number: i32,
    /// The section's name.
    pub section: Arc<str>,
    /// 1-based in its section.
    pub row: i32,
    /// 1-based in its row.
    pub col: i32,
    /// Points.
    pub price: i32,
}

/// What never changes of a section: rows of equal length at one price. Its seats are numbered one after the other, row by
/// row from the front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidSection {
    /// What it is called.
    pub name: Arc<str>,
    /// Rows.
    pub rows: i32,
    /// Seats a row.
    pub cols: i32,
    /// Points for one seat.
    pub price: i32,
    /// The number of its first seat.
    pub first_number: i32,
    /// Where its seats stand in the layout.
    places: Range<usize>,
}

impl LaidSection {
    /// One whose first seat this is, at that place of the layout.
    fn starting(at: usize, seat: &LaidSeat) -> Self {
        let LaidSeat { number, ref section, row, col, price, .. } = *seat;
        let name = Arc::clone(section);
        Self { name, rows: row, cols: col, price, first_number: number, places: at..at }
    }

    /// The sections of these seats: each begins anew with the first seat of its first row.
    fn all_of(seats: &[LaidSeat]) -> Vec<Self> {
        let mut sections: Vec<Self> = Vec::new();
        for (at, seat) in seats.iter().enumerate() {
            let begins = (seat.row, seat.col) == (1, 1);
            let section = match sections.last_mut().filter(|last| !begins && last.name == seat.section) {
                Some(section) => section,
                None => sections.push_mut(Self::starting(at, seat)),
            };
            section.rows = section.rows.max(seat.row);
            section.cols = section.cols.max(seat.col);
            section.places.end = at + 1;
        }
        sections.shrink_to_fit();
        sections
    }
}

impl Layout {
    /// The sections by how their names look; of two that look the same, which only an older version made, the first.
    pub(super) fn looks(&self) -> &Looks<Arc<str>> {
        self.looks.get_or_init(|| {
            let mut looks = Looks::default();
            for section in &self.sections {
                looks.insert(&section.name, Arc::clone(&section.name));
            }
            looks
        })
    }

    pub(super) fn new(seats: &[Seat]) -> Self {
        let mut layout = Self::default();
        layout.seats.reserve_exact(seats.len());
        for seat in seats {
            let section = match layout.width.get_key_value(seat.section.as_str()) {
                Some((name, _)) => Arc::clone(name),
                None => Arc::from(seat.section.as_str()),
            };
            let width = layout.width.entry(Arc::clone(&section)).or_default();
            *width = seat.col.max(*width);
            let Seat { id, number, row, col, price, .. } = *seat;
            layout.seats.push(LaidSeat { id, number, section, row, col, price });
        }
        layout.sections = LaidSection::all_of(&layout.seats);
        layout.fill_index();
        layout
    }

    fn fill_index(&mut self) {
        let Self { seats, index, hasher, .. } = self;
        let hash = |at: &u32| hasher.hash_one(seats[*at as usize].id);
        index.reserve(seats.len(), hash);
        for at in (0..).take(seats.len()) {
            index.insert_unique(hash(&at), at, hash);
        }
    }

    /// Where a seat stands in `seats`.
    pub(super) fn place_of(&self, seat: SeatId) -> Option<u32> {
        self.index.find(self.hasher.hash_one(seat), |at| self.seats[*at as usize].id == seat).copied()
    }
}

/// Seats as they stood at one moment. Costs a byte a seat, or less than a dozen for each of a few; clones share them.
#[derive(Clone, Debug)]
pub struct SeatList {
    layout: Arc<Layout>,
    listed: Listed,
}

#[derive(Clone, Debug)]
enum Listed {
    All(Letters),
    Some(Arc<[(u32, SeatStatus)]>),
}

impl SeatList {
    /// Every seat, with what each is.
    pub(super) fn all(layout: &Arc<Layout>, letters: Letters) -> Self {
        Self { layout: Arc::clone(layout), listed: Listed::All(letters) }
    }

    /// These seats, by their places in the layout, with what each is.
    pub(super) fn some(layout: &Arc<Layout>, seats: impl Iterator<Item = (u32, SeatStatus)>) -> Self {
        Self { layout: Arc::clone(layout), listed: Listed::Some(seats.collect()) }
    }

    /// How many seats.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.listed {
            Listed::All(letters) => letters.len(),
            Listed::Some(seats) => seats.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The seat at this place of the list, and what it was.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<(&LaidSeat, SeatStatus)> {
        let (seat, status) = match &self.listed {
            Listed::All(letters) => (at, letters.get(at)?),
            Listed::Some(seats) => seats.get(at).map(|&(seat, status)| (seat as usize, status))?,
        };
        Some((self.layout.seats.get(seat)?, status))
    }

    /// The seats with what each was, by number.
    pub fn iter(&self) -> impl Iterator<Item = (&LaidSeat, SeatStatus)> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// None of them.
    #[must_use]
    pub fn none(&self) -> Self {
        Self::some(&self.layout, std::iter::empty())
    }

    /// Those that could be held.
    #[must_use]
    pub fn available(&self) -> Self {
        let open =
            |(at, status): (u32, SeatStatus)| (status == SeatStatus::Available).then_some((at, status));
        match &self.listed {
            Listed::All(all) => {
                let statuses = (0..all.len()).filter_map(|at| all.get(at));
                Self::some(&self.layout, (0..).zip(statuses).filter_map(open))
            }
            Listed::Some(some) => Self::some(&self.layout, some.iter().copied().filter_map(open)),
        }
    }
}

/// Every seat at one version, and how long that stays so if nothing is committed.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version of the series.
    pub version: i32,
    /// Every seat.
    pub seats: SeatList,
    /// What each of them is, a letter a seat.
    pub letters: Letters,
    /// How many can be held.
    pub available: usize,
    /// When it was taken.
    pub from: DateTime<Utc>,
    /// When the next hold lapses.
    pub until: Option<DateTime<Utc>>,
}

impl Snapshot {
    /// The sections in their order, each with how many of its seats could be held.
    pub fn sections(&self) -> impl ExactSizeIterator<Item = (&LaidSection, usize)> {
        let sections = self.seats.layout.sections.iter();
        sections.map(|section| (section, self.letters.available_in(section.places.clone())))
    }

    /// Whether the seats of that version are still, at `now`, what they were.
    #[must_use]
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}
