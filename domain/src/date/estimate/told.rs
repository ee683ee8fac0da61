//! What has been told of free slots, and how it moves towards what is expected.
//!
//! Kept for some places only, and for those between them by their neighbours. Who is admitted moves everybody one place
//! up, which changes nothing of when the others are; so between two looks what was told goes on by itself.

use super::{left_after, outlook::Outlook, since, usize_f64};

/// The places: 1, 2, … and then each a little further, to the longest line.
const PLACES: usize = 584;
const EACH: usize = 128;
const FURTHER: f64 = 1.02;

/// How often is looked ahead, in milliseconds.
const LOOKS: i64 = 500;

/// By how many seconds what is told may go down and up besides, in a second: near the front a tenth is less than what a
/// clock shows.
const AT_LEAST: (f64, f64) = (0.5, 0.8);

/// See the module.
#[derive(Default)]
pub(super) struct Told {
    /// The shortest and the longest wait, in seconds from `at`.
    waits: Vec<(f64, f64)>,
    at: Option<i64>,
    now: i64,
    /// How many were admitted since then.
    pub(super) admitted: u32,
}

impl Told {
    /// How many seconds ago was looked ahead, if it is time to look again.
    pub(super) fn due(&mut self, now: i64) -> Option<f64> {
        self.now = self.now.max(now);
        match self.at {
            None => Some(f64::INFINITY),
            Some(at) => (now - at >= LOOKS).then(|| since(at, now)),
        }
    }

    /// Takes in what is expected now.
    pub(super) fn follow(&mut self, seconds: f64, now: i64, soonest: &Outlook, latest: &Outlook) {
        let step = |told: f64, expected: f64| {
            if seconds.is_infinite() {
                return expected;
            }
            // What is told goes down by itself as time passes, and up from what it was.
            let before = told + seconds;
            let (down, up) =
                (told * (1.0 - left_after(seconds)), before * (left_after(-1.5 * seconds) - 1.0));
            expected.clamp((told - down - AT_LEAST.0 * seconds).max(0.0), before + up + AT_LEAST.1 * seconds)
        };
        let places = || (0..PLACES).map(place);
        let expected = soonest.soonest(places()).zip(latest.latest(places()));
        let moved = places().zip(expected).map(|(place, (soon, late))| {
            let (shortest, longest) = (self.wait(place, true), self.wait(place, false));
            (step(shortest, soon), step(longest, late.max(soon)))
        });
        let moved = moved.collect();
        (self.waits, self.at, self.admitted) = (moved, Some(now), 0);
    }

    /// How long that place waits for a slot.
    pub(super) fn wait(&self, place: f64, shortest: bool) -> f64 {
        let Some(at) = self.at else { return 0.0 };
        let was = place + f64::from(self.admitted);
        let behind = place_before(was);
        let of = |n: usize| {
            let (short, long) = self.waits[n];
            if shortest { short } else { long }
        };
        let (from, to) = (self::place(behind), self::place(behind + 1));
        let wait = of(behind) + (of(behind + 1) - of(behind)) * (was - from) / (to - from);
        (wait - since(at, self.now)).max(0.0)
    }
}

/// The places that are kept.
fn place(n: usize) -> f64 {
    let (n, each) = (usize_f64(n), usize_f64(EACH));
    if n < each { n + 1.0 } else { each * FURTHER.powf(n - each + 1.0) }
}

/// The last of them that is not behind `place`, and not the last of all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the number of places"
)]
fn place_before(place: f64) -> usize {
    let each = usize_f64(EACH);
    let n = if place < each { place.max(1.0) - 1.0 } else { (place / each).ln() / FURTHER.ln() + each - 1.0 };
    (n as usize).min(PLACES - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_reach_to_the_longest_line() {
        assert!(place(PLACES - 1) > 1_000_000.0);
        for wanted in [1.0, 1.5, 2.0, 127.0, 127.9, 128.0, 128.5, 131.0, 400.0, 12_345.6, 1_000_000.0] {
            let n = place_before(wanted);
            assert!(
                place(n) <= wanted + 1e-6 && wanted < place(n + 1) + 1e-6,
                "{wanted}: {} {}",
                place(n),
                place(n + 1)
            );
        }
    }
}
