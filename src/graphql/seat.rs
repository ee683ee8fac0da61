//! Seats, and watching them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Subscription};
use futures_util::{Stream, stream};
use tokio::sync::broadcast;

use crate::{
    domain::{id::SeriesId, sale},
    graphql::{
        error::{error, id},
        loaders,
        seat_list::Seats,
        series::Series,
    },
    service::{
        Services,
        seats::{SeatNews, SeatWatch},
    },
};

/// A seat of one date.
#[derive(Clone, Debug)]
pub struct Seat(pub sale::Seat);

/// A seat of one date.
#[Object]
impl Seat {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    async fn series(&self, ctx: &Context<'_>) -> Result<Series> {
        Ok(Series(loaders::need(ctx, self.0.series).await?))
    }

    /// 1-based, unique in its series: 1 to 50 in the standard layout.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// 1-based in its section; row 1 is the front.
    async fn row(&self) -> i32 {
        self.0.row
    }

    /// 1-based in its row.
    async fn col(&self) -> i32 {
        self.0.col
    }

    /// The section's name.
    async fn section(&self) -> &str {
        &self.0.section
    }

    /// In points; 1 point = 1 KRW.
    async fn price(&self) -> i32 {
        self.0.price
    }

    /// What it is right now.
    async fn status(&self, ctx: &Context<'_>) -> Result<SeatStatus> {
        Ok(status(ctx, &self.0)?.into())
    }

    /// True unless the seat can be held right now.
    async fn reserved(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(status(ctx, &self.0)? != sale::SeatStatus::Available)
    }
}

fn status(ctx: &Context<'_>, seat: &sale::Seat) -> Result<sale::SeatStatus> {
    Ok(seat.state.status(ctx.data::<Arc<Services>>()?.clock().now()))
}

/// What a seat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::SeatStatus")]
pub enum SeatStatus {
    /// Can be held right now.
    Available,
    /// Somebody holds it, for five minutes at most.
    Held,
    /// Sold.
    Reserved,
}

pub(super) async fn seats_of(
    ctx: &Context<'_>,
    series: SeriesId,
    available_only: bool,
) -> Result<Seats<Seat>> {
    let snapshot = ctx.data::<Arc<Services>>()?.seats(series).await.map_err(error)?;
    Ok(Seats::all(series, &snapshot, available_only))
}

/// Reading seats.
#[derive(Debug, Default)]
pub struct SeatQuery;

#[Object]
impl SeatQuery {
    /// The seats of one date by number; with `availableOnly`, those that can be held right now. Needs no token.
    async fn seats(
        &self,
        ctx: &Context<'_>,
        series_id: ID,
        #[graphql(default = false)] available_only: bool,
    ) -> Result<Seats<Seat>> {
        seats_of(ctx, id::<SeriesId>("seriesId", &series_id)?, available_only).await
    }
}

/// Seats of a date as they are after a change.
#[derive(Clone, Debug, SimpleObject)]
pub struct SeatAvailability {
    /// The date.
    pub series_id: ID,
    /// Grows by one with every change of the series: a client that sees a gap asks again.
    pub version: i32,
    /// True if `seats` holds every seat, false if only those that changed.
    pub snapshot: bool,
    /// The seats, by number.
    pub seats: Seats<SeatState>,
    /// Seats that can be held.
    pub available_count: i32,
}

/// What a seat is now.
#[derive(Clone, Debug, SimpleObject)]
pub struct SeatState {
    /// The seat.
    pub id: ID,
    /// 1-based, unique in its series.
    pub number: i32,
    /// Where it stands.
    pub status: SeatStatus,
}

fn availability(series: SeriesId, news: &SeatNews) -> SeatAvailability {
    let (version, snapshot, seats, available) = match news {
        SeatNews::All(all) => (all.version, true, Seats::all(series, all, false), all.available),
        SeatNews::Changed { version, seats, available } => {
            (*version, false, Seats::changed(series, seats.clone()), *available)
        }
    };
    let available_count = i32::try_from(available).unwrap_or(i32::MAX);
    SeatAvailability { series_id: series.0.into(), version, snapshot, seats, available_count }
}

/// Watching seats.
#[derive(Debug, Default)]
pub struct SeatSubscription;

#[Subscription]
impl SeatSubscription {
    /// First every seat, then what changed, as it changes. With `sinceVersion`, first only what changed since, if
    /// the server still knows it. A client that was too slow gets a new snapshot. Needs no token.
    async fn seat_availability(
        &self,
        ctx: &Context<'_>,
        series_id: ID,
        since_version: Option<i32>,
    ) -> Result<impl Stream<Item = Result<SeatAvailability>> + use<>> {
        let series = id::<SeriesId>("seriesId", &series_id)?;
        let services = Arc::clone(ctx.data::<Arc<Services>>()?);
        let watch = services.watch_seats(series, since_version).await.map_err(error)?;
        Ok(stream::unfold(Watching::new(services, series, watch), |mut watching| async {
            let next = watching.next().await?;
            Some((next, watching))
        }))
    }
}

struct Watching {
    services: Arc<Services>,
    series: SeriesId,
    /// What the watcher has not been told yet: a snapshot is let go as soon as it is.
    first: Option<SeatNews>,
    /// `None` once the watcher has been told of a failure.
    news: Option<broadcast::Receiver<Option<Arc<SeatNews>>>>,
}

impl Watching {
    fn new(services: Arc<Services>, series: SeriesId, watch: SeatWatch) -> Self {
        Self { services, series, first: Some(watch.first), news: Some(watch.news) }
    }

    async fn next(&mut self) -> Option<Result<SeatAvailability>> {
        let news = self.news.as_mut()?;
        if let Some(first) = self.first.take() {
            return Some(Ok(availability(self.series, &first)));
        }
        if let Ok(Some(news)) = news.recv().await {
            return Some(Ok(availability(self.series, &news)));
        }
        // Something was missed: begin again with a snapshot.
        match self.services.watch_seats(self.series, None).await {
            Ok(watch) => {
                self.news = Some(watch.news);
                Some(Ok(availability(self.series, &watch.first)))
            }
            Err(failure) => {
                self.news = None;
                Some(Err(error(failure)))
            }
        }
    }
}
