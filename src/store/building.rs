//! How dates come to be: in many short transactions, so that the sales of others never wait for long, and seen by
//! nobody before the last one.
//!
//! A series begins as BUILDING, with nothing but its row, which counts against what its organiser may create. Then come
//! its seats, some at a time, and then it is READY. One whose making failed, or stood still because its process has
//! died, is first marked GONE, so that nobody goes on with it, and then removed, again some seats at a time.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{concert, sale_head, seat, series, series::Stage};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, ExprTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Statement, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{
        catalog::{PlannedSeat, Series},
        id::{SeriesId, UserId},
        quota::{self, Done},
    },
    store::{Database, catalog::series_row, convert, rows},
};

/// Seats of one transaction: a few milliseconds.
pub const STEP: usize = 250;

/// The series that anybody may know of. Every read of series goes through here.
pub(super) fn shown() -> Select<series::Entity> {
    series::Entity::find().filter(series::Column::Stage.eq(Stage::Ready))
}

/// The seats that anybody may know of.
pub(super) fn shown_seats() -> Select<seat::Entity> {
    let own = Expr::col((series::Entity, series::Column::Id)).equals((seat::Entity, seat::Column::SeriesId));
    let its_series = shown().select_only().column(series::Column::Id).filter(own).into_query();
    seat::Entity::find().filter(Expr::exists(its_series))
}

/// What one organiser may create within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizerLimits {
    /// Concerts.
    pub concerts: u32,
    /// Dates, of all of the organiser's concerts.
    pub dates: u32,
    /// Seats of those dates.
    pub seats: u32,
}

/// What an organiser has created too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// `concerts`, `dates` or `seats`.
    pub what: &'static str,
    /// How many may be created within an hour.
    pub most: u32,
    /// How long until there is room for what was asked for; `None` if there never is.
    pub wait: Option<TimeDelta>,
}

impl Database {
    /// Begins a series: from now on it counts, and nobody sees it. With `limits`, if its organiser may create it, which
    /// is looked at and counted in one step, whichever process asks.
    ///
    /// # Errors
    /// If the database fails; [`Exceeded`], inside, for which nothing was done.
    pub async fn begin_series(
        &self,
        new: &Series,
        organizer: &UserId,
        limits: Option<OrganizerLimits>,
        clock: &Clock,
    ) -> Result<Result<(), Exceeded>, DbErr> {
        let tx = self.begin().await?;
        let now = match limits {
            None => self.time(&tx, clock).await?,
            Some(limits) => {
                let now = self.alone(&tx, organizer, clock).await?;
                let (dates, seats) = created_dates(&tx, organizer, now).await?;
                let asked = convert::count(new.seat_count);
                let checks = [("dates", dates, 1, limits.dates), ("seats", seats, asked, limits.seats)];
                if let Some(exceeded) =
                    checks.into_iter().filter_map(|check| exceeds(check, now)).max_by_key(wait)
                {
                    return Ok(Err(exceeded));
                }
                now
            }
        };
        let row = series::Model { stage: Stage::Building, stage_at: Some(now), ..series_row(new) };
        series::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
        sale_head::Entity::insert(first_head(new).into_active_model()).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Checks whether an organiser may create one more concert, within the transaction that adds it.
    pub(super) async fn check_concerts(
        &self,
        tx: &DatabaseTransaction,
        organizer: &UserId,
        most: u32,
        clock: &Clock,
    ) -> Result<Result<(), Exceeded>, DbErr> {
        let now = self.alone(tx, organizer, clock).await?;
        let times = concert::Entity::find()
            .select_only()
            .column(concert::Column::CreatedAt)
            .filter(concert::Column::OrganizerId.eq(organizer.as_str()))
            .filter(concert::Column::CreatedAt.gt(now - quota::WINDOW))
            .order_by_asc(concert::Column::CreatedAt);
        let times: Vec<(DateTime<Utc>,)> = rows::tuples(times, tx).await?;
        let done = times.into_iter().map(|(at,)| Done { at, amount: 1 }).collect();
        Ok(exceeds(("concerts", done, 1, most), now).map_or(Ok(()), Err))
    }

    /// Makes the other transactions that count for this organiser wait for `tx`; what time it is then.
    async fn alone(
        &self,
        tx: &DatabaseTransaction,
        organizer: &UserId,
        clock: &Clock,
    ) -> Result<DateTime<Utc>, DbErr> {
        // SQLite has one writer at a time.
        if self.is_postgres() {
            let lock = "SELECT pg_advisory_xact_lock(hashtextextended('organizer ' || $1, 0))";
            let lock = Statement::from_sql_and_values(DbBackend::Postgres, lock, [organizer.as_str().into()]);
            tx.execute_raw(lock).await?;
        }
        self.time(tx, clock).await
    }

    /// Adds some seats of a series that is being made, at most [`STEP`] of them. False if it is not being made any
    /// more, because it was taken for one whose process has died.
    ///
    /// # Errors
    /// If the database fails: then nothing was added, unless the failure came with the commit.
    pub async fn add_seats(
        &self,
        series: SeriesId,
        seats: impl IntoIterator<Item = (Uuid, PlannedSeat)>,
        clock: &Clock,
    ) -> Result<bool, DbErr> {
        let rows = seats.into_iter().map(|(id, seat)| seat_row(series, seat, id));
        // Put together before the transaction: meanwhile others may write.
        let insert = seat::Entity::insert_many(rows).into_query();
        let insert = self.write.get_database_backend().build(&insert);
        let tx = self.begin().await?;
        let now = self.time(&tx, clock).await?;
        if !turn(&tx, series, Stage::Building, Stage::Building, Some(now)).await? {
            return Ok(false);
        }
        tx.execute_raw(insert).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The series has all of its seats: everybody may see it, and what comes first of it is the draw. False as with
    /// [`Database::add_seats`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn series_is_ready(&self, series: SeriesId) -> Result<bool, DbErr> {
        let tx = self.begin().await?;
        let turned = turn(&tx, series, Stage::Building, Stage::Ready, None).await?;
        if turned {
            run(&tx, DUE_AT_THE_OPENING, series).await?;
            run(&tx, FIRST_LINE, series).await?;
        }
        tx.commit().await?;
        Ok(turned)
    }

    /// Gives up a series that is being made: from now on nobody goes on with it. False if it is ready after all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn give_up_series(&self, series: SeriesId) -> Result<bool, DbErr> {
        let tx = self.begin().await?;
        turn(&tx, series, Stage::Building, Stage::Gone, None).await?;
        let ready = shown().filter(series::Column::Id.eq(series.0));
        let ready = rows::models(ready, &tx).await?.read > 0;
        tx.commit().await?;
        Ok(!ready)
    }

