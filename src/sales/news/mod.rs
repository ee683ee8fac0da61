//! What processes tell each other by way of Redis: each commit, numbered, so that others hear of it within a few
//! milliseconds. Redis keeps nothing of it. What gets lost is found by looking at the versions in the database, so one can do
//! without.

mod publisher;
mod wire;

use tokio::sync::mpsc;
use uuid::Uuid;

use self::publisher::Publisher;
use crate::{
    domain::id::SeriesId,
    sales::parts::{Committed, News},
    store::redis::{self, Redis},
};

/// The channel, behind the prefix.
const CHANNEL: &str = "commits";

/// Something that a process has done.
#[derive(Clone, Debug)]
pub enum Event {
    /// It has committed.
    Committed(Box<Committed>),
    /// It has made a new date.
    Created(SeriesId),
}

/// What was heard of other processes.
#[derive(Clone, Debug)]
pub enum Told {
    /// What one of them has done, in its order.
    News(Vec<Event>),
    /// Something may have been missed: look at the versions.
    Missed,
}

/// News by way of a Redis channel.
#[derive(Debug)]
pub struct RedisNews {
    redis: Redis,
    me: Uuid,
    publisher: Publisher,
}

impl RedisNews {
    /// `me` is this process alone.
    #[must_use]
    pub fn new(redis: Redis, me: Uuid) -> Self {
        let publisher = Publisher::start(redis.clone(), redis.channel(CHANNEL), me);
        Self { redis, me, publisher }
    }

    /// What the others tell from now on.
    #[must_use]
    pub fn subscribe(&self) -> Incoming {
        Incoming { heard: self.redis.subscribe(vec![self.redis.channel(CHANNEL)]), me: self.me }
    }

    /// Tells what there is still to tell, as far as Redis takes it, and nothing after that.
    pub async fn close(&self) {
        self.publisher.close().await;
    }
}

impl News for RedisNews {
    fn committed(&self, committed: Committed) {
        self.publisher.publish(Event::Committed(Box::new(committed)));
    }

    fn created(&self, date: SeriesId) {
        self.publisher.publish(Event::Created(date));
    }
}

/// See [`RedisNews::subscribe`].
#[derive(Debug)]
pub struct Incoming {
    heard: mpsc::Receiver<redis::Heard>,
    me: Uuid,
}

impl Incoming {
    /// The next thing that somebody else told; `None` when there is nobody to listen for any more.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            let redis::Heard::Message { payload, .. } = self.heard.recv().await? else {
                return Some(Told::Missed);
            };
            match wire::read(&payload) {
                Ok((from, _)) if from == self.me => {}
                Ok((_, news)) => return Some(Told::News(news)),
                Err(error) => {
                    // Of another version of this program, perhaps.
                    tracing::debug!(%error, "news that are not understood");
                    return Some(Told::Missed);
                }
            }
        }
    }
}
