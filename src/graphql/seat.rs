//! Seats, and watching them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, Subscription};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::watch;

use crate::{
    domain::{id::SeriesId, sale},
    graphql::{
        error::{error, id},
        language::Language,
        live::{
            FirstVersion,
            feed::{Begin, Control, Span},
        },
        loaders,
        noted::depends_on,
        seat_list::Seats,
        seat_map::{self, SeatStates},
        series::Series,
    },
    service::{Services, seats::SeatNews, versions::Source},
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
        depends_on(ctx, [Source::Sale(self.0.series)]);
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
    /// First every seat, then what changed, as it changes: where thousands watch, what changed within a few tenths of a second
    /// together. With `sinceVersion`, such as `Series.seatsVersion`, first only what changed since, if the server still knows
    /// it. A client that was too slow gets a new snapshot. Needs no token.
    async fn seat_availability(
        &self,
        ctx: &Context<'_>,
        series_id: ID,
        since_version: Option<i32>,
    ) -> Result<BoxStream<'static, Result<SeatAvailability>>> {
        let series = id::<SeriesId>("seriesId", &series_id)?;
        let services = Arc::clone(ctx.data::<Arc<Services>>()?);
        let watch = services.watch_seats(series, since_version).await.map_err(error)?;
        if let Some(control) = ctx.data_opt::<Arc<Control>>() {
            control.follow(watch.versions.clone());
            let last = ctx.data_opt::<Begin>().map_or(watch.first.version(), |begin| begin.0);
            let feed =
                Feed { services, series, last, versions: watch.versions, control: Arc::clone(control) };
            return Ok(stream::unfold(feed, |mut feed| async { Some((feed.next().await, feed)) }).boxed());
        }
        // What comes after it is the same for all, and comes from where it is made for them.
        if let Some(version) = ctx.data_opt::<Arc<FirstVersion>>() {
            version.set(watch.first.version());
        }
        let first = SeatAvailability { series, news: Arc::new(watch.first) };
        Ok(stream::iter([Ok(first)]).boxed())
    }
}

/// The events of the seats of a date, for all who watch.
struct Feed {
    services: Arc<Services>,
    series: SeriesId,
    /// The version up to which the events have told.
    last: i32,
    versions: watch::Receiver<i32>,
    control: Arc<Control>,
}

impl Feed {
    async fn next(&mut self) -> Result<SeatAvailability> {
        let since = self.wait().await;
        let watch = self.services.watch_seats(self.series, since).await.map_err(error)?;
        let (version, news) = (watch.first.version(), Arc::new(watch.first));
        let is_snapshot = matches!(*news, SeatNews::All(_));
        if since.is_some() {
            self.last = version;
        }
        self.control.tell(Span {
            since: since.unwrap_or_default().into(),
            version: version.into(),
            is_snapshot,
            is_break: is_snapshot && since.is_some(),
            topic: 0,
        });
        Ok(SeatAvailability { series: self.series, news })
    }

    /// Waits until there is something to tell: what changed since a version, or everything to those who need that. Changes
    /// are collected for the longer the more are told of them.
    async fn wait(&mut self) -> Option<i32> {
        let clock = self.services.clock();
        let mut due = None;
        loop {
            if self.control.is_wished() {
                return None;
            }
            if *self.versions.borrow_and_update() != self.last {
                let until = *due.get_or_insert_with(|| clock.now() + self.control.pace());
                if clock.now() >= until {
                    return Some(self.last);
                }
                tokio::select! {
                    () = clock.sleep_until(until) => {}
                    () = self.control.wished() => {}
                }
                continue;
            }
            let changed = async {
                // The sender lives as long as the date, which whoever is served here has opened.
                if self.versions.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = changed => {}
                () = self.control.wished() => {}
            }
        }
    }
}