    /// Gives up every series that is being made and whose last step is not later than `last_step`; the series that are
    /// to be removed, up to 100 of them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn given_up_series(&self, last_step: DateTime<Utc>) -> Result<Vec<SeriesId>, DbErr> {
        let unfinished = |stage| {
            let rows = series::Entity::find().select_only().column(series::Column::Id);
            // The first condition names the index, which has no other rows.
            rows.filter(Expr::cust("stage <> 'READY'")).filter(series::Column::Stage.eq(stage)).limit(100)
        };
        let still = unfinished(Stage::Building).filter(series::Column::StageAt.lte(last_step));
        let still: Vec<Uuid> = still.into_tuple().all(self.reader()).await?;
        for id in still {
            let tx = self.begin().await?;
            series::Entity::update_many()
                .col_expr(series::Column::Stage, Expr::value(Stage::Gone))
                .filter(series::Column::Id.eq(id))
                .filter(series::Column::Stage.eq(Stage::Building))
                .filter(series::Column::StageAt.lte(last_step))
                .exec(&tx)
                .await?;
            tx.commit().await?;
        }
        let gone: Vec<Uuid> = unfinished(Stage::Gone).into_tuple().all(self.reader()).await?;
        Ok(gone.into_iter().map(SeriesId).collect())
    }

    /// Removes some seats of a series that was given up, at most [`STEP`] of them, or in the end the series itself. False
    /// when there is nothing left to remove.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn remove_some_of(&self, series: SeriesId) -> Result<bool, DbErr> {
        let tx = self.begin().await?;
        let mut removed = run(&tx, REMOVE_SEATS, series).await?;
        if removed == 0 {
            run(&tx, REMOVE_HEAD, series).await?;
            removed = run(&tx, REMOVE_SERIES, series).await?;
        }
        tx.commit().await?;
        Ok(removed > 0)
    }
}

/// Runs a statement about a series; how many rows it changed.
async fn run(tx: &DatabaseTransaction, statement: &str, series: SeriesId) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, [series.0.into()]);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

