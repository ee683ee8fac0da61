//! When each of many watchers has its turn to be looked at: each in a fixed slot of a circle, as long as its pace stays
//! the same. Nothing is put in order again when somebody was looked at, and a circle stands still while nothing changes.

/// How long a slot is, in milliseconds: those of one slot are looked at together.
pub(super) const TICK_MS: i64 = 50;

/// Beyond this place in line news of it comes less often.
const FAR_BACK: u32 = 1_000;

/// Slots of the circle near the front: half a second, well under the second of rule 20.
const NEAR: i64 = 10;

/// Seconds of the circles far back: a second more for every 20,000 people in front, so that looking costs a room with a
/// million watchers no more than one with a few hundred thousand.
const FAR_SECONDS: u32 = 5;
const FARTHEST_SECONDS: u32 = 30;
const FARTHER: u32 = 20_000;

/// How often somebody is looked at: 0 near the front, then a number for each second of [`FAR_SECONDS`] and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace(u8);

impl Pace {
    const NUMBER: usize = (FARTHEST_SECONDS - FAR_SECONDS) as usize + 2;

    /// Of somebody at this position; `None` in the lobby.
    pub(super) fn of(position: Option<u32>) -> Self {
        let farther = match position {
            Some(position) if position <= FAR_BACK => return Self(0),
            Some(position) => (position / FARTHER).min(FARTHEST_SECONDS - FAR_SECONDS),
            None => 0,
        };
        Self(u8::try_from(farther + 1).unwrap_or(u8::MAX))
    }

    /// The slots of its circle.
    fn slots(self) -> i64 {
        match self.0 {
            0 => NEAR,
            farther => (i64::from(FAR_SECONDS) + i64::from(farther) - 1) * 1_000 / TICK_MS,
        }
    }
}

/// Where somebody is to be found in a [`Wheel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pace: Pace,
    slot: u32,
    at: u32,
}

impl Spot {
    /// How often who is there has a turn.
    pub(super) fn pace(self) -> Pace {
        self.pace
    }
}

/// The circles of one date. Watchers are numbers.
#[derive(Debug)]
pub(super) struct Wheel {
    /// By pace; a circle that nobody is on has no slots.
    circles: Vec<Vec<Vec<u32>>>,
    /// The tick up to which everybody had a turn.
    turned: i64,
    /// The tick of the last change.
    changed: i64,
}

impl Default for Wheel {
    /// Nothing has changed yet.
    fn default() -> Self {
        Self { circles: Vec::new(), turned: 0, changed: i64::MIN / 2 }
    }
}

impl Wheel {
    /// Puts a watcher in the slot that its phase says; those of one phase have their turn together.
    pub(super) fn insert(&mut self, who: u32, pace: Pace, phase: u32) -> Spot {
        self.circles.resize_with(Pace::NUMBER, Vec::new);
        let circle = &mut self.circles[usize::from(pace.0)];
        let slots = usize::try_from(pace.slots()).unwrap_or(1);
        circle.resize_with(slots, Vec::new);
        let slot = spread(phase) as usize % slots;
        circle[slot].push(who);
        let number = |n: usize| u32::try_from(n).expect("fewer than 2^32 watch");
        Spot { pace, slot: number(slot), at: number(circle[slot].len() - 1) }
    }

    /// Takes the watcher at that spot out. Returned is who has it now, if anybody.
    pub(super) fn remove(&mut self, spot: Spot) -> Option<u32> {
        let slot = &mut self.circles[usize::from(spot.pace.0)][spot.slot as usize];
        slot.swap_remove(spot.at as usize);
        slot.get(spot.at as usize).copied()
    }

    /// Something has changed in this tick: everybody has a turn after it.
    pub(super) fn change(&mut self, now: i64) {
        if self.is_still() {
            self.turned = now;
        }
        self.changed = self.changed.max(now);
    }

    /// Whether everybody had a turn since the last change.
    fn is_still(&self) -> bool {
        self.turned >= self.changed + Pace(u8::try_from(Pace::NUMBER - 1).unwrap_or_default()).slots()
    }

    /// Turns on to this tick; who has a turn by it.
    pub(super) fn turn(&mut self, now: i64, mut due: impl FnMut(u32)) {
        for (number, circle) in (0..).zip(&self.circles).filter(|(_, circle)| !circle.is_empty()) {
            let slots = Pace(number).slots();
            let last = now.min(self.changed + slots);
            // After a long while each slot has one turn.
            for tick in (self.turned + 1).max(last + 1 - slots)..=last {
                let slot = usize::try_from(tick.rem_euclid(slots)).unwrap_or_default();
                circle[slot].iter().copied().for_each(&mut due);
            }
        }
        self.turned = self.turned.max(now);
    }

