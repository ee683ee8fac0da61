//! The seats of a date, and watching them.

use std::sync::Arc;

use crate::{
    domain::{id::SeriesId, seat_map::Snapshot},
    service::{Failure, Services},
};

pub use crate::sales::{SeatNews, SeatWatch};

impl Services {
    /// Every seat of a series as it is now, from memory.
    ///
    /// # Errors
    /// NOT_FOUND without the series, or if the database fails.
    pub async fn seats(&self, series: SeriesId) -> Result<Arc<Snapshot>, Failure> {
        Ok(self.sales.of(series).await?.snapshot())
    }

    /// Begins to watch the seats of a series; `since` is the version that the watcher knows, if any.
    ///
    /// # Errors
    /// NOT_FOUND without the series, or if the database fails.
    pub async fn watch_seats(&self, series: SeriesId, since: Option<i32>) -> Result<SeatWatch, Failure> {
        Ok(self.sales.of(series).await?.watch_seats(since))
    }
}