const DUE_AT_THE_OPENING: &str = "UPDATE sale_head SET next_due = ( \
     SELECT reserve_start_at FROM series WHERE id = $1) WHERE series_id = $1";
/// Nothing has happened yet, and whoever knows the date from then on can tell that what follows is its history.
const FIRST_LINE: &str = "INSERT INTO sale_log (series_id, version, head, at, format, events) \
     SELECT series_id, version, head, last_at, 0, '' FROM sale_head WHERE series_id = $1";
const REMOVE_SEATS: &str = "DELETE FROM seat WHERE id IN ( \
     SELECT seat.id FROM seat JOIN series ON series.id = seat.series_id AND series.stage = 'GONE' \
     WHERE seat.series_id = $1 ORDER BY seat.number LIMIT 250)";
const REMOVE_HEAD: &str = "DELETE FROM sale_head WHERE series_id IN ( \
     SELECT id FROM series WHERE id = $1 AND stage = 'GONE')";
const REMOVE_SERIES: &str = "DELETE FROM series WHERE id = $1 AND stage = 'GONE'";
const _: () = assert!(STEP == 250, "as many as one removal takes");

/// Moves a series from one stage to another; false if it was not at the former.
async fn turn(
    tx: &DatabaseTransaction,
    series: SeriesId,
    from: Stage,
    to: Stage,
    at: Option<DateTime<Utc>>,
) -> Result<bool, DbErr> {
    let turned = series::Entity::update_many()
        .col_expr(series::Column::Stage, Expr::value(to))
        .col_expr(series::Column::StageAt, Expr::value(at))
        .filter(series::Column::Id.eq(series.0))
        .filter(series::Column::Stage.eq(from))
        .exec(tx)
        .await?;
    Ok(turned.rows_affected > 0)
}

/// The dates that an organiser has created within the last hour, and their seats; those that failed do not count.
async fn created_dates(
    tx: &DatabaseTransaction,
    organizer: &UserId,
    now: DateTime<Utc>,
) -> Result<(Vec<Done>, Vec<Done>), DbErr> {
    let own = concert::Entity::find()
        .select_only()
        .column(concert::Column::Id)
        .filter(concert::Column::OrganizerId.eq(organizer.as_str()));
    let rows = series::Entity::find()
        .select_only()
        .columns([series::Column::CreatedAt, series::Column::SeatCount])
        .filter(series::Column::ConcertId.in_subquery(own.into_query()))
        .filter(series::Column::CreatedAt.gt(now - quota::WINDOW))
        .filter(series::Column::Stage.ne(Stage::Gone))
        .order_by_asc(series::Column::CreatedAt);
    let rows: Vec<(DateTime<Utc>, i32)> = rows::tuples(rows, tx).await?;
    let done = |amount: fn(i32) -> u32| {
        rows.iter().map(|(at, seats)| Done { at: *at, amount: amount(*seats) }).collect()
    };
    Ok((done(|_| 1), done(convert::count)))
}

type Check = (&'static str, Vec<Done>, u32, u32);

fn exceeds((what, done, asked, most): Check, now: DateTime<Utc>) -> Option<Exceeded> {
    let at = quota::fits_at(&done, asked, most, now);
    (at != Some(now)).then(|| Exceeded { what, most, wait: at.map(|at| at - now) })
}

/// The longest last, and of all what never fits.
fn wait(exceeded: &Exceeded) -> (bool, Option<TimeDelta>) {
    (exceeded.wait.is_none(), exceeded.wait)
}

fn seat_row(series: SeriesId, seat: PlannedSeat, id: Uuid) -> seat::ActiveModel {
    let PlannedSeat { number, section, row, col, price } = seat;
    let (series_id, section) = (series.0, section.to_string());
    seat::Model { id, series_id, number, section, row, col, price }.into_active_model()
}

/// A date of which nothing has happened. Nothing is due of it before it is ready.
fn first_head(new: &Series) -> sale_head::Model {
    sale_head::Model {
        series_id: new.id.0,
        version: 0,
        head: Uuid::nil(),
        last_at: new.created_at,
        next_due: None,
        seats_version: new.version,
        reserved_count: new.reserved_count,
        next_seq: 0,
        drawn_at: new.drawn_at,
        closed_at: None,
        lobby_hash: None,
    }
}
