//! What other processes did to the waiting rooms that all share.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    service::rooms::{LiveRoom, Rooms, memory::Memory},
    store::{
        redis::{Heard, Redis},
        room::{CHANNEL, RoomNews},
    },
};

/// Listens until the process stops.
pub(super) async fn listen(rooms: Arc<Rooms>, redis: Redis, stop: CancellationToken) {
    let mut heard: mpsc::Receiver<Heard> = redis.subscribe(vec![redis.channel(CHANNEL)]);
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = heard.recv() => next,
        };
        match next {
            None => return,
            Some(Heard::Missed) => rooms.all().iter().for_each(|room| room.missed_something()),
            Some(Heard::Message { payload, .. }) => {
                let Some(news) = RoomNews::read(&payload) else { continue };
                if let Some(room) = rooms.get(news.series) {
                    room.take_in(&news);
                }
            }
        }
    }
}

impl LiveRoom {
    fn take_in(&self, news: &RoomNews) {
        if let Memory::Shared(shared) = &self.memory
            && shared.followed().hear(news.number)
        {
            self.missed_something();
        }
        for token in &news.tokens {
            self.tell_owner(*token);
        }
        if news.everybody {
            self.tell_everybody();
        }
        self.tell_line();
        // It may be this process' turn now, or the time to decide may have changed.
        self.kick.notify_one();
    }

    /// Everybody looks again.
    pub(super) fn missed_something(&self) {
        if let Memory::Shared(shared) = &self.memory {
            shared.was_away();
        }
        self.tell_everybody();
        self.tell_line();
        self.kick.notify_one();
    }
}
