//! What processes tell each other of whom they have heard: a row a process and date, each written over by the next.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use entity::presence;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict,
};
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::id::SeriesId,
    store::{Database, among::Among, rows},
};

/// From then on a row is of a process that nobody remembers.
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);

/// What one process has told of one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which process.
    pub process: Uuid,
    /// Of which date.
    pub series: SeriesId,
    /// When, by the clock that all processes share.
    pub at: DateTime<Utc>,
    /// Whom it has heard.
    pub heard: Vec<u8>,
}

impl Database {
    /// Writes whom `process` has heard, of these dates, in place of what it told before; of other dates it tells nothing any
    /// more. What processes told an hour ago goes as well.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tell_heard(
        &self,
        process: Uuid,
        heard: Vec<(SeriesId, Vec<u8>)>,
        clock: &Clock,
    ) -> Result<(), DbErr> {
        let real = Clock::system();
        let begun = real.now();
        let tx = self.begin().await?;
        let now = self.time(&tx, clock).await?;
        // Nothing is told of whom it has heard while it waited.
        let waited = if clock.is_own() { TimeDelta::zero() } else { real.now() - begun };
        let at = (now - waited).trunc_subsecs(3);
        let named: Vec<_> = heard.iter().map(|(series, _)| series.0).collect();
        let row =
            |(series, heard): (SeriesId, _)| presence::Model { process, series_id: series.0, at, heard };
        if !named.is_empty() {
            let over = OnConflict::columns([presence::Column::SeriesId, presence::Column::Process])
                .update_columns([presence::Column::At, presence::Column::Heard])
                .to_owned();
            presence::Entity::insert_many(heard.into_iter().map(row).map(IntoActiveModel::into_active_model))
                .on_conflict(over)
                .exec_without_returning(&tx)
                .await?;
        }
        // Those that it has just written have this time.
        let stale = presence::Column::Process.eq(process).and(presence::Column::At.ne(at));
        presence::Entity::delete_many()
            .filter(stale.or(presence::Column::At.lt(at - FORGOTTEN)))
            .exec(&tx)
            .await?;
        tx.commit().await
    }

    /// What processes have told of these dates, and what time it is by the clock that they share. A row that cannot be read
    /// is as if its process had not told.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn told(&self, dates: &[SeriesId], clock: &Clock) -> Result<(Vec<Told>, DateTime<Utc>), DbErr> {
        // Before the rows: who looks at how late they are must not take them for later.
        let now = self.time(self.reader(), clock).await?;
        let rows =
            presence::Entity::find().filter(presence::Column::SeriesId.among(dates.iter().map(|id| id.0)));
        let rows = rows::models(rows, self.reader()).await?.rows;
        let told = |row: presence::Model| {
            let presence::Model { process, series_id, at, heard } = row;
            Told { process, series: SeriesId(series_id), at, heard }
        };
        Ok((rows.into_iter().map(told).collect(), now))
    }

    /// Forgets what a process has told: it has ended.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_process(&self, process: Uuid) -> Result<(), DbErr> {
        let tx = self.begin().await?;
        presence::Entity::delete_many().filter(presence::Column::Process.eq(process)).exec(&tx).await?;
        tx.commit().await
    }
}
