//! Concerts.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, connection::Connection};

use crate::{
    domain::{
        catalog::{self, SeriesStatus},
        id::ConcertId,
        mistake::Mistakes,
        page::List,
        text::{SearchWords, Title},
    },
    graphql::{
        budget::take_rows,
        error::{caller, error, id, read, read_one_input},
        loaders::{self, DatesOf},
        noted::{depends_on, holds_until},
        page::{PageArgs, connection},
        series::Series,
        time::Time,
    },
    service::{Services, versions::Source},
};

/// A concert: a title, and one or more dates on which it can be seen.
#[derive(Clone, Debug)]
pub struct Concert(pub catalog::Concert);

/// A concert: a title, and one or more dates on which it can be seen.
#[Object]
impl Concert {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// What it is called.
    async fn title(&self) -> &str {
        self.0.title.as_str()
    }

    /// Who created it.
    async fn organizer_id(&self) -> ID {
        self.0.organizer.as_str().into()
    }

    async fn created_at(&self) -> Time {
        self.0.created_at.into()
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

/// The dates of a concert, or only those that are on sale.
pub(super) fn bookable(ctx: &Context<'_>, dates: Vec<catalog::Series>, only: bool) -> Result<Vec<Series>> {
    take_rows(ctx, dates.len())?;
    let now = ctx.data::<Arc<Services>>()?.clock().now();
    depends_on(ctx, [Source::Catalogue].into_iter().chain(dates.iter().map(|date| Source::Sale(date.id))));
    if only {
        holds_until(ctx, dates.iter().filter_map(|date| date.state().next_change(now)).min());
    }
    let wanted = dates.into_iter().filter(|s| !only || s.state().status(now) == SeriesStatus::OnSale);
    Ok(wanted.map(Series).collect())
}

/// Reading concerts.
#[derive(Debug, Default)]
pub struct ConcertQuery;

#[Object]
impl ConcertQuery {
    /// Concerts, newest first; with `search`, of at most 200 characters and 10 different words, those whose title has
    /// each of these words somewhere, in any order, case and width. Needs no token.
    async fn concerts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        search: Option<String>,
    ) -> Result<Connection<String, Concert>> {
        let mut wrong = Mistakes::default();
        let list = List::Concerts;
        let page = wrong.take_all(None, PageArgs { first, after, last, before }.page(&list));
        let search = search.as_deref().map(SearchWords::try_new).transpose().map(Option::flatten);
        let search = wrong.take(["search".into()], search);
        let (Some(page), Some(search)) = (page, search) else { return read(Err(wrong.into_vec())) };
        depends_on(ctx, [Source::Catalogue]);
        let database = ctx.data::<Arc<Services>>()?.database();
        let slice =
            database.concerts(search.as_ref(), page).await.map_err(|failure| error(failure.into()))?;
        connection(ctx, &list, slice, Concert)
    }

    /// One concert; null if there is no such concert. Needs no token.
    #[graphql(name = "concert")]
    async fn one_concert(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] concert: ID,
    ) -> Result<Option<Concert>> {
        let id = id::<ConcertId>("id", &concert)?;
        depends_on(ctx, [Source::Catalogue]);
        Ok(loaders::load(ctx, id).await?.map(Concert))
    }
}

/// A new concert.
#[derive(Debug, InputObject)]
pub struct CreateConcertInput {
    /// 1 to 200 characters, counted in NFC, in which it is kept, and without white space around it. No control
    /// characters, and none that are invisible or change the direction of writing.
    pub title: String,
}

/// Creating concerts.
#[derive(Debug, Default)]
pub struct ConcertMutation;

#[Object]
impl ConcertMutation {
    /// Creates a concert, without a date so far. ORGANIZER or ADMIN.
    async fn create_concert(&self, ctx: &Context<'_>, input: CreateConcertInput) -> Result<Concert> {
        let title = read_one_input("title", Title::try_new(&input.title))?;
        let created = ctx.data::<Arc<Services>>()?.create_concert(caller(ctx)?, title).await;
        Ok(Concert(created.map_err(error)?))
    }
}
