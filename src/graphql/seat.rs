//! Seats, and watching them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, Subscription};
use futures_util::{Stream, stream};
use tokio::sync::broadcast;

use crate::{
    domain::{id::SeriesId, sale},
    graphql::{
        error::{error, id},
        language::Language,
        loaders,
        seat_list::Seats,
        seat_map::{self, SeatStates},
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

    /// What is printed: section, row and seat, in the caller's language (`Accept-Language`; over a WebSocket `acceptLanguage`
    /// of `connection_init`).
    async fn label(&self, ctx: &Context<'_>) -> String {
        let language = ctx.data_opt::<Language>().copied().unwrap_or_default();
        label(language, &self.0.section, self.0.row, self.0.col)
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

/// A seat in words.
pub(super) fn label(language: Language, section: &str, row: i32, col: i32) -> String {
    match language {
        Language::English => format!("{section}, row {row}, seat {col}"),
        Language::Korean => format!("{section} {row}열 {col}번"),
    }
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
    ) -> Result<Seats> {
        seat_map::seats(ctx, id::<SeriesId>("seriesId", &series_id)?, available_only).await
    }
}

/// What the seats of a date are after a change: all of them, or those that changed.
#[derive(Clone, Debug)]
pub struct SeatAvailability {
    series: SeriesId,
    news: Arc<SeatNews>,
}

/// What the seats of a date are after a change: all of them, or those that changed.
#[Object]
impl SeatAvailability {
    /// The date.
    async fn series_id(&self) -> ID {
        self.series.0.into()
    }

    /// Grows with every commit that changes a seat.
    async fn version(&self) -> i32 {
        match &*self.news {
            SeatNews::All(all) => all.version,
            SeatNews::Changed { version, .. } => *version,
        }
    }

    /// This event tells of everything after this version and up to `version`: whoever has an older one than this has missed
    /// something and watches anew, with `sinceVersion`. Of a snapshot 0.
    async fn since(&self) -> i32 {
        match &*self.news {
            SeatNews::All(_) => 0,
            SeatNews::Changed { since, .. } => *since,
        }
    }

    /// True if it tells of every seat, false if only of those that changed.
    async fn snapshot(&self) -> bool {
        matches!(*self.news, SeatNews::All(_))
    }

    /// The seats by number: of a snapshot all, or none with `onlyChanged`, because `states` says it in fewer bytes; else those
    /// that changed.
    async fn seats(&self, #[graphql(default = false)] only_changed: bool) -> Seats {
        match &*self.news {
            SeatNews::All(all) if only_changed => Seats::none(self.series, all),
            SeatNews::All(all) => Seats::all(self.series, all),
            SeatNews::Changed { seats, .. } => Seats::changed(self.series, seats.clone()),
        }
    }

    /// Of a snapshot, a character a seat, by number: `A` can be held, `H` is held, `R` is reserved. Else null: `seats` has
    /// what changed.
    async fn states(&self) -> Option<SeatStates> {
        match &*self.news {
            SeatNews::All(all) => Some(SeatStates(all.letters.clone())),
            SeatNews::Changed { .. } => None,
        }
    }

    /// Seats that can be held.
    async fn available_count(&self) -> i32 {
        let available = match &*self.news {
            SeatNews::All(all) => all.available,
            SeatNews::Changed { available, .. } => *available,
        };
        i32::try_from(available).unwrap_or(i32::MAX)
    }
}

/// Watching seats.
#[derive(Debug, Default)]
pub struct SeatSubscription;

#[Subscription]
impl SeatSubscription {
    /// First every seat, then what changed, as it changes. With `sinceVersion`, such as `Series.seatsVersion`, first only what
    /// changed since, if the server still knows it. A client that was too slow gets a new snapshot. Needs no token.
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
    first: Option<Arc<SeatNews>>,
    /// `None` once the watcher has been told of a failure.
    news: Option<broadcast::Receiver<Option<Arc<SeatNews>>>>,
}

impl Watching {
    fn new(services: Arc<Services>, series: SeriesId, watch: SeatWatch) -> Self {
        Self { services, series, first: Some(Arc::new(watch.first)), news: Some(watch.news) }
    }

    fn availability(&self, news: Arc<SeatNews>) -> SeatAvailability {
        SeatAvailability { series: self.series, news }
    }

    async fn next(&mut self) -> Option<Result<SeatAvailability>> {
        let news = self.news.as_mut()?;
        if let Some(first) = self.first.take() {
            return Some(Ok(self.availability(first)));
        }
        if let Ok(Some(news)) = news.recv().await {
            return Some(Ok(self.availability(news)));
        }
        // Something was missed: begin again with a snapshot.
        match self.services.watch_seats(self.series, None).await {
            Ok(watch) => {
                self.news = Some(watch.news);
                Some(Ok(self.availability(Arc::new(watch.first))))
            }
            Err(failure) => {
                self.news = None;
                Some(Err(error(failure)))
            }
        }
    }
}
