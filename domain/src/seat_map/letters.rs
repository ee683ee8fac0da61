//! What each seat of a date is, a letter a seat.

use std::ops::Range;

use bytes::Bytes;

use crate::sale::SeatStatus;

const AVAILABLE: u8 = b'A';
const HELD: u8 = b'H';
const RESERVED: u8 = b'R';

/// The mark before the first letter and after the last.
const QUOTE: u8 = b'"';

/// A letter a seat, by number: `A` can be held, `H` is held, `R` is reserved. Kept as JSON has it, in double quotes, so that
/// what a process knows of a date is what it sends of it to everybody, without a copy of it for anybody. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letters(Bytes);

impl Letters {
    pub(super) fn of(statuses: impl Iterator<Item = SeatStatus>) -> Self {
        let letter = |status| match status {
            SeatStatus::Available => AVAILABLE,
            SeatStatus::Held => HELD,
            SeatStatus::Reserved => RESERVED,
        };
        let quote = || std::iter::once(QUOTE);
        Self(quote().chain(statuses.map(letter)).chain(quote()).collect())
    }

    /// As JSON has it: a string.
    #[must_use]
    pub fn json(&self) -> Bytes {
        self.0.clone()
    }

    /// Without the quotes.
    fn letters(&self) -> &[u8] {
        self.0.get(1..self.0.len() - 1).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.letters().len()
    }

    /// What the seat at that place of the layout was.
    pub(super) fn get(&self, at: usize) -> Option<SeatStatus> {
        self.letters().get(at).map(|letter| match *letter {
            AVAILABLE => SeatStatus::Available,
            HELD => SeatStatus::Held,
            _ => SeatStatus::Reserved,
        })
    }

    /// How many of the seats at those places could be held.
    pub(super) fn available_in(&self, places: Range<usize>) -> usize {
        let letters = self.letters().get(places).unwrap_or_default();
        letters.iter().filter(|letter| **letter == AVAILABLE).count()
    }
}
