//! Events that many are told, made once and written once: all who watch hold the same bytes.
//!
//! A watcher keeps the version up to which it was told, and nothing else. Whoever is slow takes what it has not been told
//! when it can: the events since then, one at a time, or where those are gone a snapshot, which is also made once for all who
//! need one. So what is kept does not depend on how many are slow (rule 21).

mod event;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering},
};
use std::task::Waker;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::StreamExt;
use tokio::task::AbortHandle;

use self::event::{End, written};
pub(super) use self::event::{Event, Style};
use self::state::{Missed, State, Watcher};
use super::outbox::Outbox;
use crate::clock::Clock;
use crate::graphql::live::Joined;
use crate::graphql::live::feed::{Control, NOTHING, Source, Span};

/// Bytes of the events that a slow watcher may be behind, at most, before it gets a snapshot instead.
const EVENT_BYTES: usize = 1 << 20;

/// So many are woken before others have their turn.
const WOKEN_AT_ONCE: usize = 512;

/// Bytes that all feeds together keep for those who are behind; each may keep an equal part of it, and a little in any case.
const ALL_BYTES: usize = 64 << 20;
const LEAST_BYTES: usize = 16 << 10;

/// How long who watches is left alone where an event could not be made because a store is away.
const AGAIN: TimeDelta = TimeDelta::milliseconds(500);

/// Every feed that somebody watches. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Feeds {
    known: Arc<Mutex<HashMap<String, Weak<Feed>>>>,
    /// How many there are.
    count: Arc<AtomicUsize>,
}

/// What those are told who watch the same in the same words.
#[derive(Debug)]
pub(super) struct Feed {
    state: Mutex<State>,
    control: Arc<Control>,
    /// Whether each event tells what changed since the last one.
    is_chain: bool,
    task: OnceLock<AbortHandle>,
    /// How many feeds there are.
    count: Arc<AtomicUsize>,
}

impl Feeds {
    /// Joins those who are told the same.
    pub(super) fn join(&self, joined: Joined, style: Style, outbox: &Arc<Outbox>, stream: usize) -> Watching {
        let Joined { key, is_chain, source, version, .. } = joined;
        let feed = self.of(key, || Feed::start(is_chain, version, source, style, Arc::clone(&self.count)));
        Watching::new(feed, outbox, stream, version)
    }

    fn of(&self, key: String, start: impl FnOnce() -> Arc<Feed>) -> Arc<Feed> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = known.get(&key).and_then(Weak::upgrade)
            && !feed.lock().is_over
        {
            return feed;
        }
        known.retain(|_, feed| feed.strong_count() > 0);
        let feed = start();
        known.insert(key, Arc::downgrade(&feed));
        feed
    }
}

impl Feed {
    /// `version`: that from which on it tells, which is [`NOTHING`] where it begins with a snapshot.
    fn new(is_chain: bool, version: i64, count: Arc<AtomicUsize>) -> Arc<Self> {
        count.fetch_add(1, Ordering::Relaxed);
        let state = Mutex::new(State { broken_at: version, ..State::default() });
        Arc::new(Self { state, control: Arc::default(), is_chain, task: OnceLock::new(), count })
    }

    /// Bytes that it may keep.
    fn room(&self) -> usize {
        (ALL_BYTES / self.count.load(Ordering::Relaxed).max(1)).clamp(LEAST_BYTES, EVENT_BYTES)
    }

