//! An honest wait: between which bounds those who wait will be admitted, if things go on as they do.
//!
//! Two limits stand in the way of a place, and the later one counts (rule 6). What the interval allows is exact
//! ([`super::admissions`]). When slots become free depends on how long people stay, which is measured ([`lifetimes`]) and
//! looked ahead from ([`outlook`]). What is not known makes the bounds wider, and where they would say nothing, or would
//! be wrong, there are none.
//!
//! What is told moves by no more than a tenth from one second to the next, or by a few seconds: a change of what is
//! expected is told by and by ([`told`]), also when people in front leave ([`leaving`]). A room remembers as much for a
//! million as for ten, except of those who are admitted.

mod leaving;
mod lifetimes;
mod outlook;
mod told;

pub(super) use self::leaving::Leaving;
use self::{
    lifetimes::{Lifetimes, Tail},
    outlook::{Door, Outlook},
    told::Told,
};
use super::admissions::Admissions;
use crate::{policy::QueuePolicy, sale::HOLD_SECONDS};

/// Between what and what a place waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitEstimate {
    /// Never below what the policy allows at best for as many as are expected to be in front, to the second.
    pub min_seconds: u32,
    /// `None` where what is known allows no bound that says anything.
    pub max_seconds: Option<u32>,
    /// What it rests on.
    pub basis: Basis,
}

/// What an estimate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// How long people stay, and how many give up.
    Measured,
    /// The limits alone.
    Policy,
}

impl WaitEstimate {
    /// The middle of the bounds, which is as likely too short as too long.
    #[must_use]
    pub fn likely_seconds(&self) -> Option<u32> {
        Some(self.min_seconds.midpoint(self.max_seconds?))
    }
}

/// Sessions that have to have ended before anything is concluded from how long they were.
const FEWEST: u64 = 3;

/// A longest wait is told if it is at most twice the shortest and this, in seconds: else it would say nothing.
const SLACK: f64 = 60.0;

/// A longest wait that is a little longer is told as that: it is rarely the longest.
const NEARLY: f64 = 1.6;

/// How much longer than the policy's best it may take where nothing else is in the way: everything takes its time.
const LATE: (f64, f64) = (1.15, 15.0);

/// By how much of itself, in a second, what is told follows what is expected. Less than a tenth, because the position moves
/// and time passes as well.
const FOLLOWS: f64 = 0.03;

/// What is left after so many seconds of a difference that is told by and by.
fn left_after(seconds: f64) -> f64 {
    (1.0 - FOLLOWS).powf(seconds)
}

/// What the room knows at that moment.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) policy: &'a QueuePolicy,
    pub(super) admissions: &'a Admissions,
    pub(super) admitted: usize,
    pub(super) waiting: usize,
    /// How long the sale goes on, in milliseconds.
    pub(super) open_for: i64,
    pub(super) now: i64,
}

/// What a room remembers to tell how long it will take.
#[derive(Default)]
pub(super) struct Forecast {
    pub(super) leaving: Leaving,
    lifetimes: Lifetimes,
    told: Told,
    /// By what the policy's best is longer in what is told, after the organiser has let in more: tends to 1.
    wider: f64,
    /// How long the last in line waits, as far as is known.
    longest: f64,
    at: i64,
}

impl Forecast {
    /// A place was admitted at `at`.
    pub(super) fn admitted(&mut self, at: i64) {
        self.lifetimes.began(at);
        self.told.admitted += 1;
    }

    /// An admitted place is over; when, the next [`Forecast::pass`] says.
    pub(super) fn ended(&mut self, since: i64) {
        self.lifetimes.ended(since);
    }

    /// A session that goes on, of a room that is restored.
    pub(super) fn goes_on(&mut self, since: i64, now: i64) {
        self.lifetimes.goes_on(since, now);
    }

    /// Time passes while so many wait.
    pub(super) fn pass(&mut self, now: i64, waiting: usize, slots: Option<u32>) {
        self.lifetimes.time(now, slots);
        if now <= self.at {
            return;
        }
        let seconds = since(self.at, now);
        self.at = now;
        self.leaving.pass(seconds, waiting, self.longest);
        self.wider *= left_after(seconds);
    }

    /// The organiser has changed the policy.
    pub(super) fn policy_changed(&mut self, old: &QueuePolicy, new: &QueuePolicy) {
        let pace = |policy: &QueuePolicy| {
            policy.admit_per_interval.map(|most| f64::from(most) / f64::from(policy.interval_seconds))
        };
        if let (Some(old), Some(new)) = (pace(old), pace(new)) {
            // Nothing below the policy's best is told: a narrower door is told at once.
            self.wider = ((1.0 + self.wider) * new / old - 1.0).max(0.0);
        }
    }

