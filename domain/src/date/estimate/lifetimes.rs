//! How long people stay once they are admitted: at which age how many of those who were watched at that age left.
//!
//! That those who are gone stayed for a short time says little while most are still there; so those who are there count
//! too, for as long as they have been watched, and where nobody was, everything is possible that the policy allows.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{ms_f64, usize_f64};

/// Classes of ages, each a tenth longer than the one before: to the longest session that a policy allows, and a hold.
const CLASSES: usize = 128;
const FIRST: f64 = 1.0;
const RATIO: f64 = 1.1;

/// If fewer were watched at an age, what they did says nothing.
const FEW: f64 = 2.5;

/// Where too few were watched, the share of those who stay falls with this power of the age: a quarter of those who stay
/// for some time stay for twice that. So many who are there at that age halve the power, and more make it nearly nothing.
const FALLS: f64 = 2.0;
const STAYERS: f64 = 2.5;

/// Before anything is known of how much stays differ: so much, which counts as much as so many sessions.
const ANY: (f64, f64) = (0.15, 3.0);

/// Sessions that are remembered, or four for each slot: what is older fades.
const MEMORY: f64 = 256.0;

/// When each class begins, in seconds, and the last ends.
static BEGIN: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let begin = |class| if class == 0 { 0.0 } else { FIRST * RATIO.powf(usize_f64(class - 1)) };
    (0..=CLASSES).map(begin).collect()
});

/// What is assumed of those who stay longer than anybody has been watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// They leave at once.
    Ends,
    /// They stay for as long as they may.
    Lasts,
}

/// See the module.
pub(super) struct Lifetimes {
    /// By class, in units of `unit`: how many left, and for how many seconds anybody was watched.
    left: Vec<f64>,
    watched: Vec<f64>,
    /// What counts now: grows, so that what was before counts less and less beside it.
    unit: f64,
    count: u64,
    /// Since when those are there who are, and how many since then; in milliseconds.
    there: BTreeMap<i64, u32>,
    /// Since when those were there who are gone, where it is not said yet until when.
    untimed: Vec<i64>,
    /// Until when those who are there have been counted as watched.
    until: i64,
}

/// Of those who are there: how many in each class, and how old they are all together.
pub(super) struct Ages(Vec<(f64, f64)>);

/// What share stays for how long.
pub(super) struct Survival {
    /// At the beginning of each class, and after the last.
    share: Vec<f64>,
    /// The mean stay in seconds.
    pub(super) mean: f64,
    /// The variance of a stay over the square of the mean.
    pub(super) spread: f64,
    /// The same of the mean itself, which is measured of so many only.
    pub(super) doubt: f64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let (left, watched) = (vec![0.0; CLASSES], vec![0.0; CLASSES]);
        Self {
            left,
            watched,
            unit: 1.0,
            count: 0,
            there: BTreeMap::new(),
            untimed: Vec::new(),
            until: i64::MIN,
        }
    }
}

impl Lifetimes {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn began(&mut self, at: i64) {
        *self.there.entry(at).or_default() += 1;
    }

    /// Who is there already is watched from now on: of those who were there with them and left, nothing is known.
    pub(super) fn goes_on(&mut self, since: i64, now: i64) {
        self.began(since);
        self.until = now;
    }

    pub(super) fn ended(&mut self, since: i64) {
        if let Some(there) = self.there.get_mut(&since) {
            *there -= 1;
            if *there == 0 {
                self.there.remove(&since);
            }
            self.untimed.push(since);
        }
    }

    /// Those who have ended have ended now.
    pub(super) fn time(&mut self, now: i64, slots: Option<u32>) {
        let memory = (4.0 * f64::from(slots.unwrap_or_default())).max(MEMORY);
        for since in std::mem::take(&mut self.untimed) {
            watch(&mut self.watched, since, self.until, now, self.unit);
            self.left[class(super::since(since, now))] += self.unit;
            self.unit /= 1.0 - 1.0 / memory;
            self.count += 1;
        }
        if self.unit > 1e100 {
            self.left.iter_mut().chain(&mut self.watched).for_each(|of| *of /= self.unit);
            self.unit = 1.0;
        }
    }

    /// How old those are who are there; they have been watched until now.
    pub(super) fn ages(&mut self, now: i64) -> Ages {
        let mut ages = vec![(0.0, 0.0); CLASSES];
        for (since, there) in &self.there {
            let (age, there) = (super::since(*since, now), f64::from(*there));
            watch(&mut self.watched, *since, self.until, now, there * self.unit);
            let (count, sum) = &mut ages[class(age)];
            *count += there;
            *sum += there * age;
        }
        self.until = self.until.max(now);
        Ages(ages)
    }

    /// What share stays for how long, nobody beyond `limit`.
    pub(super) fn survival(&self, limit: f64, tail: Tail, measured: bool) -> Survival {
        let (mut share, mut now, mut unknown) = (vec![1.0], 1.0, None);
        for class in 0..CLASSES {
            let length = BEGIN[class + 1] - BEGIN[class];
            now *= if measured && self.watched[class] >= FEW * length * self.unit {
                (-self.left[class] / self.watched[class] * length).exp()
            } else if tail == Tail::Ends {
                0.0
            } else {
                // Before three have ended nothing is concluded, also not from who is there.
                let falls =
                    *unknown.get_or_insert_with(|| if measured { self.falls_beyond(class) } else { 0.0 });
                (BEGIN[class].max(FIRST) / BEGIN[class + 1]).powf(falls)
            };
            share.push(if BEGIN[class + 1] > limit { 0.0 } else { now });
        }
        let seen: f64 = self.left.iter().sum();
        Survival::new(share, if measured { seen / self.unit } else { 1.0 })
    }

