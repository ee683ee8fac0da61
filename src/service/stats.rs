//! How a sale is going, for its organiser.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::{Stream, stream};

use crate::{
    domain::{id::SeriesId, identity::Caller},
    service::{Failure, House, rooms::LiveRoom},
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

impl House {
    /// How a sale is going.
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's.
    pub async fn sale_stats(&self, caller: &Caller, id: SeriesId) -> Result<SaleStats, Failure> {
        self.own_series(caller, id).await?;
        let room = self.rooms.of(id).await?;
        self.stats_of(&room).await
    }

    /// How a sale is going, now and at every change.
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's.
    pub async fn watch_stats(
        self: Arc<Self>,
        caller: &Caller,
        id: SeriesId,
    ) -> Result<impl Stream<Item = Result<SaleStats, Failure>> + use<>, Failure> {
        self.own_series(caller, id).await?;
        let room = self.rooms.of(id).await?;
        Ok(stream::unfold((self, room, None), |(house, room, last)| async move {
            loop {
                let (mut line, mut notice) = (room.watch_line(), room.watch_notice());
                let mut seats = room.seats().news();
                let stats = match house.stats_of(&room).await {
                    Ok(stats) => stats,
                    Err(error) => return Some((Err(error), (house, room, last))),
                };
                if last != Some(stats) {
                    return Some((Ok(stats), (house, room, Some(stats))));
                }
                tokio::select! {
                    _ = line.changed() => {}
                    _ = notice.changed() => {}
                    _ = seats.recv() => {}
                }
                house.clock.sleep(PAUSE).await;
            }
        }))
    }

    async fn stats_of(&self, room: &LiveRoom) -> Result<SaleStats, Failure> {
        let (people, seats) = (room.counts().await?, room.seats().counts());
        Ok(SaleStats {
            series: room.series(),
            waiting: people.waiting,
            admitted: people.admitted,
            held: seats.held,
            reserved: seats.reserved,
            available: seats.available,
            revenue: seats.revenue,
        })
    }
}
