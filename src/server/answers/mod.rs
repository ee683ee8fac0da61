//! Answers that are sent again: whoever asks the same of what is public gets the same bytes, for as long as they say what
//! is so. They are never late, not by one commit and not by one millisecond.
//!
//! A request is recognised before it is read, by its bytes. What was made of it last is sent again if nothing that it
//! depends on has changed since (see [`Versions`]) and the time has not come at which it changes by itself. Else one request
//! makes it anew, and those that have come meanwhile get what it makes: it began after they did, so it is no older than
//! what they could have been told.
//!
//! What is kept is bounded in bytes and leaves when nobody has asked for it for a while.

mod asked;
mod remembered;
mod tags;
#[cfg(test)]
mod tests;
mod turns;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use moka::sync::Cache;

use self::turns::Turns;
pub(crate) use self::{
    asked::{Asked, By},
    remembered::{Made, Remembered},
    tags::are_met,
    turns::Turn,
};
use crate::{
    clock::Clock,
    service::versions::{Point, Versions},
};

/// For how long nobody may have asked for what is kept.
const UNUSED: Duration = Duration::from_secs(5 * 60);

/// One answer takes no more than this part of the room.
const PART: usize = 4;

/// The answers of this process.
#[derive(Debug)]
pub struct Answers {
    kept: Cache<Asked, Arc<Remembered>>,
    turns: Turns,
    most: usize,
    versions: Arc<Versions>,
    clock: Clock,
}

/// When a request had come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    known: Point,
    at: DateTime<Utc>,
}

/// What came of waiting for an answer that others make.
#[derive(Debug)]
pub(crate) enum Waited {
    /// They have made it.
    Made(Arc<Remembered>),
    /// It is to be made: with a turn nobody else does meanwhile; without one, those who did had no success.
    Make(Option<Turn>),
}

impl Answers {
    /// With room for so many bytes.
    #[must_use]
    pub fn new(bytes: usize, versions: Arc<Versions>, clock: Clock) -> Self {
        let kept = Cache::builder()
            .max_capacity(bytes as u64)
            .weigher(|asked: &Asked, answer: &Arc<Remembered>| {
                u32::try_from(asked.bytes() + answer.bytes()).unwrap_or(u32::MAX)
            })
            .time_to_idle(UNUSED)
            .build();
        Self { kept, turns: Turns::default(), most: bytes / PART, versions, clock }
    }

    /// Now, for a request that has come.
    pub(crate) fn arrived(&self) -> Arrived {
        Arrived { known: self.versions.point(), at: self.clock.now() }
    }

    /// Now, for an answer that is begun.
    pub(crate) fn point(&self) -> Point {
        self.versions.point()
    }

    /// What was made of the same request, if that is still so.
    pub(crate) fn find(&self, asked: &Asked) -> Option<Arc<Remembered>> {
        let found = self.kept.get(asked)?;
        if !self.is_current(&found) {
            return None;
        }
        // What is asked for stays followed.
        let is_followed = !found.is_to_be_followed() || self.versions.follow(&found.sources, found.since);
        is_followed.then_some(found)
    }

    /// Waits until nobody else is making that answer. `arrived`: when the request had come.
    pub(crate) async fn wait(&self, asked: &Asked, arrived: Arrived) -> Waited {
        self.turns.wait(asked, arrived, || self.find(asked)).await
    }

    /// Takes in what was made; `turn` is that of whoever made it.
    pub(crate) fn keep(&self, asked: &Asked, made: Made, turn: Option<Turn>) -> Arc<Remembered> {
        let made = Arc::new(made.remembered(self.clock.now()));
        if self.versions.follow(&made.sources, made.since) && self.is_current(&made) {
            self.insert(asked, &made);
        }
        if let Some(turn) = turn {
            turn.done(Arc::clone(&made));
        }
        made
    }

    /// Counts what has been added to a remembered answer: its compressed form.
    pub(crate) fn weigh_again(&self, asked: &Asked, grown: &Arc<Remembered>) {
        if self.kept.get(asked).is_some_and(|kept| Arc::ptr_eq(&kept, grown)) {
            self.insert(asked, grown);
        }
    }

    fn is_current(&self, answer: &Remembered) -> bool {
        answer.holds_at(self.clock.now())
            && self.versions.are_current()
            && self.versions.are_unchanged(&answer.sources, answer.since)
    }

    fn insert(&self, asked: &Asked, answer: &Arc<Remembered>) {
        if asked.bytes() + answer.bytes() > self.most {
            self.kept.invalidate(asked);
        } else {
            self.kept.insert(asked.tight(), Arc::clone(answer));
        }
        // Else it would be a while until what has no room leaves, and as much again may come in by then.
        self.kept.run_pending_tasks();
    }

    /// Bytes that are kept, counted anew.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.kept.iter().map(|(asked, kept)| asked.bytes() + kept.bytes()).sum()
    }
}
