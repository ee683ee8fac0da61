//! Those who give up while they wait: what share of the line in a second, and who has just done so.
//!
//! Who leaves moves everybody behind one place up at once. They are told by and by: for a while the place still counts.

use std::collections::VecDeque;

use super::{left_after, usize_f64};

/// Seconds after which what was measured counts half.
const HALF: f64 = 600.0;

/// Fewer who left say nothing.
const FEW: f64 = 8.0;

/// No more of those who leave at the same time count, of themselves and for each who waits.
const AT_ONCE: (f64, f64) = (2.0, 0.005);

/// A share of the line that makes no difference: by so much more, in a second, may be told at least.
const LEAST: f64 = 2e-6;

/// If nobody waits for long it may change by more, so that the longest wait that is told moves by no more than this of itself.
const AT_A_TIME: f64 = 0.03;

/// Who has just left, of whom so many groups are told apart.
const GROUPS: usize = 64;

/// What counts less than this counts no more.
const NOTHING: f64 = 0.005;

/// See the module.
#[derive(Default)]
pub(super) struct Leaving {
    left: f64,
    /// Since time last passed.
    just_now: f64,
    /// The share of the line that is told to leave in a second, which follows the one that was measured.
    share: f64,
    /// Seconds that somebody waited, of all who did.
    waited: f64,
    /// The latest first.
    recent: VecDeque<Group>,
}

/// Some who left at about the same time from about the same place.
#[derive(Clone, Copy)]
struct Group {
    /// How many wait now who stood in front of them.
    ahead: u32,
    people: u32,
    /// How much each of their places still counts.
    counts: f64,
}

impl Leaving {
    /// Somebody has left the line without being admitted, in front of whom so many waited.
    pub(super) fn left(&mut self, ahead: u32) {
        self.just_now += 1.0;
        self.recent.push_front(Group { ahead, people: 1, counts: 1.0 });
        if self.recent.len() > GROUPS {
            self.put_together();
        }
    }

    /// Puts two together that were told apart: of all that follow each other those that are the nearest.
    fn put_together(&mut self) {
        let apart = |n: &usize| self.recent[*n].ahead.abs_diff(self.recent[n + 1].ahead);
        let Some(near) = (0..self.recent.len() - 1).min_by_key(apart) else { return };
        let Some(other) = self.recent.remove(near + 1) else { return };
        let group = &mut self.recent[near];
        let (a, b) = (f64::from(group.people), f64::from(other.people));
        *group = Group {
            ahead: group.ahead.max(other.ahead),
            people: group.people + other.people,
            counts: (a * group.counts + b * other.counts) / (a + b),
        };
    }

    pub(super) fn pass(&mut self, seconds: f64, waiting: usize, longest: f64) {
        let seconds = seconds.min(HALF);
        let fades = 0.5_f64.powf(seconds / HALF);
        // A crowd that goes at once is no habit.
        self.left = self.left * fades + self.just_now.min(AT_ONCE.0 + AT_ONCE.1 * usize_f64(waiting));
        self.just_now = 0.0;
        self.waited = self.waited * fades + usize_f64(waiting) * seconds;
        let counts = left_after(seconds);
        let measured = self.measured();
        let most = self.share / counts + LEAST.max(AT_A_TIME / longest.max(1.0)) * seconds;
        self.share = measured.clamp(self.share * counts, most);
        if !self.recent.is_empty() {
            self.recent.iter_mut().for_each(|group| group.counts *= counts);
            while self.recent.back().is_some_and(|group| group.counts < NOTHING) {
                self.recent.pop_back();
            }
        }
    }

    /// What the wait of a place is by and by, if `wait` is that of any.
    pub(super) fn by_and_by(&self, position: u32, wait: impl Fn(u32) -> f64) -> f64 {
        let (mut place, mut so_far) = (position, wait(position));
        let mut told = so_far;
        for group in self.recent.iter().filter(|group| group.ahead < position) {
            // Without them it had been this much longer.
            place += group.people;
            let before = wait(place);
            told += group.counts * (before - so_far);
            so_far = before;
        }
        told
    }

    /// Some are gone from the line: `new` tells of how many in front of somebody still wait.
    pub(super) fn moved_up(&mut self, new: impl Fn(u32) -> u32) {
        self.recent.iter_mut().for_each(|group| group.ahead = new(group.ahead));
    }

    /// The order of the line is another.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
    }

    /// The share of the line that leaves in a second, if many do.
    pub(super) fn most(&self) -> f64 {
        self.share * 1.6
    }

    /// The same, if few do.
    pub(super) fn least(&self) -> f64 {
        self.share * 0.6
    }

    /// Taken in by and by, once it says something.
    fn measured(&self) -> f64 {
        let surely = (2.0 * (self.left - FEW) / FEW).clamp(0.0, 1.0);
        surely * self.left / self.waited.max(1.0)
    }
}
