//! Rooms of dates whose sale is long over are let go, and seat maps that nobody has. Whoever needs one again opens it
//! again.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    service::{
        rooms::{LiveRoom, Rooms},
        seat_maps::SeatMaps,
    },
};

/// How long after its end: longer than any session lasts, so that nobody is in the room any more.
const OVER: TimeDelta = TimeDelta::hours(25);

/// How often they are looked for.
const LOOK: TimeDelta = TimeDelta::hours(1);

/// Lets go of what is not needed, until the house closes.
pub(in crate::service) async fn run(
    clock: Clock,
    rooms: Arc<Rooms>,
    maps: Arc<SeatMaps>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(LOOK) => {}
        }
        rooms.retire();
        // A keeper that is ending has the map of its seats yet: that goes the next time.
        maps.retire();
    }
}

impl Rooms {
    /// Ends the keepers of rooms whose sale is long over and which nobody watches.
    pub(in crate::service) fn retire(&self) {
        let over = self.clock.now() - OVER;
        self.lock().retain(|_, used| {
            let needed = used.live.closes_at() > over || used.live.is_watched();
            if !needed {
                used.stop.cancel();
            }
            needed
        });
    }
}

impl LiveRoom {
    fn is_watched(&self) -> bool {
        !self.streams().is_empty() || self.notice.receiver_count() + self.line.receiver_count() > 0
    }
}
