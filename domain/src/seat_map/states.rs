//! Who has what, in 24 bytes a seat.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    id::{HoldId, ReservationId},
    sale::SeatState,
};

/// By the place in the layout.
#[derive(Clone, Debug)]
pub(super) struct States(Vec<Packed>);

/// What has the seat, and until when in microseconds, as exactly as it is stored; or one of the two below.
#[derive(Clone, Copy, Debug)]
struct Packed {
    id: Uuid,
    until: i64,
}

/// The seat is nobody's.
const FREE: i64 = i64::MIN;
/// It is somebody's for good.
const RESERVED: i64 = i64::MAX;

impl From<SeatState> for Packed {
    fn from(state: SeatState) -> Self {
        match state {
            SeatState::Free => Self { id: Uuid::nil(), until: FREE },
            SeatState::Held { hold: HoldId(id), until } => Self { id, until: until.timestamp_micros() },
            SeatState::Reserved(ReservationId(id)) => Self { id, until: RESERVED },
        }
    }
}

impl From<Packed> for SeatState {
    fn from(Packed { id, until }: Packed) -> Self {
        match until {
            FREE => Self::Free,
            RESERVED => Self::Reserved(ReservationId(id)),
            until => {
                let until = DateTime::from_timestamp_micros(until).unwrap_or(DateTime::<Utc>::MAX_UTC);
                Self::Held { hold: HoldId(id), until }
            }
        }
    }
}

impl States {
    pub(super) fn new(states: impl ExactSizeIterator<Item = SeatState>) -> Self {
        Self(states.map(Packed::from).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, at: u32) -> SeatState {
        self.0[at as usize].into()
    }

    /// What it was before.
    pub(super) fn replace(&mut self, at: u32, state: SeatState) -> SeatState {
        std::mem::replace(&mut self.0[at as usize], state.into()).into()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = SeatState> + '_ {
        self.0.iter().map(|packed| (*packed).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was() {
        let until = DateTime::from_timestamp_micros(1_900_000_000_123_456).unwrap();
        let all = [
            SeatState::Free,
            SeatState::Held { hold: HoldId(Uuid::from_u128(7)), until },
            SeatState::Reserved(ReservationId(Uuid::from_u128(8))),
        ];
        let mut states = States::new(all.into_iter());
        assert_eq!(states.iter().collect::<Vec<_>>(), all);
        assert_eq!(states.replace(1, SeatState::Free), all[1]);
        assert_eq!((states.get(1), states.get(2)), (SeatState::Free, all[2]));
        assert_eq!(size_of::<Packed>(), 24);
    }
}
