//! What processes tell each other of their commits: the live events between them.
//!
//! Telling is fire and forget. It never delays a commit and never fails one, and what gets lost is found in the
//! database by `service::watchdog`; the events only make it fast.

mod publisher;
mod wire;

use std::sync::Arc;

use tokio::sync::mpsc;
use uuid::Uuid;

use self::publisher::Publisher;
use crate::{
    domain::id::SeriesId,
    store::{
        redis::{Heard, Redis},
        sale::SeatsChanged,
    },
};

/// The channel, behind the prefix.
const CHANNEL: &str = "events";

/// What a process has committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Seats of a series changed.
    SeatsChanged(SeatsChanged),
    /// The organiser changed the policy of a series, or paused it: look at its row.
    SeriesChanged(SeriesId),
    /// There is a new series.
    SeriesCreated(SeriesId),
}

/// How a process tells others, and hears of them.
#[derive(Clone, Debug)]
pub enum Events {
    /// There are no others.
    Local,
    /// By way of a Redis channel.
    Redis(Arc<Shared>),
}

/// See [`Events::Redis`].
#[derive(Debug)]
pub struct Shared {
    redis: Redis,
    me: Uuid,
    publisher: Publisher,
}

/// What was heard of other processes.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// What one of them has committed, in its order.
    News(Vec<Event>),
    /// Something may have been missed: look at the database.
    Missed,
}

impl Events {
    /// By way of Redis; `me` is this process alone.
    #[must_use]
    pub fn redis(redis: Redis, me: Uuid) -> Self {
        let publisher = Publisher::start(redis.clone(), redis.channel(CHANNEL), me);
        Self::Redis(Arc::new(Shared { redis, me, publisher }))
    }

    /// Whether there may be other processes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// Tells the others, as soon as may be. Does not wait, and cannot fail.
    pub fn publish(&self, event: Event) {
        match self {
            Self::Local => {}
            Self::Redis(shared) => shared.publisher.publish(event),
        }
    }

    /// What the others tell from now on; `None` if there are no others.
    #[must_use]
    pub fn subscribe(&self) -> Option<Incoming> {
        match self {
            Self::Local => None,
            Self::Redis(shared) => {
                let heard = shared.redis.subscribe(vec![shared.redis.channel(CHANNEL)]);
                Some(Incoming { heard, me: shared.me })
            }
        }
    }

    /// Tells what there is still to tell, as far as Redis takes it, and nothing after that.
    pub async fn close(&self) {
        match self {
            Self::Local => {}
            Self::Redis(shared) => shared.publisher.close().await,
        }
    }
}

/// See [`Events::subscribe`].
#[derive(Debug)]
pub struct Incoming {
    heard: mpsc::Receiver<Heard>,
    me: Uuid,
}

impl Incoming {
    /// The next thing that somebody else told; `None` when there is nobody to listen for any more.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            let Heard::Message { payload, .. } = self.heard.recv().await? else { return Some(Told::Missed) };
            match wire::read(&payload) {
                Ok((from, _)) if from == self.me => {}
                Ok((_, news)) => return Some(Told::News(news)),
                Err(error) => {
                    // Of another version of this program, perhaps.
                    tracing::debug!(%error, "an event that is not understood");
                    return Some(Told::Missed);
                }
            }
        }
    }
}
