//! Concerts.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};

use crate::{
    domain::{catalog, catalog::SeriesStatus, id::ConcertId, page::List, text},
    graphql::{
        budget::take_rows,
        error::{bad_input, caller, error, id},
        loaders::{self, DatesOf},
        page::{PageArgs, connection},
        series::Series,
    },
    service::House,
};

/// A concert: a title, and one or more dates on which it can be seen.
#[derive(Clone, Debug)]
pub struct Concert(pub catalog::Concert);

#[Object]
impl Concert {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// What it is called.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Who created it.
    async fn organizer_id(&self) -> ID {
        self.0.organizer.as_str().into()
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Its dates, the earliest first; empty if none has been created yet. With `bookableOnly`, only those that
    /// are ON_SALE right now.
    async fn series(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = false)] bookable_only: bool,
    ) -> Result<Vec<Series>> {
        let dates = loaders::load(ctx, DatesOf(self.0.id)).await?.unwrap_or_default();
        bookable(ctx, dates, bookable_only)
    }
}

pub(super) fn bookable(ctx: &Context<'_>, dates: Vec<catalog::Series>, only: bool) -> Result<Vec<Series>> {
    take_rows(ctx, dates.len())?;
    let now = ctx.data::<Arc<House>>()?.clock().now();
    let wanted = dates.into_iter().filter(|s| !only || s.state().status(now) == SeriesStatus::OnSale);
    Ok(wanted.map(Series).collect())
}

/// Reading concerts.
#[derive(Debug, Default)]
pub struct ConcertQuery;

#[Object]
impl ConcertQuery {
    /// Concerts, newest first; with `search`, of at most 200 characters, those whose title contains that text
    /// in any case. Needs no token.
    async fn concerts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        search: Option<String>,
    ) -> Result<Connection<String, Concert>> {
        let page = PageArgs { first, after, last, before }.page(&List::Concerts)?;
        let search = search.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text::check("search", search.unwrap_or_default(), text::SEARCH).map_err(bad_input)?;
        let database = ctx.data::<Arc<House>>()?.database();
        let slice = database.concerts(search, page).await.map_err(|failure| error(failure.into()))?;
        connection(ctx, &List::Concerts, slice, Concert)
    }

    /// One concert; null if there is no such concert. Needs no token.
    #[graphql(name = "concert")]
    async fn one_concert(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] concert: ID,
    ) -> Result<Option<Concert>> {
        let id = id::<ConcertId>("id", &concert)?;
        Ok(loaders::load(ctx, id).await?.map(Concert))
    }
}

/// A new concert.
#[derive(Debug, InputObject)]
pub struct CreateConcertInput {
    /// 1 to 200 characters.
    pub title: String,
}

/// Creating concerts.
#[derive(Debug, Default)]
pub struct ConcertMutation;

#[Object]
impl ConcertMutation {
    /// Creates a concert, without a date so far. ORGANIZER or ADMIN.
    async fn create_concert(&self, ctx: &Context<'_>, input: CreateConcertInput) -> Result<Concert> {
        let created = ctx.data::<Arc<House>>()?.create_concert(caller(ctx)?, &input.title).await;
        Ok(Concert(created.map_err(error)?))
    }
}
