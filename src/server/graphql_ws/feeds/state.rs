//! What a feed keeps: for those who are behind, and of those who watch.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use super::super::outbox::Outbox;
use super::event::Event;
use crate::clock;

/// Events that a slow watcher may be behind before it gets a snapshot instead.
pub(super) const EVENTS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct State {
    /// In the order of their versions.
    pub(super) events: VecDeque<Arc<Event>>,
    pub(super) bytes: usize,
    pub(super) snapshot: Option<(Snapshot, Instant)>,
    /// Those who were rung for a snapshot that is too large to be kept, and have not taken it.
    pub(super) owed: HashSet<u64>,
    /// How many snapshots were made.
    pub(super) snapshots: u64,
    /// The version of the last break in the chain.
    pub(super) broken_at: i64,
    pub(super) watchers: HashMap<u64, Watcher>,
    /// Those who wait for a snapshot.
    pub(super) waiting: HashSet<u64>,
    pub(super) turn: u64,
    pub(super) is_over: bool,
}

/// A snapshot is kept for those who come next if it is small. A large one is there only while somebody is told of it.
#[derive(Debug)]
pub(super) enum Snapshot {
    Kept(Arc<Event>),
    Told(Weak<Event>),
}

impl Snapshot {
    pub(super) fn get(&self) -> Option<Arc<Event>> {
        match self {
            Self::Kept(event) => Some(Arc::clone(event)),
            Self::Told(event) => event.upgrade(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) outbox: Arc<Outbox>,
    pub(super) stream: usize,
}

impl Watcher {
    pub(super) fn ring(&self) -> Option<Waker> {
        self.outbox.ring(self.stream)
    }
}

impl State {
    /// Keeps a snapshot for those whom it is for, and if there is room for those who come.
    pub(super) fn hold(&mut self, event: Event, room: usize, whom: HashSet<u64>) {
        let (is_kept, event) = (event.bytes() <= room, Arc::new(event));
        self.owed = if is_kept { HashSet::new() } else { whom };
        let is_held = is_kept || !self.owed.is_empty();
        self.snapshot = is_held.then(|| (Snapshot::Kept(event), clock::instant()));
    }

    /// One of those who wait for a snapshot has it, or has gone. After the last of them a large one is not kept.
    pub(super) fn settled(&mut self, number: u64) {
        if self.owed.remove(&number)
            && self.owed.is_empty()
            && let Some((snapshot, _)) = &mut self.snapshot
            && let Snapshot::Kept(event) = snapshot
        {
            *snapshot = Snapshot::Told(Arc::downgrade(event));
        }
    }

    /// Keeps an event for those who are behind, as long as there is room.
    pub(super) fn keep(&mut self, event: Arc<Event>, room: usize) {
        self.bytes += event.bytes();
        self.events.push_back(event);
        while self.events.len() > EVENTS || (self.bytes > room && self.events.len() > 1) {
            let Some(event) = self.events.pop_front() else { break };
            self.bytes -= event.bytes();
        }
    }

    /// What comes after this version; `Err` if that is gone.
    pub(super) fn after(&self, version: i64) -> Result<Option<&Arc<Event>>, Missed> {
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
pub(super) struct Missed;