    /// The bounds for the place of that position and rank.
    pub(super) fn estimate(&mut self, position: u32, rank: u32, scene: &Scene<'_>) -> Option<WaitEstimate> {
        self.pass(scene.now, scene.waiting, scene.policy.max_active);
        let measured = self.lifetimes.count() >= FEWEST;
        let (slots, paced) = (scene.policy.max_active.is_some(), scene.policy.admit_per_interval.is_some());
        if scene.policy.max_active == Some(0) || (slots && !paced && !measured) {
            return None;
        }
        if slots {
            self.look_ahead(measured, scene);
        }
        let last = u32::try_from(scene.waiting).unwrap_or(u32::MAX);
        self.longest = self.stays(last, scene);
        let shortest = self.wait(position, rank, scene, self.leaving.most(), true);
        let longest = self.wait(position, rank, scene, self.leaving.least(), false);
        let min_seconds = whole(shortest.floor());
        if f64::from(min_seconds) * 1_000.0 >= millis(scene.open_for) {
            return None;
        }
        let most = 2.0 * shortest.floor() + SLACK;
        let says_something = longest <= most * NEARLY;
        Some(WaitEstimate {
            min_seconds,
            max_seconds: says_something.then(|| whole(longest.min(most).floor())),
            basis: if (slots && measured) || self.leaving.most() > 0.0 {
                Basis::Measured
            } else {
                Basis::Policy
            },
        })
    }

    /// How long that place waits at the longest, if nobody leaves.
    fn stays(&self, place: u32, scene: &Scene<'_>) -> f64 {
        let paced = scene.admissions.earliest(scene.policy, place, scene.now) * (1.0 + self.wider);
        let slot =
            if scene.policy.max_active.is_some() { self.told.wait(f64::from(place), false) } else { 0.0 };
        paced.max(slot)
    }

    /// How long it takes, in seconds, if of those in front this share leaves in a second.
    fn wait(&self, position: u32, rank: u32, scene: &Scene<'_>, leaves: f64, shortest: bool) -> f64 {
        let slots = scene.policy.max_active.is_some();
        let stays = self.leaving.by_and_by(position, rank, |place| {
            let mut paced = scene.admissions.earliest(scene.policy, place, scene.now) * (1.0 + self.wider);
            if !shortest {
                paced = paced * LATE.0 + LATE.1;
            }
            let slot = if slots { self.told.wait(f64::from(place), shortest) } else { 0.0 };
            paced.max(slot)
        });
        if leaves <= 0.0 {
            return stays;
        }
        // Who would leave later is in front for longer.
        let seconds = (leaves * stays).ln_1p() / leaves;
        // The interval lets in many at once, and who moves up a little may be among the ones before.
        let sooner = match scene.policy.admit_per_interval {
            Some(most) if shortest => {
                let moves_up = f64::from(position) * (1.0 - seconds / stays.max(1.0));
                f64::from(scene.policy.interval_seconds) * (4.0 * moves_up / f64::from(most)).min(1.0) / 2.0
            }
            _ => 0.0,
        };
        (seconds - sooner).max(0.0)
    }

    /// Looks ahead anew, once a second at most: whoever asks meanwhile is told what was found, and what has happened since.
    fn look_ahead(&mut self, measured: bool, scene: &Scene<'_>) {
        let Some(seconds) = self.told.due(scene.now) else { return };
        let limit = f64::from(scene.policy.session_seconds) + f64_of(HOLD_SECONDS);
        let door = Door {
            slots: f64::from(scene.policy.max_active.unwrap_or_default()),
            admitted: usize_f64(scene.admitted),
            waiting: usize_f64(scene.waiting),
            pace: scene
                .policy
                .admit_per_interval
                .map(|most| (f64::from(most), f64::from(scene.policy.interval_seconds))),
        };
        let ages = self.lifetimes.ages(scene.now);
        let outlook = |tail| {
            let survival = self.lifetimes.survival(limit, tail, measured);
            Outlook::new(&survival, &ages, &door)
        };
        self.told.follow(seconds, scene.now, &outlook(Tail::Ends), &outlook(Tail::Lasts));
    }
}

fn since(then: i64, now: i64) -> f64 {
    millis((now - then).max(0)) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "spans of a sale are far below 2^53 milliseconds")]
fn millis(ms: i64) -> f64 {
    ms as f64
}

#[expect(clippy::cast_precision_loss, reason = "a room holds fewer than 2^32 places")]
fn usize_f64(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "a few minutes")]
fn f64_of(seconds: i64) -> f64 {
    seconds as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded first")]
fn whole(seconds: f64) -> u32 {
    seconds.clamp(0.0, f64::from(i32::MAX)) as u32
}