    /// By which power of the age the share falls from `class` on, where too few were watched. Who is there already at about
    /// that age says that one may well stay, and for as long as the policy allows. If nobody is, those who were have left.
    fn falls_beyond(&self, class: usize) -> f64 {
        let there = self.older_than(BEGIN[class.saturating_sub(1)]);
        FALLS / (1.0 + (there / STAYERS).powi(2))
    }

    fn older_than(&self, age: f64) -> f64 {
        let older = self.there.iter().take_while(|(since, _)| super::since(**since, self.until) >= age);
        older.map(|(_, there)| f64::from(*there)).sum()
    }
}

/// Somebody who is there since then was watched from `from` to `to`.
fn watch(watched: &mut [f64], since: i64, from: i64, to: i64, counts: f64) {
    let end = super::since(since, to);
    let mut age = (ms_f64(from.max(since) - since) / 1_000.0).min(end);
    while age < end {
        let class = class(age);
        let until = if class + 1 < CLASSES { end.min(BEGIN[class + 1]) } else { end };
        watched[class] += (until - age) * counts;
        age = if until > age { until } else { end };
    }
}

impl Survival {
    fn new(share: Vec<f64>, seen: f64) -> Self {
        let (mut mean, mut square) = (0.0, 0.0);
        for class in 0..CLASSES {
            let (from, to) = (BEGIN[class], BEGIN[class + 1]);
            let half = f64::midpoint(share[class], share[class + 1]);
            mean += (to - from) * half;
            square += (to * to - from * from) * half;
        }
        let mean = mean.max(0.1);
        let spread = (square / (mean * mean) - 1.0).clamp(0.01, 4.0);
        let spread = (spread * seen + ANY.0 * ANY.1) / (seen + ANY.1);
        Self { share, mean, spread, doubt: spread / seen.max(1.0) }
    }

    /// What share stays for longer than that.
    pub(super) fn beyond(&self, age: f64) -> f64 {
        let class = class(age);
        let (from, to) = (BEGIN[class], BEGIN[class + 1]);
        let part = ((age - from) / (to - from)).clamp(0.0, 1.0);
        self.share[class] + part * (self.share[class + 1] - self.share[class])
    }
}

impl Ages {
    /// How many there are of about the same age, and that age.
    pub(super) fn groups(&self) -> impl Iterator<Item = (f64, f64)> {
        self.0.iter().filter(|(there, _)| *there > 0.0).map(|(there, sum)| (*there, sum / there))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the number of classes"
)]
fn class(age: f64) -> usize {
    if age < FIRST {
        return 0;
    }
    let near = (((age / FIRST).ln() / RATIO.ln()) as usize + 1).min(CLASSES - 1);
    // The logarithm may be off by a hair.
    if age < BEGIN[near] {
        near - 1
    } else if near + 1 < CLASSES && age >= BEGIN[near + 1] {
        near + 1
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_reach_to_the_longest_session() {
        assert!(BEGIN[CLASSES] > 86_700.0, "{}", BEGIN[CLASSES]);
        for age in [0.0, 0.5, 1.0, 1.05, 17.0, 600.0, 900.0, 86_700.0] {
            let class = class(age);
            assert!((BEGIN[class]..BEGIN[class + 1]).contains(&age), "{age}");
        }
    }

    /// A hundred of whom three are gone after half a minute: how long the others stay is not known, and both is possible.
    #[test]
    fn a_few_who_left_early_say_little_of_the_others() {
        let mut lifetimes = Lifetimes::default();
        (0..100).for_each(|_| lifetimes.began(0));
        (1..=3).for_each(|n| {
            lifetimes.ended(0);
            lifetimes.time(n * 10_000, Some(100));
        });
        lifetimes.ages(30_000);
        let [ends, lasts] = [Tail::Ends, Tail::Lasts].map(|tail| lifetimes.survival(900.0, tail, true).mean);
        assert!((25.0..40.0).contains(&ends), "{ends}");
        assert!((750.0..950.0).contains(&lasts), "{lasts}");
    }

    /// Once most are gone both agree, and the mean is that of the stays.
    #[test]
    fn those_who_are_gone_say_how_long_the_others_stay() {
        let mut lifetimes = Lifetimes::default();
        (0..100).for_each(|_| lifetimes.began(0));
        (1..=98).for_each(|n| {
            lifetimes.ended(0);
            lifetimes.time(n * 3_000, Some(100));
        });
        lifetimes.ages(98 * 3_000);
        for tail in [Tail::Ends, Tail::Lasts] {
            let survival = lifetimes.survival(900.0, tail, true);
            assert!((140.0..170.0).contains(&survival.mean), "{tail:?}: {}", survival.mean);
            assert!((survival.beyond(150.0) - 0.5).abs() < 0.05, "{}", survival.beyond(150.0));
            assert_eq!(survival.beyond(1_000.0), 0.0);
        }
    }
}
