//! The open streams of the places of one date, all under one lock. Nobody has a task or a timer of their own: whoever
//! serves the date goes over those who are due, and each is told where its place stands, there and then.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::BuildHasher,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use chrono::{DateTime, Utc};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{
    domain::{
        catalog::SeriesStatus,
        date::{Sale, Status, WaitEstimate},
        id::{SeriesId, TokenId},
        sale::TokenStatus,
    },
    sales::wheel::{Pace, Spot, TICK_MS, Wheel},
};

/// How many are looked at before commits have their turn again: a millisecond, about.
const AT_ONCE: usize = 512;

/// What its owner is told of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The place.
    pub token: TokenId,
    /// Its date.
    pub series: SeriesId,
    /// Where it stands.
    pub status: TokenStatus,
    /// See [`crate::domain::date::Position::position`]; 0 once it is over.
    pub position: Option<u32>,
    /// How many wait.
    pub waiting: u32,
    /// How long it will wait; `None` where nothing is known that would not be wrong.
    pub estimate: Option<WaitEstimate>,
    /// While admitted: until when seats may be chosen.
    pub admitted_until: Option<DateTime<Utc>>,
    /// Seats that can be held.
    pub available_seats: usize,
    /// How the sale stands.
    pub series_status: SeriesStatus,
}

/// Why nothing can be said of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The database is away, or this process is cut off from it.
    Unavailable,
    /// The token that allowed the stream has ended (rule 1).
    Lapsed,
    /// There is no such place.
    NotFound,
    /// Something broke here, which is for the log.
    Broken(String),
}

