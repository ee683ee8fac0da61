//! Dates on a list, as they change.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::{Stream, stream};

use crate::{
    clock::Clock,
    domain::{
        catalog::{Series, SeriesStatus},
        id::SeriesId,
    },
    sales::SeatCounts,
    service::{Date, Failure, Services},
};

/// How long changes are collected.
const PAUSE: TimeDelta = TimeDelta::milliseconds(500);

impl Services {
    /// Whether there are these dates.
    ///
    /// # Errors
    /// NOT_FOUND without one of them.
    pub async fn may_watch_dates(&self, ids: &[SeriesId]) -> Result<(), Failure> {
        for id in ids {
            self.sales.of(*id).await?;
        }
        Ok(())
    }

    /// A date, now and whenever its status or how many of its seats are what has changed, at most twice a second.
    ///
    /// # Errors
    /// NOT_FOUND without the series.
    pub async fn watch_series(
        self: Arc<Self>,
        id: SeriesId,
    ) -> Result<impl Stream<Item = Result<Series, Failure>> + Send + use<>, Failure> {
        let date = self.fresh_date(id).await?;
        Ok(stream::unfold(Some((self, date, None)), |state| async {
            let (services, date, last) = state?;
            loop {
                let known = changed(&services, &date, last).await;
                let found = services.database.find_series(date.id()).await.map_err(Failure::from);
                match found.and_then(|found| found.ok_or_else(|| Failure::not_found("date"))) {
                    Ok(series) => return Some((Ok(series), Some((services, date, Some(known))))),
                    // The database is away, and what was told stays true until it is back; that is a matter of real time.
                    Err(Failure::Unavailable) => Clock::system().sleep(PAUSE).await,
                    Err(failure) => return Some((Err(failure), None)),
                }
            }
        }))
    }
}

type Known = (SeriesStatus, SeatCounts);

/// Waits until it is not what was known.
async fn changed(services: &Services, date: &Date, last: Option<Known>) -> Known {
    let mut pause = false;
    loop {
        if pause {
            services.clock.sleep(PAUSE).await;
        }
        let (mut everybody, mut seats) = (date.everybody(), date.seat_versions());
        let now = (date.status(), date.seat_counts());
        if last != Some(now) {
            return now;
        }
        tokio::select! {
            _ = everybody.changed() => {}
            _ = seats.changed() => {}
        }
        pause = true;
    }
}
