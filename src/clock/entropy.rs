//! Ids and secrets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// The bits of a UUID v7 that are not its time, its version and its variant.
const RANDOM_BITS: u32 = 74;

/// How far an id is from the one before it of the same time, at the most: far enough that nobody guesses it.
const STRIDE: u128 = 1 << 48;

/// The dice: ids and secrets.
#[derive(Clone, Debug)]
pub struct Entropy(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    rng: StdRng,
    /// The last id, as its time and what follows it.
    last: (u64, u128),
}

impl Entropy {
    /// Seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self::of(StdRng::from_os_rng())
    }

    /// The same throws for the same seed, for tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::of(StdRng::seed_from_u64(seed))
    }

    fn of(rng: StdRng) -> Self {
        Self(Arc::new(Mutex::new(State { rng, last: (0, 0) })))
    }

    /// A new id: a UUID v7, which begins with the time it was made. It comes after all that were made before, by these
    /// dice or their clones, whatever the clock says: whatever is sorted by id is sorted as it was made.
    #[must_use]
    pub fn id(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let mut state = self.state();
        // A bit less than there is room for, so that there is room for those that follow.
        let fresh = state.rng.random::<u128>() >> (128 - RANDOM_BITS + 1);
        let stride = state.rng.random_range(1..=STRIDE);
        state.last = match state.last {
            (last, _) if last < millis => (millis, fresh),
            (last, random) if random + stride < 1 << RANDOM_BITS => (last, random + stride),
            (last, _) => (last + 1, fresh),
        };
        uuid_v7(state.last)
    }

    /// Ids come after this one from now on: the latest that is known from before the start, when the clock may have
    /// shown another time.
    pub fn go_on_after(&self, known: Uuid) {
        let mut state = self.state();
        state.last = state.last.max(parts(known));
    }

    /// Bytes that nobody can guess.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.state().rng.fill_bytes(&mut bytes);
        bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn uuid_v7((millis, random): (u64, u128)) -> Uuid {
    let (high, low) = (random >> 62, random & ((1 << 62) - 1));
    Uuid::from_u128(u128::from(millis) << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
}

fn parts(id: Uuid) -> (u64, u128) {
    let bits = id.as_u128();
    let (high, low) = (bits >> 64 & 0xfff, bits & ((1 << 62) - 1));
    (u64::try_from(bits >> 80).unwrap_or_default(), high << 62 | low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Variant;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn ids_are_of_version_7_and_carry_the_time() {
        let id = Entropy::seeded(1).id(at(1_800_000_000_123));
        assert_eq!((id.get_version_num(), id.get_variant()), (7, Variant::RFC4122));
        assert_eq!(id.as_u128() >> 80, 1_800_000_000_123);
    }

    #[test]
    fn where_there_is_no_room_behind_an_id_the_next_one_is_of_a_later_time() {
        let entropy = Entropy::seeded(1);
        entropy.go_on_after(uuid_v7((1_000, (1 << RANDOM_BITS) - 1)));
        let id = entropy.id(at(0));
        assert_eq!((id.get_version_num(), id.as_u128() >> 80), (7, 1_001));
    }

    proptest! {
        #[test]
        fn an_id_says_of_what_it_is_made(millis in 0..1u64 << 48, random in 0..1u128 << RANDOM_BITS) {
            let id = uuid_v7((millis, random));
            prop_assert_eq!(parts(id), (millis, random));
            prop_assert_eq!((id.get_version_num(), id.get_variant()), (7, Variant::RFC4122));
        }

        /// Also where the clock goes back, stands still, or was ahead before the start; and they are of version 7.
        #[test]
        fn ids_never_go_back(known in prop::option::of(0..9_000i64), times in prop::collection::vec(0..5_000i64, 1..200)) {
            let entropy = Entropy::seeded(3);
            let mut last = Uuid::nil();
            if let Some(known) = known {
                last = Entropy::seeded(4).id(at(known));
                entropy.go_on_after(last);
            }
            for time in times {
                let id = entropy.clone().id(at(time));
                prop_assert!(id > last, "{id} after {last}");
                prop_assert_eq!((id.get_version_num(), id.get_variant()), (7, Variant::RFC4122));
                last = id;
            }
        }
    }
}
