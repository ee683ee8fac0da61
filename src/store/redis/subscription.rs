//! Listening on channels, on a connection of its own that is made anew when it is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::TimeDelta;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::{Notify, mpsc};

use super::{CHECK, servers::Servers};
use crate::clock::Clock;

/// The first pause before a new attempt; each failure doubles it.
const SHORTEST: TimeDelta = TimeDelta::milliseconds(20);

/// The longest pause.
const LONGEST: TimeDelta = TimeDelta::milliseconds(500);

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Somebody said something.
    Message {
        /// On this channel.
        channel: String,
        /// What.
        payload: Vec<u8>,
    },
    /// From here on every message is heard; some that were sent before may not have been. Comes with each
    /// subscription, the first one included, and when the receiver was too slow.
    Missed,
}

/// The receiver of one subscription.
struct Ear {
    tell: mpsc::Sender<Heard>,
    missed: AtomicBool,
}

impl Ear {
    /// Passes on a message, or notes that it was missed: whoever is too slow must not hold up the connection.
    fn message(&self, mut data: Vec<Value>) {
        self.tell_of_missed();
        let (payload, channel) = (data.pop(), data.pop());
        let (Some(Value::BulkString(payload)), Some(Value::BulkString(channel))) = (payload, channel) else {
            return;
        };
        let message = Heard::Message { channel: String::from_utf8_lossy(&channel).into_owned(), payload };
        if self.missed.load(Ordering::SeqCst) || self.tell.try_send(message).is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
    }

    fn tell_of_missed(&self) {
        if self.missed.swap(false, Ordering::SeqCst) && self.tell.try_send(Heard::Missed).is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
    }
}

/// Listens until the receiver is gone.
pub(super) async fn run(servers: Arc<Servers>, channels: Vec<String>, tell: mpsc::Sender<Heard>) {
    let ear = Arc::new(Ear { tell: tell.clone(), missed: AtomicBool::new(false) });
    let clock = Clock::system();
    let mut pause = SHORTEST;
    for turn in 0.. {
        let mut subscribed = false;
        let lost = tokio::select! {
            () = tell.closed() => return,
            lost = listen(&servers, turn, &channels, &ear, &clock, &mut subscribed) => lost,
        };
        if let Err(error) = lost {
            tracing::debug!(%error, "not listening on Redis");
        }
        pause = if subscribed { SHORTEST } else { LONGEST.min(pause * 2) };
        clock.sleep(pause).await;
    }
}

/// Listens until the connection is lost.
async fn listen(
    servers: &Servers,
    turn: usize,
    channels: &[String],
    ear: &Arc<Ear>,
    clock: &Clock,
    subscribed: &mut bool,
) -> RedisResult<()> {
    let cut = Arc::new(Notify::new());
    let (ear_of_push, cut_of_push) = (Arc::clone(ear), Arc::clone(&cut));
    let heard = move |push: PushInfo| {
        match push.kind {
            PushKind::Message => ear_of_push.message(push.data),
            PushKind::Disconnection => cut_of_push.notify_one(),
            _ => {}
        }
        Ok::<(), ()>(())
    };
    let mut connection = servers.connect(turn, AsyncConnectionConfig::new().set_push_sender(heard)).await?;
    connection.subscribe(channels).await?;
    *subscribed = true;
    ear.missed.store(true, Ordering::SeqCst);
    loop {
        ear.tell_of_missed();
        tokio::select! {
            () = cut.notified() => return Ok(()),
            () = clock.sleep(CHECK) => servers.check(&mut connection).await?,
        }
    }
}
