//! Watching one place.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};

use crate::{
    domain::{
        id::{TokenId, UserId},
        room::Ticket,
    },
    service::{
        Failure,
        rooms::{LiveRoom, Seen, memory::Memory},
    },
};

/// An open stream of a place. Dropping it closes it: that is the owner's last sign of life.
#[derive(Debug)]
pub struct Stream {
    room: Arc<LiveRoom>,
    token: TokenId,
    /// Spares the look-up by token while the place waits in a room of our own.
    ticket: Option<Ticket>,
    own: Arc<Notify>,
    line: watch::Receiver<u64>,
    notice: watch::Receiver<u64>,
}

/// A place whose owner waits for an answer of ours, and is not silent meanwhile. To be answered is the last sign of life.
#[derive(Debug)]
pub(in crate::service) struct Here {
    room: Arc<LiveRoom>,
    token: TokenId,
}

impl Here {
    /// `None` if the user has no such place in this room, or it is out of time.
    pub(super) fn new(room: Arc<LiveRoom>, token: TokenId, user: &UserId) -> Option<Self> {
        room.memory.enter(token, user).then(|| Self { room, token })
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.room.memory.close_stream(self.token);
    }
}

impl LiveRoom {
    /// Opens a stream for a place: while it is open, the place is never silent.
    #[must_use]
    pub fn open_stream(self: &Arc<Self>, token: TokenId) -> Stream {
        let own = Arc::new(Notify::new());
        self.streams().entry(token).or_default().push(Arc::clone(&own));
        self.memory.open_stream(token);
        Stream {
            room: Arc::clone(self),
            token,
            ticket: None,
            own,
            line: self.line.subscribe(),
            notice: self.notice.subscribe(),
        }
    }
}

impl Stream {
    /// The room.
    #[must_use]
    pub fn room(&self) -> &Arc<LiveRoom> {
        &self.room
    }

    /// The place.
    #[must_use]
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// What is to be seen of the place; `None` once it is over. In a room of our own it costs the same however many
    /// wait.
    ///
    /// # Errors
    /// If the room cannot be reached.
    pub async fn see(&mut self) -> Result<Option<Seen>, Failure> {
        let Memory::Own(own) = &self.room.memory else {
            // Boxed: every open stream would keep room for it, also where the room is our own.
            return Box::pin(self.room.see(self.token)).await;
        };
        let view = {
            let (room, now) = own.at();
            let known = self.ticket.and_then(|ticket| room.view_of(&ticket, now));
            known.or_else(|| {
                self.ticket = room.ticket(self.token);
                room.view(self.token, now)
            })
        };
        Ok(view.map(|view| self.room.seen(view)))
    }

    /// Waits for a change: of the place itself or of the sale at once, of the line not before `pause` is over.
    pub async fn changed(&mut self, pause: TimeDelta) {
        let line = async {
            self.room.clock.sleep(pause).await;
            let _ = self.line.changed().await;
        };
        tokio::select! {
            () = self.own.notified() => {}
            _ = self.notice.changed() => {}
            () = line => {}
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.room.memory.close_stream(self.token);
        let mut streams = self.room.streams();
        if let Some(open) = streams.get_mut(&self.token) {
            open.retain(|own| !Arc::ptr_eq(own, &self.own));
            if open.is_empty() {
                streams.remove(&self.token);
            }
        }
    }
}
