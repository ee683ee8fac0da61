//! How a sale is going, for its organiser.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt, stream};

use crate::{
    domain::id::SeriesId,
    graphql::{
        error::{caller, error, id},
        live::feed::{Control, Span},
    },
    service::{Services, stats},
};

/// How a sale is going.
#[derive(Clone, Debug, SimpleObject)]
pub struct SaleStats {
    /// The date.
    pub series_id: ID,
    /// Fans that wait.
    pub waiting: i32,
    /// Fans that may choose seats.
    pub admitted: i32,
    /// Seats that somebody holds.
    pub held: i32,
    /// Seats that are sold.
    pub reserved: i32,
    /// Seats that can be held.
    pub available: i32,
    /// Points taken for reservations that stand.
    pub revenue: i32,
}

impl From<stats::SaleStats> for SaleStats {
    fn from(stats: stats::SaleStats) -> Self {
        // All seats of a house together cost no more than an Int holds.
        let int = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            series_id: stats.series.0.into(),
            waiting: i32::try_from(stats.waiting).unwrap_or(i32::MAX),
            admitted: i32::try_from(stats.admitted).unwrap_or(i32::MAX),
            held: int(stats.held),
            reserved: int(stats.reserved),
            available: int(stats.available),
            revenue: i32::try_from(stats.revenue).unwrap_or(i32::MAX),
        }
    }
}

/// Reading figures.
#[derive(Debug, Default)]
pub struct StatsQuery;

#[Object]
impl StatsQuery {
    /// How a sale is going. The ORGANIZER of the concert, or ADMIN.
    async fn sale_stats(&self, ctx: &Context<'_>, series_id: ID) -> Result<SaleStats> {
        let series = id::<SeriesId>("seriesId", &series_id)?;
        Ok(ctx.data::<Arc<Services>>()?.sale_stats(caller(ctx)?, series).await.map_err(error)?.into())
    }
}

/// Watching figures.
#[derive(Debug, Default)]
pub struct StatsSubscription;

#[Subscription]
impl StatsSubscription {
    /// How a sale is going, now and at every change, at most twice a second. The ORGANIZER of the concert, or ADMIN.
    /// When the token ends, so does the stream, with UNAUTHENTICATED.
    async fn sale_stats(
        &self,
        ctx: &Context<'_>,
        series_id: ID,
    ) -> Result<impl Stream<Item = SaleStats> + use<>> {
        let series = id::<SeriesId>("seriesId", &series_id)?;
        let services = Arc::clone(ctx.data::<Arc<Services>>()?);
        let control = Arc::clone(ctx.data::<Arc<Control>>()?);
        // Who may watch is asked of each of those whom this is told.
        let stats = services.watch_stats(series).await.map_err(error)?;
        Ok(stats.zip(stream::iter(1..)).map(move |(stats, version)| {
            control.tell(Span::alone(0, version));
            stats.into()
        }))
    }
}