/// What a subscriber is told. Of what was not sent yet, only the last counts.
#[derive(Clone, Copy, Debug)]
pub enum Update<'a> {
    /// Where the place stands.
    Place(&'a Place),
    /// How it ended; nothing comes after it.
    Over(&'a Place),
    /// Nothing is known for now.
    Away(&'a Trouble),
    /// Nothing is known, and nothing comes after it.
    Failed(&'a Trouble),
}

/// Whoever is told of a place. It keeps what it is told and sends it later: telling never waits.
pub trait Subscriber: std::fmt::Debug + Send + Sync {
    /// Returned is who has to be woken, once for all that is told at a time.
    fn tell(&self, update: Update<'_>) -> Option<Waker>;
}

/// What makes news: the passing of time alone does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    status: TokenStatus,
    position: Option<u32>,
    waiting: u32,
    admitted_until: Option<DateTime<Utc>>,
    available_seats: u32,
    series_status: SeriesStatus,
}

/// A subscriber among the others. Numbers are used again, so each has the number of its turn as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    at: u32,
    turn: u64,
}

#[derive(Debug)]
struct Member {
    turn: u64,
    token: TokenId,
    subscriber: Box<dyn Subscriber>,
    told: Option<Told>,
    /// Whether it was told that nothing is known for now.
    is_away: bool,
    /// Whether the place is not in memory any more: the database is asked how it ended.
    is_gone: bool,
    phase: u32,
    spot: Spot,
    /// When the token ends that allowed the stream, in milliseconds.
    lapse: Option<i64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Subscribers(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    members: Vec<Option<Member>>,
    free: Vec<u32>,
    turns: u64,
    by_token: HashTable<u32>,
    hasher: DefaultHashBuilder,
    wheel: Wheel,
    lapses: BTreeSet<(i64, u32)>,
    /// Those who are looked at first: new, or something has happened to their place.
    urgent: VecDeque<u32>,
    /// Those whose turn it is.
    due: VecDeque<u32>,
    /// How many of all are still to be looked at because of what concerns everybody, and which is the next.
    sweep: (usize, usize),
    /// Whether somebody serves them.
    is_served: bool,
}

/// What came of looking at some.
#[derive(Debug, Default)]
pub struct Round {
    /// Who has to be woken, after everything else is done.
    pub wakers: Vec<Waker>,
    /// Places that are not in memory.
    pub gone: Vec<(Key, TokenId)>,
    /// Whether more are to be looked at now.
    pub more: bool,
    /// When somebody is due next, if nothing happens before.
    pub next: Option<DateTime<Utc>>,
}

impl Subscribers {
    /// Adds a subscriber, who is told as soon as may be; `phase`: those of the same are told together. Whether somebody has
    /// to begin to serve them.
    pub(super) fn add(
        &self,
        token: TokenId,
        phase: u32,
        lapse: Option<DateTime<Utc>>,
        subscriber: Box<dyn Subscriber>,
    ) -> (Key, bool) {
        let mut inner = self.lock();
        let lapse = lapse.map(|at| at.timestamp_millis());
        let key = inner.add(token, phase, lapse, subscriber);
        (key, !std::mem::replace(&mut inner.is_served, true))
    }

    /// It is told nothing more.
    pub(super) fn remove(&self, key: Key) {
        self.lock().remove(key);
    }

    /// Whether nobody is left to be served; whoever asks serves them no more then.
    pub fn is_done(&self) -> bool {
        let mut inner = self.lock();
        let is_done = inner.by_token.is_empty();
        inner.is_served = !is_done;
        is_done
    }

    /// Something happened to these places, or to the line at `now`, or to what everybody is told.
    pub(super) fn changed(&self, places: &[TokenId], line: bool, everybody: bool, now: DateTime<Utc>) {
        let mut inner = self.lock();
        if inner.by_token.is_empty() {
            return;
        }
        for token in places {
            inner.hurry(*token);
        }
        if line {
            inner.wheel.change(tick(now.timestamp_millis()));
        }
        if everybody {
            inner.sweep.0 = inner.members.len();
        }
    }

    /// The places that are watched, each as often as it is.
    pub(super) fn watched(&self) -> Vec<TokenId> {
        self.lock().members.iter().flatten().map(|member| member.token).collect()
    }

    /// Looks at some of those who are due, and tells them what is new.
    pub(super) fn round(
        &self,
        sale: &Sale,
        now: DateTime<Utc>,
        estimate: impl Fn(TokenId) -> Option<WaitEstimate>,
    ) -> Round {
        let mut inner = self.lock();
        let scene = Scene::of(sale, now);
        let mut round = Round::default();
        if inner.lapse(now.timestamp_millis(), &mut round) {
            round.more = true;
            return round;
        }
        inner.turn(tick(now.timestamp_millis()));
        for _ in 0..AT_ONCE {
            let Some(who) = inner.next_due() else { break };
            inner.look(who, sale, &scene, &estimate, &mut round);
        }
        round.more = !inner.urgent.is_empty() || !inner.due.is_empty() || inner.sweep.0 > 0;
        round.next = inner.next();
        round
    }

    /// Tells one of them how its place ended, or why that is not known, and is done with it.
    pub fn end(&self, key: Key, update: Update<'_>) -> Option<Waker> {
        let mut inner = self.lock();
        let waker = inner.member(key)?.subscriber.tell(update);
        inner.remove(key);
        waker
    }

    /// Tells one of them, once, that nothing is known of its place because the database is away; who has only come may come
    /// again.
    pub fn away(&self, key: Key) -> Option<Waker> {
        let mut inner = self.lock();
        let member = inner.member(key)?;
        if std::mem::replace(&mut member.is_away, true) {
            return None;
        }
        if member.told.take().is_some() {
            return member.subscriber.tell(Update::Away(&Trouble::Unavailable));
        }
        let waker = member.subscriber.tell(Update::Failed(&Trouble::Unavailable));
        inner.remove(key);
        waker
    }

    /// Its place lives, although memory did not know that a moment ago: it is looked at again.
    pub fn look_again(&self, key: Key) {
        let mut inner = self.lock();
        if let Some(member) = inner.member(key) {
            member.is_gone = false;
            inner.urgent.push_back(key.at);
        }
    }

    /// All are looked at, whatever was known of them: whoever served them has failed.
    pub fn look_at_all(&self) {
        let mut inner = self.lock();
        inner.members.iter_mut().flatten().for_each(|member| member.is_gone = false);
        inner.sweep.0 = inner.members.len();
    }

    /// Ends all of them.
    pub fn fail_all(&self, trouble: &Trouble) -> Vec<Waker> {
        let mut inner = self.lock();
        let keys: Vec<_> = inner.keys().collect();
        let tell = |key: Key| {
            let waker = inner.member(key)?.subscriber.tell(Update::Failed(trouble));
            inner.remove(key);
            waker
        };
        keys.into_iter().filter_map(tell).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is the same for everybody.
struct Scene {
    series: SeriesId,
    waiting: u32,
    available_seats: usize,
    series_status: SeriesStatus,
}

impl Scene {
    fn of(sale: &Sale, now: DateTime<Utc>) -> Self {
        Self {
            series: sale.id(),
            waiting: sale.counts().waiting,
            available_seats: sale.seats().available(now),
            series_status: sale.status(now),
        }
    }
}

impl Inner {
    fn add(
        &mut self,
        token: TokenId,
        phase: u32,
        lapse: Option<i64>,
        subscriber: Box<dyn Subscriber>,
    ) -> Key {
        let at = self.free.pop().unwrap_or_else(|| {
            self.members.push(None);
            u32::try_from(self.members.len() - 1).expect("fewer than 2^32 watch")
        });
        self.turns += 1;
        let turn = self.turns;
        let spot = self.wheel.insert(at, Pace::of(Some(0)), phase);
        self.members[at as usize] = Some(Member {
            turn,
            token,
            subscriber,
            told: None,
            is_away: false,
            is_gone: false,
            phase,
            spot,
            lapse,
        });
        let Self { members, by_token, hasher, .. } = self;
        by_token.insert_unique(hasher.hash_one(token), at, |at| {
            token_of(members, *at).map_or(0, |token| hasher.hash_one(token))
        });
        self.lapses.extend(lapse.map(|lapse| (lapse, at)));
        self.urgent.push_back(at);
        Key { at, turn }
    }

    fn member(&mut self, key: Key) -> Option<&mut Member> {
        self.members.get_mut(key.at as usize)?.as_mut().filter(|member| member.turn == key.turn)
    }

    fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let members = (0..).zip(&self.members);
        members.filter_map(|(at, member)| Some(Key { at, turn: member.as_ref()?.turn }))
    }

    fn remove(&mut self, key: Key) {
        if self.member(key).is_none() {
            return;
        }
        let Some(member) = self.members[key.at as usize].take() else { return };
        self.leave(member.spot);
        if let Some(lapse) = member.lapse {
            self.lapses.remove(&(lapse, key.at));
        }
        if let Ok(entry) = self.by_token.find_entry(self.hasher.hash_one(member.token), |at| *at == key.at) {
            entry.remove();
        }
        self.free.push(key.at);
        if self.by_token.is_empty() {
            // Gives back the room of a crowd that has gone.
            *self = Self { turns: self.turns, is_served: self.is_served, ..Self::default() };
        }
    }

    fn leave(&mut self, spot: Spot) {
        if let Some(moved) = self.wheel.remove(spot)
            && let Some(moved) = self.members[moved as usize].as_mut()
        {
            moved.spot = spot;
        }
    }

    /// Those who watch this place are looked at first.
    fn hurry(&mut self, token: TokenId) {
        let Self { members, by_token, hasher, urgent, .. } = self;
        let same = by_token.iter_hash(hasher.hash_one(token));
        urgent.extend(same.copied().filter(|at| token_of(members, *at) == Some(token)));
    }

    /// Ends those whose tokens have ended (rule 1), so many at once; whether there may be more. All of a date may end
    /// together, with its sale, and nobody is told of their place afterwards.
    fn lapse(&mut self, now: i64, round: &mut Round) -> bool {
        for _ in 0..AT_ONCE {
            let Some(&(lapse, at)) = self.lapses.first().filter(|(lapse, _)| *lapse <= now) else {
                return false;
            };
            self.lapses.remove(&(lapse, at));
            let Some(member) = self.members[at as usize].as_ref() else { continue };
            round.wakers.extend(member.subscriber.tell(Update::Failed(&Trouble::Lapsed)));
            self.remove(Key { at, turn: member.turn });
        }
        true
    }

    fn turn(&mut self, now: i64) {
        let Self { wheel, due, .. } = self;
        wheel.turn(now, |who| due.push_back(who));
    }

    /// Who is looked at next: first whose own place has changed, then everybody if that is called for, then in turn.
    fn next_due(&mut self) -> Option<u32> {
        if let Some(who) = self.urgent.pop_front() {
            return Some(who);
        }
        let (left, next) = &mut self.sweep;
        if *left > 0 {
            let who = *next % self.members.len().max(1);
            (*left, *next) = (*left - 1, who + 1);
            return u32::try_from(who).ok();
        }
        self.due.pop_front()
    }

    fn next(&self) -> Option<DateTime<Utc>> {
        let lapse = self.lapses.first().map(|(lapse, _)| *lapse);
        let turn = self.wheel.next().map(|tick| tick * TICK_MS);
        lapse.into_iter().chain(turn).min().and_then(DateTime::from_timestamp_millis)
    }

    /// Tells a member if there is news. It may have gone meanwhile, and another one may have its number.
    fn look(
        &mut self,
        who: u32,
        sale: &Sale,
        scene: &Scene,
        estimate: &impl Fn(TokenId) -> Option<WaitEstimate>,
        round: &mut Round,
    ) {
        let Some(member) = self.members.get_mut(who as usize).and_then(Option::as_mut) else { return };
        if member.is_gone {
            return;
        }
        let Some(position) = sale.position(member.token) else {
            member.is_gone = true;
            round.gone.push((Key { at: who, turn: member.turn }, member.token));
            return;
        };
        let told = Told {
            status: match position.status {
                Status::Waiting => TokenStatus::Waiting,
                Status::Admitted => TokenStatus::Admitted,
            },
            position: position.position,
            waiting: scene.waiting,
            admitted_until: position.admitted_until,
            available_seats: u32::try_from(scene.available_seats).unwrap_or(u32::MAX),
            series_status: scene.series_status,
        };
        if member.told == Some(told) {
            return;
        }
        (member.told, member.is_away) = (Some(told), false);
        let place = Place {
            token: member.token,
            series: scene.series,
            status: told.status,
            position: told.position,
            waiting: told.waiting,
            estimate: estimate(member.token),
            admitted_until: told.admitted_until,
            available_seats: scene.available_seats,
            series_status: told.series_status,
        };
        round.wakers.extend(member.subscriber.tell(Update::Place(&place)));
        self.pace(who, told.position);
    }

    /// Gives a member the pace of its position.
    fn pace(&mut self, who: u32, position: Option<u32>) {
        let Some((spot, phase)) =
            self.members[who as usize].as_ref().map(|member| (member.spot, member.phase))
        else {
            return;
        };
        let pace = Pace::of(position);
        if spot.pace() == pace {
            return;
        }
        self.leave(spot);
        let spot = self.wheel.insert(who, pace, phase);
        if let Some(member) = self.members[who as usize].as_mut() {
            member.spot = spot;
        }
    }
}

fn token_of(members: &[Option<Member>], at: u32) -> Option<TokenId> {
    members.get(at as usize)?.as_ref().map(|member| member.token)
}

fn tick(millis: i64) -> i64 {
    millis.div_euclid(TICK_MS)
}
