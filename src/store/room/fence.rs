//! Journaling a decision of a shared waiting room once, and not at all if the room was rebuilt since: a process that
//! was slow must not write over what others have made good.

use std::collections::HashMap;

use entity::room;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::Taken;
use crate::{
    domain::id::{SeriesId, TokenId},
    store::{Database, journal},
};

/// What came of journaling a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journaled {
    /// It is in the journal.
    Now,
    /// It was in the journal already.
    Before,
    /// The room was rebuilt since: the decision does not count.
    Stale,
}

impl Database {
    /// Writes what was decided in a shared room, in one transaction.
    ///
    /// # Errors
    /// If the database fails. Then it may still have been written, and the decision has to be journaled again.
    pub async fn journal_decision(&self, series: SeriesId, taken: &Taken) -> Result<Journaled, DbErr> {
        let names: &HashMap<TokenId, String> = &taken.names;
        let tx = self.begin().await?;
        let row = room::Entity::find_by_id(series.0).lock_exclusive().one(&tx).await?;
        match row {
            Some(row) if row.epoch == taken.epoch && row.decision < taken.number => {}
            Some(row) if row.epoch == taken.epoch => return Ok(Journaled::Before),
            _ => return Ok(Journaled::Stale),
        }
        journal::write_events(&tx, series, &taken.decision.events, names).await?;
        room::Entity::update_many()
            .col_expr(room::Column::Decision, Expr::value(taken.number))
            .filter(room::Column::SeriesId.eq(series.0))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(Journaled::Now)
    }

    /// The epoch of a shared room: 0 if it was never built.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn room_epoch(&self, series: SeriesId) -> Result<i64, DbErr> {
        let row = room::Entity::find_by_id(series.0).one(self.reader()).await?;
        Ok(row.map_or(0, |row| row.epoch))
    }

    /// Begins a new epoch: from now on no decision of an earlier one can be journaled.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn begin_epoch(&self, series: SeriesId) -> Result<i64, DbErr> {
        let tx = self.begin().await?;
        let first = room::ActiveModel {
            series_id: sea_orm::Set(series.0),
            epoch: sea_orm::Set(0),
            decision: sea_orm::Set(0),
        };
        let once = OnConflict::column(room::Column::SeriesId).do_nothing().to_owned();
        room::Entity::insert(first).on_conflict(once).exec_without_returning(&tx).await?;
        let row = room::Entity::find_by_id(series.0).lock_exclusive().one(&tx).await?;
        let epoch = row.map_or(0, |row| row.epoch) + 1;
        room::Entity::update_many()
            .col_expr(room::Column::Epoch, Expr::value(epoch))
            .col_expr(room::Column::Decision, Expr::value(0_i64))
            .filter(room::Column::SeriesId.eq(series.0))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(epoch)
    }
}
