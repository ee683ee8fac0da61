//! Who was heard from, of the live places of one date, in one process (rule 7); and whose silence is to be reported.
//!
//! Places are told apart by the numbers of their joins, and kept by them, so that a million take 25 MB and what is written
//! for other processes is sorted as it stands. What is known of a place is the last sign of life only. To find who is silent,
//! each chunk of places knows an instant before which nobody in it was heard last: it is looked through when that
//! is long enough ago, and not before. So a sign of life costs a write, and looking costs what has come due.
//!
//! Two places have the same number where one was [given back](crate::date::Command::ComeBack) after the database had been
//! set back. The second of them is kept by another number, which is none of a join.
//!
//! Silence is measured in [attended time](crate::attendance), and judged only up to the instant until which all other
//! processes have [told](Presence::covered) whom they have heard (rule 9).

mod heard;
mod row;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
};

use chrono::{DateTime, TimeDelta, Utc};

use self::heard::{Entry, Heards, Known};
pub use self::row::{Malformed, encode};
use crate::{
    attendance::Absence,
    date::{Batch, Event, Sale, Status},
    id::TokenId,
};

/// How long after a place was reported as silent it is time to look again, if it has neither ended nor is
/// [kept](Presence::kept): the decision may have failed. In milliseconds.
const AGAIN: i64 = 5_000;

/// Times of places are counted from a later origin when they get as far as this, in milliseconds: 24 days.
const FAR: u32 = 1 << 31;

/// What came of a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The place lives on.
    InTime,
    /// It was silent for the whole timeout before. That is to be decided now; if it lives on because of a hold, it is to be
    /// told as [kept](Presence::kept), and heard again.
    Late,
    /// There is no such place.
    Unknown,
}

/// See the module. Times are truncated to milliseconds, like those of a [`Sale`].
pub struct Presence {
    /// In milliseconds.
    timeout: i64,
    absence: Absence,
    /// The attended time that the times of the places count from.
    origin: i64,
    places: Heards,
    /// Places that came when there was another one of their number.
    twins: HashMap<TokenId, Twin>,
    /// Until when it is known whom the other processes have heard.
    covered: i64,
    /// The numbers of those whose silence was reported; also of some for whom that is not true any more.
    reported: BTreeSet<u64>,
    reported_at: i64,
    /// The last of them that was reported again.
    turn: u64,
    /// Until when holds keep silent places open; also of some for whom that is not true any more.
    kept: BTreeSet<(i64, u64)>,
}

/// See [`Presence::twins`].
#[derive(Clone, Copy)]
struct Twin {
    /// The number of its join.
    seq: u64,
    /// The number that it is kept by.
    alias: u64,
}

/// Beyond every join.
const LAST_ALIAS: u64 = u64::MAX;

impl std::fmt::Debug for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presence").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

impl Presence {
    /// Nobody, as at `now`; `absence` is what the process has missed until then.
    #[must_use]
    pub fn new(timeout: TimeDelta, absence: Absence, now: DateTime<Utc>) -> Self {
        Self {
            timeout: timeout.num_milliseconds(),
            absence,
            origin: absence.attended(millis(now)),
            places: Heards::default(),
            twins: HashMap::new(),
            covered: i64::MAX,
            reported: BTreeSet::new(),
            reported_at: i64::MIN,
            turn: 0,
            kept: BTreeSet::new(),
        }
    }

    /// Everybody who has a live place, with a full timeout from `now` on: it was this process that was away (rule 9).
    #[must_use]
    pub fn of(sale: &Sale, absence: Absence, now: DateTime<Utc>) -> Self {
        let mut presence = Self::new(sale.settings().policy.heartbeat_timeout(), absence, now);
        for (seq, token) in sale.live() {
            presence.enter(seq, token, now);
        }
        presence
    }

    /// Takes in what was committed, before `sale` does: who joined is heard from `heard` on, which is now where the join was
    /// asked for, and the time of the batch elsewhere.
    pub fn take_in(&mut self, sale: &Sale, batch: &Batch, heard: DateTime<Utc>) {
        let mut new = HashMap::new();
        for event in &batch.events {
            match event {
                Event::Joined { token, seq, .. } => {
                    new.insert(*token, *seq);
                    self.enter(*seq, *token, heard);
                }
                Event::Ended { token, .. } => {
                    if let Some(seq) = new.get(token).copied().or_else(|| sale.seq(*token)) {
                        self.forget(seq, *token);
                    }
                }
                Event::Closed => {
                    let is_admitted =
                        |token| sale.position(token).is_some_and(|place| place.status == Status::Admitted);
                    self.places.retain(|entry| is_admitted(entry.token));
                    self.twins.retain(|token, _| is_admitted(*token));
                }
                Event::PolicySet(policy) => self.set_timeout(policy.heartbeat_timeout()),
                _ => {}
            }
        }
    }

    /// A place that is new here, and counts as heard at `at`.
    pub fn enter(&mut self, seq: u64, token: TokenId, at: DateTime<Utc>) {
        let heard = self.offset_at(at);
        let mut number = self.number(seq, token);
        if self.places.get(number).is_some_and(|entry| entry.token != token) {
            number = self.free_alias();
            self.twins.insert(token, Twin { seq, alias: number });
        }
        self.places.insert(number, Entry::new(token, heard));
    }