    /// The next tick at which somebody has a turn, as long as nothing else changes.
    pub(super) fn next(&self) -> Option<i64> {
        let next = |(number, circle): (u8, &Vec<Vec<u32>>)| {
            let slots = Pace(number).slots();
            let mut ticks = self.turned + 1..=(self.turned + slots).min(self.changed + slots);
            ticks.find(|tick| {
                let slot = usize::try_from(tick.rem_euclid(slots)).unwrap_or_default();
                circle.get(slot).is_some_and(|slot| !slot.is_empty())
            })
        };
        (0..).zip(&self.circles).filter_map(next).min()
    }
}

/// Phases that follow each other are far apart.
fn spread(phase: u32) -> u32 {
    phase.wrapping_mul(0x9e37_79b9) >> 8
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_pace_is_half_a_second_near_the_front_and_at_most_thirty_far_back() {
        let seconds = |position| Pace::of(position).slots() * TICK_MS;
        assert_eq!([Some(0), Some(1), Some(1_000)].map(seconds), [500; 3]);
        assert_eq!([None, Some(1_001), Some(19_999)].map(seconds), [5_000; 3]);
        assert_eq!(
            [Some(20_000), Some(499_999), Some(500_000), Some(u32::MAX)].map(seconds),
            [6_000, 29_000, 30_000, 30_000]
        );
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert {
            position: Option<u32>,
            phase: u32,
        },
        Remove(prop::sample::Index),
        Change,
        /// Time passes, and nobody has turned the wheel.
        Wait(i64),
        Pass(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let position =
            prop_oneof![Just(None), (0..2_000_u32).prop_map(Some), (0..1_000_000_u32).prop_map(Some)];
        prop_oneof![
            4 => (position, any::<u32>()).prop_map(|(position, phase)| Step::Insert { position, phase }),
            1 => any::<prop::sample::Index>().prop_map(Step::Remove),
            2 => Just(Step::Change),
            1 => (1..900_i64).prop_map(Step::Wait),
            6 => prop_oneof![1..4_i64, 1..900_i64].prop_map(Step::Pass),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against a list of when each was looked at last: after a change everybody has a turn within their pace, and
        /// nobody has two in less than that unless time has leapt; and it is known when the next turn is.
        #[test]
        fn everybody_has_a_turn_within_their_pace_after_a_change(steps in prop::collection::vec(step(), 1..200)) {
            let mut wheel = Wheel::default();
            let (mut now, mut next) = (1_000_000, 0_u32);
            let mut spots = BTreeMap::<u32, Spot>::new();
            // The change that each has not been looked at since, if any.
            let mut waits = BTreeMap::<u32, i64>::new();
            for step in steps {
                match step {
                    Step::Insert { position, phase } => {
                        spots.insert(next, wheel.insert(next, Pace::of(position), phase));
                        next += 1;
                    }
                    Step::Remove(index) => {
                        if let Some(who) = spots.keys().nth(index.index(spots.len().max(1))).copied() {
                            let spot = spots.remove(&who).unwrap();
                            waits.remove(&who);
                            if let Some(moved) = wheel.remove(spot) {
                                spots.insert(moved, spot);
                            }
                        }
                    }
                    Step::Change => {
                        wheel.change(now);
                        for who in spots.keys() {
                            waits.entry(*who).or_insert(now);
                        }
                    }
                    Step::Wait(ticks) => now += ticks,
                    Step::Pass(ticks) => {
                        let expected = wheel.next();
                        now += ticks;
                        let mut due = Vec::new();
                        wheel.turn(now, |who| due.push(who));
                        prop_assert_eq!(!due.is_empty(), expected.is_some_and(|next| next <= now));
                        let mut once = due.clone();
                        once.sort_unstable();
                        once.dedup();
                        prop_assert_eq!(once.len(), due.len());
                        for who in due {
                            waits.remove(&who);
                        }
                        for (who, since) in &waits {
                            prop_assert!(now - since < spots[who].pace.slots(), "{} waits since {}", who, since);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn it_stands_still_while_nothing_changes_and_one_phase_has_its_turn_together() {
        let mut wheel = Wheel::default();
        for who in 0..100 {
            wheel.insert(who, Pace::of(Some(5_000)), who / 10);
        }
        assert_eq!(wheel.next(), None);
        wheel.change(500);
        let mut turns = Vec::new();
        while let Some(next) = wheel.next() {
            let mut due = Vec::new();
            wheel.turn(next, |who| due.push(who / 10));
            due.dedup();
            turns.extend(due.into_iter().map(|phase| (next, phase)));
        }
        turns.sort_unstable_by_key(|(_, phase)| *phase);
        assert_eq!(turns.iter().map(|(_, phase)| *phase).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert!(turns.iter().all(|(tick, _)| (501..=600).contains(tick)), "{turns:?}");
        wheel.turn(10_000, |_| panic!("nothing has changed"));
    }
}
