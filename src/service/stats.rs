//! How a sale is going, for its organiser.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::{Stream, stream};

use crate::{
    domain::{id::SeriesId, identity::Caller},
    service::{Date, Failure, Services},
};

/// How long changes are collected.
const PAUSE: TimeDelta = TimeDelta::milliseconds(500);

/// How a sale is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleStats {
    /// The series.
    pub series: SeriesId,
    /// Fans that wait.
    pub waiting: u32,
    /// Fans that may choose.
    pub admitted: u32,
    /// Seats that somebody is choosing.
    pub held: usize,
    /// Seats that are sold.
    pub reserved: usize,
    /// Seats that can be held.
    pub available: usize,
    /// Points taken for reservations that stand.
    pub revenue: i64,
}

impl Services {
    /// How a sale is going.
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's.
    pub async fn sale_stats(&self, caller: &Caller, id: SeriesId) -> Result<SaleStats, Failure> {
        self.own_series(caller, id).await?;
        Ok(stats_of(&*self.fresh_date(id).await?))
    }

    /// Whether the caller may watch how a sale is going.
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's.
    pub async fn may_watch_stats(&self, caller: &Caller, id: SeriesId) -> Result<(), Failure> {
        self.own_series(caller, id).await?;
        self.sales.of(id).await?;
        Ok(())
    }

    /// How a sale is going, now and at every change, for those who may know.
    ///
    /// # Errors
    /// NOT_FOUND without the series.
    pub async fn watch_stats(
        self: Arc<Self>,
        id: SeriesId,
    ) -> Result<impl Stream<Item = SaleStats> + use<>, Failure> {
        let date = self.fresh_date(id).await?;
        Ok(stream::unfold((self, date, None), |(services, date, last)| async move {
            loop {
                let (mut line, mut everybody) = (date.line(), date.everybody());
                let mut seats = date.seat_versions();
                let stats = stats_of(&date);
                if last != Some(stats) {
                    return Some((stats, (services, date, Some(stats))));
                }
                tokio::select! {
                    _ = line.changed() => {}
                    _ = everybody.changed() => {}
                    _ = seats.changed() => {}
                }
                services.clock.sleep(PAUSE).await;
            }
        }))
    }
}

fn stats_of(date: &Date) -> SaleStats {
    let (people, seats) = (date.counts(), date.seat_counts());
    SaleStats {
        series: date.id(),
        waiting: people.waiting,
        admitted: people.admitted,
        held: seats.held,
        reserved: seats.reserved,
        available: seats.available,
        revenue: seats.revenue,
    }
}