    /// Runs until nobody watches any more.
    fn start(
        is_chain: bool,
        version: i64,
        source: Source,
        style: Style,
        count: Arc<AtomicUsize>,
    ) -> Arc<Self> {
        let feed = Self::new(is_chain, version, count);
        let events = AssertUnwindSafe(source.run(Arc::clone(&feed.control))).catch_unwind();
        let this = Arc::downgrade(&feed);
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                let Some(feed) = this.upgrade() else { return };
                let (event, end) = written(event, &style);
                if end == End::Later && is_chain {
                    // What it would have told is in the next snapshot.
                    wake(feed.break_off(event.span.version)).await;
                    drop(feed);
                    Clock::system().sleep(AGAIN).await;
                    continue;
                }
                wake(feed.publish(event, end == End::Now)).await;
                if end == End::Now {
                    return;
                }
            }
            if let Some(feed) = this.upgrade() {
                wake(feed.end()).await;
            }
        });
        // Set once.
        let _ = feed.task.set(task.abort_handle());
        feed
    }

    /// Keeps the event for those who watch. Whom to wake.
    fn publish(&self, event: Event, is_last: bool) -> Vec<Waker> {
        let mut state = self.lock();
        let state = &mut *state;
        state.is_over |= is_last;
        let Span { version, is_snapshot, is_break, topic, .. } = event.span;
        let room = self.room();
        if is_snapshot {
            let is_first = state.snapshots == 0 && state.broken_at == NOTHING;
            state.snapshots += 1;
            let waiting = std::mem::take(&mut state.waiting);
            let is_for_all = is_break || is_first;
            state.hold(
                event,
                room,
                if is_for_all { state.watchers.keys().copied().collect() } else { waiting.clone() },
            );
            if !is_for_all {
                return waiting.iter().filter_map(|number| state.watchers.get(number)?.ring()).collect();
            }
            // Who knows something older may have missed what came before this.
            state.broken_at = version;
        } else if self.is_chain {
            state.keep(Arc::new(event), room);
        } else {
            let event = Arc::new(event.within(room));
            let before = state.events.iter().position(|known| known.span.topic == topic);
            if let Some(at) = before {
                if state.events[at].answer == event.answer {
                    return Vec::new();
                }
                state.events.remove(at);
            }
            state.events.push_back(event);
        }
        state.watchers.values().filter_map(Watcher::ring).collect()
    }

    /// Up to this version nothing is told any more but by a snapshot.
    fn break_off(&self, version: i64) -> Vec<Waker> {
        let mut state = self.lock();
        state.broken_at = state.broken_at.max(version);
        state.watchers.values().filter_map(Watcher::ring).collect()
    }

    fn end(&self) -> Vec<Waker> {
        let mut state = self.lock();
        state.is_over = true;
        state.watchers.values().filter_map(Watcher::ring).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// One who watches, until this is dropped.
#[derive(Debug)]
pub(super) struct Watching {
    feed: Arc<Feed>,
    number: u64,
    /// Up to which version it was told.
    version: i64,
    /// How many snapshots there were when it asked for one.
    asked: Option<u64>,
}

/// What somebody who watches is told next.
#[derive(Debug)]
pub(super) enum Next {
    Event(Arc<Event>),
    /// Nothing for now.
    Nothing,
    /// And nothing ever.
    Over,
}

impl Watching {
    fn new(feed: Arc<Feed>, outbox: &Arc<Outbox>, stream: usize, version: i64) -> Self {
        let mut state = feed.lock();
        state.turn += 1;
        let number = state.turn;
        state.watchers.insert(number, Watcher { outbox: Arc::clone(outbox), stream });
        drop(state);
        feed.control.comes();
        // There may be something already.
        outbox.ring(stream);
        Self { feed, number, version, asked: None }
    }

    /// What is told next. Whoever needs a snapshot and finds none is rung for when there is one.
    pub(super) fn next(&mut self) -> Next {
        let Self { feed, number, version, asked } = self;
        let mut state = feed.lock();
        let known = match state.events.back() {
            // How it has failed is told to everybody, whatever they know.
            Some(last) if state.is_over && *version < last.span.version => Ok(Some(last)),
            _ if feed.is_chain && *version == NOTHING => Err(Missed),
            _ => state.after(*version),
        };
        let event = match known {
            Ok(Some(event)) => Arc::clone(event),
            Ok(None) if state.is_over => return Next::Over,
            Ok(None) => return Next::Nothing,
            Err(Missed) => {
                let known = state.snapshot.as_ref().and_then(|(known, made)| Some((known.get()?, *made)));
                match known.filter(|known| feed.is_good(&state, known, *asked)) {
                    Some((snapshot, _)) => {
                        state.settled(*number);
                        snapshot
                    }
                    None if state.is_over => return Next::Over,
                    None => {
                        *asked = Some(state.snapshots);
                        state.waiting.insert(*number);
                        drop(state);
                        feed.control.wish();
                        return Next::Nothing;
                    }
                }
            }
        };
        (*version, *asked) = (event.span.version, None);
        Next::Event(event)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut state = self.feed.lock();
        state.watchers.remove(&self.number);
        state.waiting.remove(&self.number);
        state.settled(self.number);
        drop(state);
        self.feed.control.goes();
    }
}

impl Feed {
    /// Whether a snapshot is as good as a new one: it was made since it was asked for, nothing has changed, or so little time
    /// has passed that everybody is told of that later. And the events go on from it.
    fn is_good(&self, state: &State, (snapshot, made): &(Arc<Event>, Instant), asked: Option<u64>) -> bool {
        let pace = self.control.pace().to_std().unwrap_or(Duration::ZERO);
        let version = snapshot.span.version;
        let is_new = asked.is_some_and(|asked| asked < state.snapshots);
        (is_new || self.control.is_newest(version) || made.elapsed() < pace) && state.after(version).is_ok()
    }
}

async fn wake(wakers: Vec<Waker>) {
    for (n, waker) in wakers.into_iter().enumerate() {
        waker.wake();
        if n % WOKEN_AT_ONCE == WOKEN_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
    }
}
