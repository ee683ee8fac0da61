//! Watching one place.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};

use crate::{
    domain::{
        id::{TokenId, UserId},
        presence::Heard,
    },
    sales::date::{Date, Seen},
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

/// An open stream of a place.
#[derive(Debug)]
pub struct Stream<J: Journal> {
    here: Here<J>,
    own: Arc<Notify>,
    line: watch::Receiver<u64>,
    everybody: watch::Receiver<u64>,
    cut_off: watch::Receiver<bool>,
}

impl<J: Journal> Date<J> {
    /// Opens a stream for a place: while it is open, the place is never silent (rule 20).
    #[must_use]
    pub fn open_stream(self: &Arc<Self>, token: TokenId) -> Stream<J> {
        self.touch();
        Stream {
            own: self.memory.watchers.add(token),
            line: self.line(),
            everybody: self.everybody(),
            cut_off: self.cut_off(),
            here: Here::new(Arc::clone(self), token),
        }
    }

    /// A user who waits for an answer about a place of theirs: until what is returned is dropped they are here. `None` if
    /// they have no such place, or are out of time.
    #[must_use]
    pub(super) fn here(self: &Arc<Self>, token: TokenId, user: &UserId) -> Option<Here<J>> {
        let is_theirs = self.see(|sale| sale.owner(token) == Some(user));
        (is_theirs && self.hear(token) == Heard::InTime).then(|| Here::new(Arc::clone(self), token))
    }
}

impl<J: Journal> Stream<J> {
    /// The date.
    #[must_use]
    pub fn date(&self) -> &Arc<Date<J>> {
        &self.here.date
    }

    /// The place.
    #[must_use]
    pub fn token(&self) -> TokenId {
        self.here.token
    }

    /// What is to be seen of the place; `None` once it is over.
    #[must_use]
    pub fn seen(&self) -> Option<Seen> {
        self.here.date.seen(self.here.token)
    }

    /// Whether this process cannot tell the others of who watches here: they are better off elsewhere.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        *self.cut_off.borrow()
    }

    /// Waits for a change: of the place itself or of the sale at once, of the line not before `pause` is over.
    pub async fn changed(&mut self, pause: TimeDelta) {
        let line = async {
            self.here.date.parts.clock.sleep(pause).await;
            let _ = self.line.changed().await;
        };
        tokio::select! {
            () = self.own.notified() => {}
            _ = self.everybody.changed() => {}
            _ = self.cut_off.changed() => {}
            () = line => {}
        }
    }
}

impl<J: Journal> Drop for Stream<J> {
    fn drop(&mut self) {
        self.here.date.memory.watchers.remove(self.here.token, &self.own);
    }
}
