//! An open stream is a heartbeat: each process vouches for its own, whatever else holds up the keeper of the room. The
//! database may be away, say, and another process may expire whom nobody vouches for.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    domain::{id::TokenId, room::Heard},
    service::{
        Failure,
        rooms::{LiveRoom, shared::Shared},
    },
    store::room::PLACES,
};

/// How often it is looked whether it is time, at the least.
const LOOK: TimeDelta = TimeDelta::seconds(1);

pub(super) struct Vouching {
    live: Arc<LiveRoom>,
    shared: Arc<Shared>,
    /// When it was last done.
    last: tokio::sync::Mutex<DateTime<Utc>>,
}

impl Vouching {
    pub(super) fn new(live: Arc<LiveRoom>, shared: Arc<Shared>) -> Arc<Self> {
        let last = tokio::sync::Mutex::new(live.clock.now());
        Arc::new(Self { live, shared, last })
    }

    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        // That a process is alive is a matter of real time.
        let real = Clock::system();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = real.sleep(LOOK.min(self.shared.policy().heartbeat_timeout() / 4)) => {}
            }
            // If Redis is away, nobody is held silent for that either.
            let _ = self.if_due().await;
        }
    }

    /// Vouches for all open streams, if the last time was long enough ago.
    pub(super) async fn if_due(&self) -> Result<(), Failure> {
        let mut last = self.last.lock().await;
        let now = self.live.clock.now();
        let third = self.shared.policy().heartbeat_timeout() / 3;
        // If the clock was set back it is time as well.
        if (TimeDelta::zero()..third).contains(&(now - *last)) {
            return Ok(());
        }
        let tokens: Vec<TokenId> = self.live.streams().keys().copied().collect();
        let heard = try_join_all(tokens.chunks(PLACES).map(|some| self.shared.room.hear(some, true))).await?;
        *last = now;
        for (token, heard) in tokens.iter().zip(heard.into_iter().flatten()) {
            if heard == Heard::Unknown {
                // It is over, and its owner may not have heard.
                self.live.tell_owner(*token);
            }
        }
        Ok(())
    }
}
