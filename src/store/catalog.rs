//! Concerts, their dates and seats.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{concert, hold, reservation, sale_head, seat, series, series::Stage};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{CaseStatement, Condition, Expr, Func},
};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{
        catalog::{Concert, HeldSeats, Series},
        id::{ConcertId, SeatId, SeriesId},
        page::{ConcertKey, Page, Slice},
        sale::Seat,
        text::{SearchWords, folded},
    },
    store::{
        Database,
        among::Among,
        building::{Exceeded, shown, shown_seats},
        convert, page, rows, search,
    },
};

/// Not as a parameter: so it names the index that has no other rows.
const IS_ACTIVE: &str = "hold.status = 'ACTIVE'";
const STANDS: &str = "reservation.status = 'CONFIRMED'";

/// How large concerts and houses are at most, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogueTops {
    /// The dates of the concerts with the most.
    pub dates: Vec<usize>,
    /// The seats of the concerts with the most.
    pub seats: Vec<usize>,
    /// The seats of the largest house.
    pub house: usize,
}

impl Database {
    /// Concerts, newest first; with `search`, those whose title has each of its words somewhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn concerts(
        &self,
        search: Option<&SearchWords>,
        wanted: Page<ConcertKey>,
    ) -> Result<Slice<ConcertKey, Concert>, DbErr> {
        let mut rows = concert::Entity::find();
        for word in search.into_iter().flat_map(SearchWords::iter) {
            rows = rows.filter(search::has_word(word));
        }
        let slice = page::page(self.reader(), rows, wanted).await?;
        Ok(slice.map(convert::concert))
    }

    /// The concerts of these ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn concerts_by_id(&self, ids: &[ConcertId]) -> Result<HashMap<ConcertId, Concert>, DbErr> {
        let rows = concert::Entity::find().filter(concert::Column::Id.among(ids.iter().map(|id| id.0)));
        let rows = rows::models(rows, self.reader()).await?.rows;
        Ok(rows.into_iter().map(|row| (ConcertId(row.id), convert::concert(row))).collect())
    }

    /// The dates of these concerts, the earliest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn series_of(&self, concerts: &[ConcertId]) -> Result<HashMap<ConcertId, Vec<Series>>, DbErr> {
        let rows = shown()
            .filter(series::Column::ConcertId.among(concerts.iter().map(|id| id.0)))
            .order_by_asc(series::Column::StartAt)
            .order_by_asc(series::Column::Id);
        let mut dates = HashMap::<_, Vec<_>>::new();
        for series in self.with_heads(rows).await? {
            dates.entry(series.concert).or_default().push(series);
        }
        Ok(dates)
    }

    /// The series of these ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn series_by_id(&self, ids: &[SeriesId]) -> Result<HashMap<SeriesId, Series>, DbErr> {
        let rows = shown().filter(series::Column::Id.among(ids.iter().map(|id| id.0)));
        let series = self.with_heads(rows).await?;
        Ok(series.into_iter().map(|series| (series.id, series)).collect())
    }

    /// These series, each with how far it has come.
    async fn with_heads(&self, rows: Select<series::Entity>) -> Result<Vec<Series>, DbErr> {
        let rows = rows::models(rows, self.reader()).await?.rows;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let heads = sale_head::Entity::find()
            .filter(sale_head::Column::SeriesId.among(rows.iter().map(|series| series.id)));
        let heads = rows::models(heads, self.reader()).await?.rows;
        let heads: HashMap<_, _> = heads.into_iter().map(|head| (head.series_id, head)).collect();
        Ok(rows::sound_ones("series", &rows, |row| convert::series(row, heads.get(&row.id))))
    }

    /// One series.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn find_series(&self, id: SeriesId) -> Result<Option<Series>, DbErr> {
        Ok(self.series_by_id(&[id]).await?.remove(&id))
    }

    /// The series whose sale has not ended at `now`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn series_not_over(&self, now: DateTime<Utc>) -> Result<Vec<SeriesId>, DbErr> {
        let rows: Vec<Uuid> = shown()
            .select_only()
            .column(series::Column::Id)
            .filter(series::Column::ReserveEndAt.gt(now))
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(SeriesId).collect())
    }

    /// The concerts with the most dates and those with the most seats, at most `n` of each, and the largest house.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn catalogue_tops(&self, n: u64) -> Result<CatalogueTops, DbErr> {
        let (dates, seats) = (series::Column::Id.count(), series::Column::SeatCount.sum().cast_as("bigint"));
        let tops = async |of: sea_orm::sea_query::SimpleExpr| -> Result<Vec<usize>, DbErr> {
            let rows: Vec<i64> = shown()
                .select_only()
                .column_as(of.clone(), "size")
                .group_by(series::Column::ConcertId)
                .order_by_desc(of)
                .limit(n)
                .into_tuple()
                .all(self.reader())
                .await?;
            Ok(rows.into_iter().map(size).collect())
        };
        let house: Option<Option<i32>> = shown()
            .select_only()
            .column_as(series::Column::SeatCount.max(), "house")
            .into_tuple()
            .one(self.reader())
            .await?;
        let house = size(house.flatten().unwrap_or_default().into());
        Ok(CatalogueTops { dates: tops(dates).await?, seats: tops(seats).await?, house })
    }

    /// How many dates these concerts have, and how many seats all of them together.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn concert_sizes(
        &self,
        concerts: &[ConcertId],
    ) -> Result<HashMap<ConcertId, (usize, usize)>, DbErr> {
        let rows: Vec<(Uuid, i64, i64)> = shown()
            .select_only()
            .column(series::Column::ConcertId)
            .column_as(series::Column::Id.count(), "dates")
            .column_as(series::Column::SeatCount.sum().cast_as("bigint"), "seats")
            .filter(series::Column::ConcertId.among(concerts.iter().map(|id| id.0)))
            .group_by(series::Column::ConcertId)
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(|(id, dates, seats)| (ConcertId(id), (size(dates), size(seats)))).collect())
    }

    /// How many seats these dates have.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seat_counts(&self, dates: &[SeriesId]) -> Result<HashMap<SeriesId, usize>, DbErr> {
        let rows: Vec<(Uuid, i32)> = shown()
            .select_only()
            .columns([series::Column::Id, series::Column::SeatCount])
            .filter(series::Column::Id.among(dates.iter().map(|id| id.0)))
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(|(id, seats)| (SeriesId(id), size(seats.into()))).collect())
    }

    /// The seats of these ids, as the last commits have left them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seats_by_id(&self, ids: &[SeatId]) -> Result<HashMap<SeatId, Seat>, DbErr> {
        let rows = shown_seats().filter(seat::Column::Id.among(ids.iter().map(|id| id.0)));
        let rows = rows::tuples(with_owners(rows), self.reader()).await?;
        Ok(rows.into_iter().map(convert::seat).map(|seat| (seat.id, seat)).collect())
    }

    /// How many seats of these series somebody is choosing at `now`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn held_counts(
        &self,
        series: &[SeriesId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<SeriesId, HeldSeats>, DbErr> {
        // No hold is taken for as long as a day: what says so is no time, and is not when one lapses.
        let soon = hold::Column::ExpiresAt.lte(now + TimeDelta::days(1));
        let lapses = CaseStatement::new().case(soon, hold::Column::ExpiresAt.into_expr());
        let rows = hold::Entity::find()
            .select_only()
            .column(hold::Column::SeriesId)
            .column_as(hold::Column::Id.count(), "held")
            .column_as(Expr::from(Func::min(lapses)), "lapses_at")
            .filter(Expr::cust(IS_ACTIVE))
            .filter(hold::Column::ExpiresAt.gt(now))
            .filter(hold::Column::SeriesId.among(series.iter().map(|id| id.0)))
            .group_by(hold::Column::SeriesId);
        let rows: Vec<(Uuid, i64, Option<DateTime<Utc>>)> = rows::tuples(rows, self.reader()).await?;
        let held =
            |(id, n, until)| (SeriesId(id), HeldSeats { seats: i32::try_from(n).unwrap_or(i32::MAX), until });
        Ok(rows.into_iter().map(held).collect())
    }

    /// Adds a concert, if its organiser may create one more with `most` of them within an hour.
    ///
    /// # Errors
    /// If the database fails; [`Exceeded`], inside, for which nothing was done.
    pub async fn add_concert(
        &self,
        concert: &Concert,
        most: Option<u32>,
        clock: &Clock,
    ) -> Result<Result<(), Exceeded>, DbErr> {
        let tx = self.begin().await?;
        if let Some(most) = most
            && let Err(exceeded) = self.check_concerts(&tx, &concert.organizer, most, clock).await?
        {
            return Ok(Err(exceeded));
        }
        let row = concert::Model {
            id: concert.id.0,
            title: concert.title.to_string(),
            search_text: Some(folded(concert.title.as_str())),
            organizer_id: concert.organizer.to_string(),
            created_at: concert.created_at,
            number: self.next_number(&tx).await?,
        };
        concert::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// The number of the concert that `tx` adds. Nobody else gets one until `tx` is over, so numbers are in the order of
    /// the commits (rule 26), as ids are not. Concerts are few: to make them one after the other costs nothing.
    async fn next_number(&self, tx: &DatabaseTransaction) -> Result<i64, DbErr> {
        // SQLite has one writer at a time.
        if self.is_postgres() {
            tx.execute_unprepared("SELECT pg_advisory_xact_lock(hashtextextended('concerts', 0))").await?;
        }
        let last: Option<Option<i64>> = concert::Entity::find()
            .select_only()
            .column_as(concert::Column::Number.max(), "last")
            .into_tuple()
            .one(tx)
            .await?;
        Ok(last.flatten().unwrap_or_default() + 1)
    }
}

/// The columns of [`convert::SeatRow`], each seat with the hold or reservation that has it.
fn with_owners(seats: Select<seat::Entity>) -> Select<seat::Entity> {
    let mut rows = seats
        .select_only()
        .columns([
            seat::Column::Id,
            seat::Column::SeriesId,
            seat::Column::Number,
            seat::Column::Section,
            seat::Column::Row,
            seat::Column::Col,
            seat::Column::Price,
        ])
        .expr_as(Expr::col((hold::Entity, hold::Column::Id)), "hold_id")
        .expr_as(Expr::col((hold::Entity, hold::Column::ExpiresAt)), "held_until")
        .expr_as(Expr::col((reservation::Entity, reservation::Column::Id)), "reservation_id");
    let seat = || Expr::col((seat::Entity, seat::Column::Id));
    let held = seat().equals((hold::Entity, hold::Column::SeatId));
    let sold = seat().equals((reservation::Entity, reservation::Column::SeatId));
    QueryTrait::query(&mut rows)
        .left_join(hold::Entity, Condition::all().add(held).add(Expr::cust(IS_ACTIVE)))
        .left_join(reservation::Entity, Condition::all().add(sold).add(Expr::cust(STANDS)));
    rows
}

fn size(n: i64) -> usize {
    usize::try_from(n).unwrap_or_default()
}

pub(super) fn series_row(new: &Series) -> series::Model {
    let int = convert::int;
    series::Model {
        id: new.id.0,
        concert_id: new.concert.0,
        start_at: new.schedule.start_at,
        end_at: new.schedule.end_at,
        reserve_start_at: new.schedule.reserve_start_at,
        reserve_end_at: new.schedule.reserve_end_at,
        paused: new.paused,
        seat_count: new.seat_count,
        max_active: new.policy.max_active.map(int),
        admit_per_interval: new.policy.admit_per_interval.map(int),
        interval_seconds: int(new.policy.interval_seconds),
        heartbeat_timeout_seconds: int(new.policy.heartbeat_timeout_seconds),
        session_seconds: int(new.policy.session_seconds),
        max_seats_per_user: int(new.policy.max_seats_per_user),
        draw_secret: new.draw_secret.reveal(),
        created_at: new.created_at,
        stage: Stage::Ready,
        stage_at: None,
    }
}
