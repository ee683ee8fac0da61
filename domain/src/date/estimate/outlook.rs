//! How many slots will have become free by when: those who are there leave, others take their places and leave in turn.

use super::{
    lifetimes::{Ages, Survival},
    usize_f64,
};

/// Steps that are looked ahead, and how many of them make a mean stay; beyond the last, it goes on at a steady pace.
const STEPS: usize = 96;
const STEPS_A_STAY: f64 = 32.0;

/// How far from what is expected it may well turn out, in standard deviations, if it goes well and if it does not: 9 of 10
/// are to be within both bounds.
const WELL: f64 = 1.8;
const BADLY: f64 = 1.7;

/// By what share the mean stay may be off besides, because a crowd changes its ways.
const HABITS: f64 = 0.08;

/// What stands between those who wait and the seats.
pub(super) struct Door {
    pub(super) slots: f64,
    pub(super) admitted: f64,
    pub(super) waiting: f64,
    /// How many in how many seconds.
    pub(super) pace: Option<(f64, f64)>,
}

/// See the module.
pub(super) struct Outlook {
    step: f64,
    /// How many can have been admitted after so many steps, and the variance of that.
    free: Vec<(f64, f64)>,
    /// Free slots a second, in the long run.
    rate: f64,
    spread: f64,
    /// The variance of the pace over the square of it.
    doubt: f64,
}

impl Outlook {
    pub(super) fn new(survival: &Survival, ages: &Ages, door: &Door) -> Self {
        let step = (survival.mean / STEPS_A_STAY).max(0.25);
        let groups: Vec<_> = ages.groups().map(|(count, age)| (count, age, survival.beyond(age))).collect();
        let beyond: Vec<_> = (0..=STEPS).map(|n| survival.beyond(usize_f64(n) * step)).collect();
        let doubt = survival.doubt + HABITS * HABITS;
        // Admitted in each step, of whom some are gone in a later one.
        let (mut admitted, mut before) = (Vec::with_capacity(STEPS), 0.0_f64);
        let mut free = Vec::with_capacity(STEPS);
        for n in 0..STEPS {
            let later = usize_f64(n) * step;
            let (mut gone, mut variance) = (0.0, 0.0);
            for (count, age, share) in &groups {
                let left = if *share > 0.0 { survival.beyond(age + later) / share } else { 0.0 };
                gone += count * (1.0 - left);
                variance += count * left * (1.0 - left);
            }
            let again: f64 = admitted
                .iter()
                .enumerate()
                .map(|(m, count): (usize, &f64)| count * (1.0 - beyond[n - m]))
                .sum();
            let now = door.slots - door.admitted + gone + again;
            free.push((now, variance + survival.spread * again + doubt * (gone + again).powi(2)));
            let paced = door.pace.map_or(f64::INFINITY, |(most, length)| most * (later / length + 1.0));
            let total = now.min(paced).min(door.waiting).max(before);
            admitted.push(total - before);
            before = total;
        }
        Self { step, free, rate: door.slots / survival.mean, spread: survival.spread, doubt }
    }

    /// After how many seconds those places are admitted, of which each is behind the one before, if it goes well.
    pub(super) fn soonest(&self, places: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        self.when(places, WELL)
    }

    /// The same, if it goes badly.
    pub(super) fn latest(&self, places: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        self.when(places, -BADLY)
    }

    /// When the number of free slots, and so many of its standard deviations, reaches the places.
    fn when(&self, places: impl Iterator<Item = f64>, deviations: f64) -> impl Iterator<Item = f64> {
        let (mut n, mut before, mut by_then) = (0, 0.0_f64, 0.0_f64);
        places.map(move |place| {
            while n < STEPS && by_then < place {
                let (count, variance) = self.free[n];
                (before, by_then) = (by_then, (count + deviations * variance.sqrt()).max(by_then));
                n += 1;
            }
            if by_then < place {
                return self.beyond(place, deviations);
            }
            let part = if by_then > before { (place - before) / (by_then - before) } else { 1.0 };
            (usize_f64(n) - 2.0 + part).max(0.0) * self.step
        })
    }

    /// The same for a place that is not reached within what was looked ahead.
    fn beyond(&self, place: f64, deviations: f64) -> f64 {
        let (count, variance) = self.free[STEPS - 1];
        let later = (place - count).max(0.0);
        let doubt = self.doubt * ((count + later).powi(2) - count.powi(2));
        let wanted = place - deviations * (variance + self.spread * later + doubt).sqrt();
        usize_f64(STEPS - 1) * self.step + ((wanted - count).max(0.0) / self.rate)
    }
}