    /// The place is over.
    pub fn forget(&mut self, seq: u64, token: TokenId) {
        if let Some(number) = self.known(seq, token) {
            self.places.remove(number);
            self.twins.remove(&token);
        }
    }

    /// The number that a place is kept by, if it is here.
    fn known(&self, seq: u64, token: TokenId) -> Option<u64> {
        let number = self.number(seq, token);
        self.places.get(number).filter(|entry| entry.token == token).map(|_| number)
    }

    fn number(&self, seq: u64, token: TokenId) -> u64 {
        if self.twins.is_empty() {
            return seq;
        }
        self.twins.get(&token).map_or(seq, |twin| twin.alias)
    }

    fn free_alias(&self) -> u64 {
        self.twins.values().map(|twin| twin.alias - 1).min().unwrap_or(LAST_ALIAS)
    }

    /// How long somebody may be silent, from now on.
    pub fn set_timeout(&mut self, timeout: TimeDelta) {
        self.timeout = timeout.num_milliseconds();
    }

    /// What the process has missed until now. To be told before anything is heard, judged or shown, with what belongs to
    /// the same moment. It only ever grows; what is told of less is known already.
    pub fn missed(&mut self, absence: &Absence) {
        self.absence = self.absence.and(absence);
    }

    /// Nothing could be decided here until `now`, as when the database was away: that is nobody's silence either.
    pub fn stood_still(&mut self, now: DateTime<Utc>) {
        self.absence = self.absence.stalled(millis(now));
    }

    /// A sign of life.
    pub fn hear(&mut self, seq: u64, token: TokenId, now: DateTime<Utc>) -> Heard {
        let now = self.moment(now);
        let Some(number) = self.known(seq, token) else { return Heard::Unknown };
        let is_late = |entry: &Entry| {
            entry.known != Known::Kept && self.deadline_of(entry, now) <= now.min(self.covered)
        };
        if self.places.get(number).is_some_and(is_late) {
            return Heard::Late;
        }
        self.places.hear(number, self.offset(self.absence.attended(now)), true);
        Heard::InTime
    }

    /// Somebody watches the place: while that is so it is never silent. [`Presence::hear`] first, which says whether it is
    /// not over yet.
    pub fn open_stream(&mut self, seq: u64, token: TokenId, now: DateTime<Utc>) {
        let now = self.moment(now);
        if let Some(number) = self.known(seq, token) {
            self.places.hear(number, self.offset(self.absence.attended(now)), true);
            self.places.watch(number, |streams| streams.saturating_add(1));
        }
    }

    /// Somebody does not watch it any more: that was the last sign of life.
    pub fn close_stream(&mut self, seq: u64, token: TokenId, now: DateTime<Utc>) {
        let now = self.moment(now);
        let Some(number) = self.known(seq, token) else { return };
        if self.places.get(number).is_some_and(|entry| entry.streams > 0) {
            self.places.hear(number, self.offset(self.absence.attended(now)), true);
            self.places.watch(number, |streams| streams - 1);
        }
    }

    /// Another process has heard from the places of all of these numbers, which it has [encoded](encode).
    ///
    /// # Errors
    /// [`Malformed`] if that is not what they are; what was read before that counts.
    pub fn heard_all_elsewhere(&mut self, row: &[u8], at: DateTime<Utc>) -> Result<(), Malformed> {
        let heard = self.offset_at(at);
        for run in row::runs(row) {
            let run = run?;
            for twin in self.twins.values().filter(|twin| run.contains(&twin.seq)) {
                self.places.hear(twin.alias, heard, false);
            }
            self.places.hear_run(run, heard);
        }
        Ok(())
    }

    /// All other processes have told whom they heard until then: so far silence can be judged. A process that is alone never
    /// calls this. After it, it is time to ask [`Presence::next`] again.
    pub fn covered(&mut self, until: DateTime<Utc>) {
        self.covered = millis(until);
    }

    /// Whom to tell the others of: who was heard here since then, and who is watched here; numbers of joins, in order.
    #[must_use]
    pub fn heard_since(&self, since: DateTime<Utc>) -> Vec<u64> {
        let mut heard = self.places.heard_since(self.offset_at(since));
        if !self.twins.is_empty() {
            let numbers: HashMap<_, _> = self.twins.values().map(|twin| (twin.alias, twin.seq)).collect();
            heard.iter_mut().for_each(|number| *number = numbers.get(number).copied().unwrap_or(*number));
            heard.sort_unstable();
            heard.dedup();
        }
        heard
    }

    /// When the owner of a place was heard last; one that is watched is heard now.
    #[must_use]
    pub fn heard_at(&self, seq: u64, token: TokenId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let entry = self.places.get(self.known(seq, token)?)?;
        Some(time(self.absence.instant(self.attended_of(entry, millis(now)))))
    }

