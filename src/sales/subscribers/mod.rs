//! The open streams of the places of one date, all under one lock. Nobody has a task or a timer of their own: whoever
//! serves the date goes over those who are due, and each is told where its place stands, there and then.

mod inner;
mod update;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use chrono::{DateTime, Utc};

use self::inner::{Inner, Scene, tick};
pub use self::update::{Place, Subscriber, Trouble, Update};
use crate::domain::{
    date::{Sale, WaitEstimate},
    id::TokenId,
};

/// How many are looked at before commits have their turn again: a millisecond, about.
const AT_ONCE: usize = 512;

/// A subscriber among the others. Numbers are used again, so each has the number of its turn as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    at: u32,
    turn: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Subscribers(Mutex<Inner>);

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

#[cfg(test)]
mod tests;
