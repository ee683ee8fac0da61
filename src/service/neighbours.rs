//! What other processes tell of their commits is taken in here as if it were this one's own. Only what is in
//! memory is touched; where the database has to be asked, the [watchdog](super::watchdog) is woken.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    service::{census::Census, rooms::Rooms, seat_maps::SeatMaps, watchdog::Watchdog},
    store::events::{Event, Incoming, Told},
};

pub(super) struct Neighbours {
    pub(super) maps: Arc<SeatMaps>,
    pub(super) rooms: Arc<Rooms>,
    pub(super) census: Arc<Census>,
    pub(super) watchdog: Arc<Watchdog>,
}

impl Neighbours {
    /// Listens until the house closes.
    pub(super) async fn listen(self, mut incoming: Incoming, stop: CancellationToken) {
        loop {
            let told = tokio::select! {
                () = stop.cancelled() => return,
                told = incoming.next() => told,
            };
            match told {
                None => return,
                Some(Told::Missed) => self.watchdog.something_was_missed(),
                Some(Told::News(news)) => news.iter().for_each(|event| self.take_in(event)),
            }
        }
    }

    fn take_in(&self, event: &Event) {
        match event {
            Event::SeatsChanged(changed) => {
                self.maps.seats_changed(changed);
                self.rooms.seats_changed(changed);
            }
            Event::SeriesChanged(_) => self.watchdog.rows_changed(),
            Event::SeriesCreated(_) => {
                self.census.date_created();
                self.watchdog.series_created();
            }
        }
    }
}
