//! An honest wait: between which bounds those who wait will be admitted, if things go on as they do.
//!
//! Two limits stand in the way of a place, and the later one counts (rule 6). What the interval allows is exact
//! ([`super::admissions`]). When slots become free depends on how long people stay, which is measured ([`lifetimes`]) and
//! looked ahead from ([`outlook`]). What is not known makes the bounds wider, and where they would say nothing, or would
//! be wrong, there are none.
//!
//! What is told moves by no more than a tenth from one second to the next, or by a few seconds: a change of what is
//! expected is told by and by ([`told`]), also when people in front leave ([`leaving`]). As much is remembered for a million
//! as for ten, except of those who are admitted.

mod leaving;
mod lifetimes;
mod outlook;
mod told;

use std::{collections::HashMap, fmt};

use chrono::{DateTime, Utc};

use self::{
    leaving::Leaving,
    lifetimes::{Lifetimes, Tail},
    outlook::{Door, Outlook},
    told::Told,
};
use crate::{
    catalog::SeriesStatus,
    date::{
        admissions::Admissions,
        event::Event,
        millis,
        places::State,
        sale::{Batch, Sale},
    },
    id::TokenId,
    policy::QueuePolicy,
    sale::HOLD_SECONDS,
};

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

/// Who is gone from a line in one batch: how many waited in front of each before it.
#[derive(Default)]
struct Gone {
    left: Vec<u32>,
    admitted: Vec<u32>,
}

/// How many wait in front of a place; `None` for one that does not wait in line, as one that joined just now.
fn ahead_of(sale: &Sale, token: TokenId) -> Option<u32> {
    match sale.places.get(sale.places.by_token(token)?).state {
        State::Waiting { rank } => sale.line.before(rank?),
        State::Admitted { .. } => None,
    }
}

/// What a date knows at that moment.
#[derive(Clone, Copy)]
struct Scene<'a> {
    policy: &'a QueuePolicy,
    admissions: &'a Admissions,
    admitted: usize,
    waiting: usize,
    /// How long the sale goes on, in milliseconds.
    open_for: i64,
    now: i64,
}

/// What is remembered of a date to tell how long it will take. It stands beside the [`Sale`], because whoever looks makes
/// it look ahead.
#[derive(Default)]
pub struct Forecast {
    leaving: Leaving,
    lifetimes: Lifetimes,
    /// Since when those are admitted who are.
    since: HashMap<TokenId, i64>,
    told: Told,
    /// By what the policy's best is longer in what is told, after the organiser has let in more: tends to 1.
    wider: f64,
    /// How long the last in line waits, as far as is known.
    longest: f64,
    at: i64,
}

impl fmt::Debug for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forecast").field("admitted", &self.since.len()).finish_non_exhaustive()
    }
}

impl Forecast {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what was committed, before `sale` does.
    pub fn take_in(&mut self, sale: &Sale, batch: &Batch) {
        let now = millis(batch.at);
        self.follow(sale, now);
        let (mut gone, mut next_seq) = (Gone::default(), sale.next_seq);
        let mut policy = sale.settings.policy;
        for event in &batch.events {
            match event {
                Event::Admitted { token, .. } => {
                    self.since.insert(*token, now);
                    self.lifetimes.began(now);
                    self.told.admitted += 1;
                    gone.admitted.extend(ahead_of(sale, *token));
                }
                Event::Ended { token, .. } => match self.since.remove(token) {
                    Some(since) => self.lifetimes.ended(since),
                    None => gone.left.extend(ahead_of(sale, *token)),
                },
                Event::Joined { seq, lobby, .. } if sale.is_drawn() => {
                    if *lobby || *seq < next_seq {
                        // Somebody who came back stands in front of others.
                        self.leaving.forget();
                    }
                    next_seq = next_seq.max(seq + 1);
                }
                Event::PolicySet(new) => {
                    self.policy_changed(&policy, new);
                    policy = *new;
                }
                _ => {}
            }
        }
        self.moves_up(gone);
        self.lifetimes.time(now, policy.max_active);
    }

    /// Those who are gone move everybody behind them up; who was admitted was at the front.
    fn moves_up(&mut self, Gone { mut left, mut admitted }: Gone) {
        left.sort_unstable();
        admitted.sort_unstable();
        let still = |ahead: u32| {
            let gone = [&left, &admitted].map(|gone| gone.partition_point(|one| *one < ahead));
            ahead.saturating_sub(u32::try_from(gone[0] + gone[1]).unwrap_or(u32::MAX))
        };
        self.leaving.moved_up(still);
        for ahead in &left {
            self.leaving.left(still(*ahead));
        }
    }

    /// Time passes until `now`. A date that is known for the first time, or was opened anew meanwhile, is measured anew.
    fn follow(&mut self, sale: &Sale, now: i64) {
        if self.since.len() != sale.sessions.len() {
            *self = Self::default();
            let length = sale.settings.policy.session().num_milliseconds();
            for (.., slot) in &sale.sessions {
                let place = sale.places.get(*slot);
                let State::Admitted { until } = place.state else { continue };
                // Or earlier, if sessions were longer then.
                let since = (until - length).min(now);
                self.since.insert(place.token, since);
                self.lifetimes.goes_on(since, now);
            }
        }
        self.pass(now, sale.waiting as usize, sale.settings.policy.max_active);
    }

    /// Time passes while so many wait.
    fn pass(&mut self, now: i64, waiting: usize, slots: Option<u32>) {
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
    fn policy_changed(&mut self, old: &QueuePolicy, new: &QueuePolicy) {
        let pace = |policy: &QueuePolicy| {
            policy.admit_per_interval.map(|most| f64::from(most) / f64::from(policy.interval_seconds))
        };
        if let (Some(old), Some(new)) = (pace(old), pace(new)) {
            // Nothing below the policy's best is told: a narrower door is told at once.
            self.wider = ((1.0 + self.wider) * new / old - 1.0).max(0.0);
        }
    }

    /// Between what and what a place waits, at `now`; `None` where nothing is known that would not be wrong, also while
    /// nobody is admitted.
    pub fn estimate(&mut self, sale: &Sale, token: TokenId, now: DateTime<Utc>) -> Option<WaitEstimate> {
        let position = sale.position(token)?.position.filter(|position| *position > 0)?;
        if sale.status(now) != SeriesStatus::OnSale {
            return None;
        }
        let now = millis(now);
        self.follow(sale, now);
        let scene = Scene {
            policy: &sale.settings.policy,
            admissions: &sale.admissions,
            admitted: sale.sessions.len(),
            waiting: sale.waiting as usize,
            open_for: millis(sale.settings.closes_at) - now,
            now,
        };
        self.bounds(position, &scene)
    }

    /// The bounds for the place of that position.
    fn bounds(&mut self, position: u32, scene: &Scene<'_>) -> Option<WaitEstimate> {
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
        let shortest = self.wait(position, scene, self.leaving.most(), true);
        let longest = self.wait(position, scene, self.leaving.least(), false);
        let min_seconds = whole(shortest.floor());
        if f64::from(min_seconds) * 1_000.0 >= ms_f64(scene.open_for) {
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
    fn wait(&self, position: u32, scene: &Scene<'_>, leaves: f64, shortest: bool) -> f64 {
        let slots = scene.policy.max_active.is_some();
        let stays = self.leaving.by_and_by(position, |place| {
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
    ms_f64((now - then).max(0)) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "spans of a sale are far below 2^53 milliseconds")]
fn ms_f64(ms: i64) -> f64 {
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
