//! Watching one place.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        id::{TokenId, UserId},
        presence::Heard,
    },
    sales::{
        date::Date,
        subscribers::{Key, Round, Subscriber, Subscribers},
    },
    store::journal::Journal,
};

/// A place whose owner is here: by an open stream, or because an answer of ours is awaited. Dropping it is the last sign of
/// life.
#[derive(Debug)]
pub struct Here<J: Journal> {
    date: Arc<Date<J>>,
    token: TokenId,
    seq: Option<u64>,
}

impl<J: Journal> Here<J> {
    fn new(date: Arc<Date<J>>, token: TokenId) -> Self {
        let seq = date.memory.see(|sale| {
            let seq = sale.seq(token)?;
            let (mut presence, now) = date.memory.presence();
            presence.open_stream(seq, token, now);
            Some(seq)
        });
        Self { date, token, seq }
    }
}

impl<J: Journal> Drop for Here<J> {
    fn drop(&mut self) {
        if let Some(seq) = self.seq {
            let (mut presence, now) = self.date.memory.presence();
            presence.close_stream(seq, self.token, now);
        }
    }
}

/// An open stream of a place. Dropping it ends it.
#[derive(Debug)]
pub struct Stream<J: Journal> {
    here: Here<J>,
    key: Key,
}

impl<J: Journal> Drop for Stream<J> {
    fn drop(&mut self) {
        self.here.date.memory.watchers.subscribers.remove(self.key);
        // Whoever serves them notices that nobody is left.
        self.here.date.memory.watchers.bell.notify_one();
    }
}

impl<J: Journal> Date<J> {
    /// Opens a stream for a place: while it is open, the place is never silent (rule 20). `lapse`: when the token ends that
    /// allows it; `phase`: those of the same are told together. Whether somebody has to begin to [serve](Self::round) the
    /// streams of the date.
    #[must_use]
    pub fn open_stream(
        self: &Arc<Self>,
        token: TokenId,
        phase: u32,
        lapse: Option<DateTime<Utc>>,
        subscriber: Box<dyn Subscriber>,
    ) -> (Stream<J>, bool) {
        self.touch();
        let here = Here::new(Arc::clone(self), token);
        let (key, is_first) = self.memory.watchers.subscribers.add(token, phase, lapse, subscriber);
        self.memory.watchers.bell.notify_one();
        (Stream { here, key }, is_first)
    }

    /// Looks at some of the streams that are due, and tells them what is new.
    #[must_use]
    pub fn round(&self) -> Round {
        self.memory.see(|sale| {
            let now = self.parts.clock.now();
            let estimate = |token| self.memory.estimate(sale, token, now);
            self.memory.watchers.subscribers.round(sale, now, estimate)
        })
    }

    /// Waits until there may be news for a stream: something has changed, or it is `next`.
    pub async fn stream_news(&self, next: Option<DateTime<Utc>>) {
        let turn = async {
            match next {
                Some(next) => self.parts.clock.sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.memory.watchers.bell.notified() => {}
            () = turn => {}
        }
    }

    /// The streams of the date.
    #[must_use]
    pub fn streams(&self) -> &Subscribers {
        &self.memory.watchers.subscribers
    }

    /// A user who waits for an answer about a place of theirs: until what is returned is dropped they are here. `None` if
    /// they have no such place, or are out of time.
    #[must_use]
    pub(super) fn here(self: &Arc<Self>, token: TokenId, user: &UserId) -> Option<Here<J>> {
        let is_theirs = self.see(|sale| sale.owner(token) == Some(user));
        (is_theirs && self.hear(token) == Heard::InTime).then(|| Here::new(Arc::clone(self), token))
    }
}
