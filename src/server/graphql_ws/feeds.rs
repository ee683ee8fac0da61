//! Events that many are told, made once and written once: all who watch hold the same bytes.
//!
//! A watcher keeps the version up to which it was told, and nothing else. Whoever is slow takes what it has not been told
//! when it can: the events since then, one at a time, or where those are gone a snapshot, which is also made once for all who
//! need one. So what is kept does not depend on how many are slow (rule 21).

use std::any::Any;
use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering},
};
use std::task::Waker;
use std::time::{Duration, Instant};

use async_graphql::Response;
use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::StreamExt;
use tokio::task::AbortHandle;

use super::outbox::Outbox;
use super::socket::FRAGMENT_BYTES;
use crate::clock::{self, Clock};
use crate::graphql::budget::ANSWER;
use crate::graphql::code;
use crate::graphql::live::Joined;
use crate::graphql::live::feed::{Control, NOTHING, Source, Span};
use crate::graphql::over_limit::OverLimit;
use crate::graphql::request::masking;
use crate::server::endpoint::RequestId;
use crate::server::payload::Payload;

/// Events, and their bytes, that a slow watcher may be behind before it gets a snapshot instead.
const EVENTS: usize = 64;
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

#[derive(Debug, Default)]
struct State {
    /// In the order of their versions.
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    snapshot: Option<(Snapshot, Instant)>,
    /// Those who were rung for a snapshot that is too large to be kept, and have not taken it.
    owed: HashSet<u64>,
    /// How many snapshots were made.
    snapshots: u64,
    /// The version of the last break in the chain.
    broken_at: i64,
    watchers: HashMap<u64, Watcher>,
    /// Those who wait for a snapshot.
    waiting: HashSet<u64>,
    turn: u64,
    is_over: bool,
}

/// A snapshot is kept for those who come next if it is small. A large one is there only while somebody is told of it.
#[derive(Debug)]
enum Snapshot {
    Kept(Arc<Event>),
    Told(Weak<Event>),
}

impl Snapshot {
    fn get(&self) -> Option<Arc<Event>> {
        match self {
            Self::Kept(event) => Some(Arc::clone(event)),
            Self::Told(event) => event.upgrade(),
        }
    }
}

#[derive(Debug)]
struct Watcher {
    outbox: Arc<Outbox>,
    stream: usize,
}

/// What is told.
#[derive(Debug)]
pub(super) struct Event {
    span: Span,
    /// The pieces of the answer: one, if it is short.
    pub(super) answer: Result<Vec<Bytes>, OverLimit>,
}

/// How answers are written.
#[derive(Clone)]
pub(super) struct Style {
    pub(super) limit: usize,
    pub(super) request_id: RequestId,
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

impl State {
    /// Keeps a snapshot for those whom it is for, and if there is room for those who come.
    fn hold(&mut self, event: Event, room: usize, whom: HashSet<u64>) {
        let (is_kept, event) = (event.bytes() <= room, Arc::new(event));
        self.owed = if is_kept { HashSet::new() } else { whom };
        let is_held = is_kept || !self.owed.is_empty();
        self.snapshot = is_held.then(|| (Snapshot::Kept(event), clock::instant()));
    }

    /// One of those who wait for a snapshot has it, or has gone. After the last of them a large one is not kept.
    fn settled(&mut self, number: u64) {
        if self.owed.remove(&number)
            && self.owed.is_empty()
            && let Some((snapshot, _)) = &mut self.snapshot
            && let Snapshot::Kept(event) = snapshot
        {
            *snapshot = Snapshot::Told(Arc::downgrade(event));
        }
    }

    /// Keeps an event for those who are behind, as long as there is room.
    fn keep(&mut self, event: Arc<Event>, room: usize) {
        self.bytes += event.bytes();
        self.events.push_back(event);
        while self.events.len() > EVENTS || (self.bytes > room && self.events.len() > 1) {
            let Some(event) = self.events.pop_front() else { break };
            self.bytes -= event.bytes();
        }
    }

    /// What comes after this version; `Err` if that is gone.
    fn after(&self, version: i64) -> Result<Option<&Arc<Event>>, Missed> {
        let next = self.events.partition_point(|event| event.span.version <= version);
        match self.events.get(next) {
            Some(event) if event.span.since <= version => Ok(Some(event)),
            Some(_) => Err(Missed),
            None if version < self.broken_at => Err(Missed),
            None => Ok(None),
        }
    }
}

/// Some events that were not told are gone.
#[derive(Debug, PartialEq, Eq)]
struct Missed;

impl Event {
    /// It, or that it is too long to be kept.
    fn within(self, room: usize) -> Self {
        let (asked, span) = (self.bytes(), self.span);
        if asked <= room {
            self
        } else {
            Self { span, answer: Err(OverLimit { of: ANSWER, asked, allowed: room }) }
        }
    }

    fn bytes(&self) -> usize {
        self.answer.as_ref().map_or(0, |pieces| pieces.iter().map(Bytes::len).sum())
    }
}

impl Watcher {
    fn ring(&self) -> Option<Waker> {
        self.outbox.ring(self.stream)
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

/// Whether an event could not be made, and what that means for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was made.
    No,
    /// A store was away or busy: later ones can be made.
    Later,
    /// There are no more.
    Now,
}

impl End {
    fn of(response: &Response) -> Self {
        if response.errors.is_empty() || response.data != async_graphql::Value::Null {
            return Self::No;
        }
        let is_unavailable = response.errors.iter().all(|error| {
            let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
            code == Some(&code::UNAVAILABLE.into())
        });
        if is_unavailable { Self::Later } else { Self::Now }
    }
}

/// An event with its bytes; and whether it is one.
fn written(event: Result<(Span, Response), Box<dyn Any + Send>>, style: &Style) -> (Event, End) {
    let (span, mut response) = match event {
        Ok(event) => event,
        Err(panic) => (Span::default(), masking::panicked(&*panic, &*style.request_id)),
    };
    masking::mask(&mut response, &*style.request_id);
    let end = End::of(&response);
    // Everybody is told of it, whatever they know.
    let span = if end == End::Now { Span::alone(usize::MAX, i64::MAX) } else { span };
    let answer = Payload::of_response(&response, style.limit).map(|payload| {
        let pieces = payload.into_pieces();
        let is_short = pieces.iter().map(Bytes::len).sum::<usize>() <= FRAGMENT_BYTES;
        if is_short && pieces.len() > 1 { vec![pieces.concat().into()] } else { pieces }
    });
    (Event { span, answer }, end)
}

async fn wake(wakers: Vec<Waker>) {
    for (n, waker) in wakers.into_iter().enumerate() {
        waker.wake();
        if n % WOKEN_AT_ONCE == WOKEN_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
#[path = "feeds_tests.rs"]
mod tests;