    /// When the place ends unless its owner is heard from.
    #[must_use]
    pub fn expires_at(&self, seq: u64, token: TokenId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let entry = self.places.get(self.known(seq, token)?)?;
        Some(time(self.deadline_of(entry, millis(now))))
    }

    /// At most so many of those whose deadline has passed: first those who are told of for the first time, then those who
    /// were told of and have not ended since.
    pub fn silent(&mut self, now: DateTime<Utc>, most: usize) -> Vec<TokenId> {
        let now = self.moment(now);
        let limit = self.limit(now);
        let watched = self.offset(self.absence.attended(now));
        let places = &self.places;
        self.reported.retain(|seq| places.get(*seq).is_some_and(|entry| entry.known == Known::Reported));
        let mut silent = self.places.silent(limit, watched, most);
        let told_before: Vec<_> = self.reported_in_turn().collect();
        self.reported.extend(silent.iter().map(|(seq, _)| *seq));
        self.no_longer_kept(now, limit, &mut silent, most);
        for seq in told_before {
            if silent.len() == most {
                break;
            }
            match self.places.still(seq, Known::Reported, limit) {
                Some(token) => {
                    silent.push((seq, token));
                    self.turn = seq;
                }
                None => drop(self.reported.remove(&seq)),
            }
        }
        self.reported_at = now;
        silent.into_iter().map(|(_, token)| token).collect()
    }

    /// Those who have been reported, so that everybody's turn comes where there are many.
    fn reported_in_turn(&self) -> impl Iterator<Item = u64> + '_ {
        let behind = self.reported.range((Bound::Excluded(self.turn), Bound::Unbounded));
        behind.chain(self.reported.range(..=self.turn)).copied()
    }

    /// Those whose holds have ended and who have not been heard from.
    fn no_longer_kept(&mut self, now: i64, limit: i64, silent: &mut Vec<(u64, TokenId)>, most: usize) {
        while silent.len() < most
            && let Some(first) = self.kept.first().copied().filter(|(until, _)| *until <= now)
        {
            self.kept.remove(&first);
            let (_, seq) = first;
            if let Some(token) = self.places.still(seq, Known::Kept, limit) {
                self.places.know(seq, Known::Reported);
                self.reported.insert(seq);
                silent.push((seq, token));
            }
        }
    }

    /// A place is silent, and a hold keeps it open until then: it is reported when that ends, if it is not heard from.
    pub fn kept(&mut self, seq: u64, token: TokenId, until: DateTime<Utc>) {
        if let Some(number) = self.known(seq, token) {
            self.places.know(number, Known::Kept);
            self.kept.insert((millis(until), number));
        }
    }

    /// When to look for silent ones again, commands and [`Presence::covered`] aside; in the past if it is time.
    #[must_use]
    pub fn next(&self) -> Option<DateTime<Utc>> {
        let first =
            self.places.earliest().map(|heard| self.deadline(self.absence.heard(self.attended(heard))));
        let first = first.filter(|deadline| *deadline <= self.covered);
        let kept = self.kept.first().map(|(until, _)| *until);
        let again = (!self.reported.is_empty()).then(|| self.reported_at.saturating_add(AGAIN));
        [first, kept, again].into_iter().flatten().min().map(time)
    }

    fn deadline_of(&self, entry: &Entry, now: i64) -> i64 {
        self.deadline(self.attended_of(entry, now))
    }

    /// Who was heard last at that time, or before it, is silent; counted from the origin.
    fn limit(&self, now: i64) -> i64 {
        let limit = self.absence.attended(now.min(self.covered)) - self.timeout;
        // Since the last stall nobody can have been silent for so long.
        if self.absence.heard(limit) > limit { -1 } else { limit - self.origin }
    }

    fn deadline(&self, heard: i64) -> i64 {
        self.absence.instant(heard) + self.timeout
    }

    /// The attended time at which somebody counts as heard.
    fn attended_of(&self, entry: &Entry, now: i64) -> i64 {
        let heard = self.absence.heard(self.attended(entry.heard));
        if entry.streams > 0 { heard.max(self.absence.attended(now)) } else { heard }
    }

    /// At the time of another process, or one that is past.
    fn offset_at(&self, at: DateTime<Utc>) -> u32 {
        self.offset(self.absence.attended(millis(at)))
    }

    fn attended(&self, offset: u32) -> i64 {
        self.origin + i64::from(offset)
    }

    /// What is far in the past is so for everybody alike.
    fn offset(&self, attended: i64) -> u32 {
        u32::try_from((attended - self.origin).max(0)).unwrap_or(heard::NEVER - 1)
    }

    /// The instant in milliseconds; in time the places count from a later one.
    fn moment(&mut self, now: DateTime<Utc>) -> i64 {
        let now = millis(now);
        let passed = self.absence.attended(now) - self.origin;
        if passed > i64::from(FAR) {
            // Whom nobody has heard from for a week is silent by any timeout.
            let later = passed - i64::from(FAR / 4);
            self.places.count_from(u32::try_from(later).unwrap_or(heard::NEVER - 1));
            self.origin += later;
        }
        now
    }
}

fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
