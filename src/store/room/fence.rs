//! Journaling a decision of a shared waiting room once, and not at all if the room was rebuilt since: a process that
//! was slow must not write over what others have made good.

use std::collections::HashMap;

use entity::room;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{Taken, progress::Recorded};
use crate::{
    domain::id::{SeriesId, TokenId},
    store::{
        Database, journal,
        trouble::{TRIES, is_conflict},
    },
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
    /// It does not follow the last one that is journaled. Others may have made this one good, and more, while this process
    /// was slow. If it is still the one that is [pending](super::RedisRoom::is_pending), Redis and the journal are
    /// [apart](super::Standing::Apart).
    Overtaken,
}

impl Database {
    /// Writes what was decided in a shared room, in one transaction.
    ///
    /// # Errors
    /// If the database fails. Where it was not available the decision may still have been written, and has to be
    /// journaled again; any other error means that it never will be.
    pub async fn journal_decision(&self, series: SeriesId, taken: &Taken) -> Result<Journaled, DbErr> {
        let mut tries = 1;
        loop {
            match self.try_journal_decision(series, taken).await {
                Err(error) if tries < TRIES && is_conflict(&error) => tries += 1,
                done => return done,
            }
        }
    }

    async fn try_journal_decision(&self, series: SeriesId, taken: &Taken) -> Result<Journaled, DbErr> {
        let names: &HashMap<TokenId, String> = &taken.names;
        let tx = self.begin().await?;
        let row = room::Entity::find_by_id(series.0).lock_exclusive().one(&tx).await?;
        match row {
            // Each of them follows the one before: a journal that lacks some has lost them.
            Some(row) if row.epoch == taken.epoch && row.decision + 1 == taken.number => {}
            Some(row) if row.epoch == taken.epoch && row.decision_id == Some(taken.id) => {
                return Ok(Journaled::Before);
            }
            Some(row) if row.epoch > taken.epoch => return Ok(Journaled::Stale),
            _ => return Ok(Journaled::Overtaken),
        }
        journal::write_events(&tx, series, &taken.decision.events, names).await?;
        room::Entity::update_many()
            .col_expr(room::Column::Decision, Expr::value(taken.number))
            .col_expr(room::Column::DecisionId, Expr::value(taken.id))
            .filter(room::Column::SeriesId.eq(series.0))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(Journaled::Now)
    }

    pub(super) async fn room_progress(&self, series: SeriesId) -> Result<Recorded, DbErr> {
        let row = room::Entity::find_by_id(series.0).one(self.reader()).await?;
        let recorded =
            |row: room::Model| Recorded { epoch: row.epoch, decision: (row.decision, row.decision_id) };
        Ok(row.map_or_else(Recorded::default, recorded))
    }

    /// Begins a new epoch, later than `known`: from now on no decision of an earlier one can be journaled.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn begin_epoch(&self, series: SeriesId, known: i64) -> Result<i64, DbErr> {
        let tx = self.begin().await?;
        let first = room::ActiveModel {
            series_id: sea_orm::Set(series.0),
            epoch: sea_orm::Set(0),
            decision: sea_orm::Set(0),
            decision_id: sea_orm::Set(None),
        };
        let once = OnConflict::column(room::Column::SeriesId).do_nothing().to_owned();
        room::Entity::insert(first).on_conflict(once).exec_without_returning(&tx).await?;
        let row = room::Entity::find_by_id(series.0).lock_exclusive().one(&tx).await?;
        let epoch = row.map_or(0, |row| row.epoch).max(known) + 1;
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
