//! Who has joined a date: how many, who was in its lobby, and where anybody is left.

use chrono::{DateTime, Utc};
use entity::{sale_head, token};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Condition, Expr},
};
use uuid::Uuid;

use crate::{
    domain::id::{SeriesId, TokenId},
    store::Database,
};

/// Joins of one part when a lobby is published: what is read of it at once.
pub const LOBBY_PART: u64 = 5_000;

impl Database {
    /// How many joins of a series there were, which are numbered from 0; before the draw, all of them into the lobby.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn joins(&self, series: SeriesId) -> Result<u64, DbErr> {
        let next: Option<i64> = sale_head::Entity::find_by_id(series.0)
            .select_only()
            .column(sale_head::Column::NextSeq)
            .into_tuple()
            .one(self.reader())
            .await?;
        Ok(next.and_then(|next| u64::try_from(next).ok()).unwrap_or_default())
    }

    /// The token ids of a series' lobby, without whose they are, in the order of their joins (rule 5): those of the
    /// [`LOBBY_PART`] joins from number `first` on. `drawn_at`: of a draw that a hash of its lobby went into. Who has come
    /// back since to a place in the lobby that the database had lost was not hashed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lobby_part(
        &self,
        series: SeriesId,
        drawn_at: Option<DateTime<Utc>>,
        first: u64,
    ) -> Result<Vec<TokenId>, DbErr> {
        let joined_before = drawn_at.map(|at| token::Column::CreatedAt.lt(at));
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let rows: Vec<Uuid> = token::Entity::find()
            .select_only()
            .column(token::Column::Id)
            .filter(token::Column::SeriesId.eq(series.0))
            .filter(token::Column::Seq.gte(first))
            .filter(token::Column::Seq.lt(first.saturating_add(LOBBY_PART as i64)))
            .filter(token::Column::Lobby.eq(true))
            .filter(Condition::all().add_option(joined_before))
            .order_by_asc(token::Column::Seq)
            // Two have the same number where one came back after the database had lost it: every process has to publish
            // the same.
            .order_by_asc(token::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(TokenId).collect())
    }

    /// The series that somebody waits for or chooses seats of.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn series_with_live_places(&self) -> Result<Vec<SeriesId>, DbErr> {
        let own = || {
            let own = Expr::col((token::Entity, token::Column::SeriesId));
            own.equals((sale_head::Entity, sale_head::Column::SeriesId))
        };
        let places = || token::Entity::find().select_only().column(token::Column::Id).filter(own());
        // As it stands in the index of live places, which has no other rows.
        let live = places().filter(Expr::cust("token.status IN ('WAITING', 'ADMITTED')"));
        // Who waited when the line was closed still says so, and there may be many of them: the index of those who were
        // ever admitted passes by them.
        let admitted = places()
            .filter(token::Column::AdmittedAt.is_not_null())
            .filter(Expr::cust("token.status = 'ADMITTED'"));
        let open =
            Condition::all().add(sale_head::Column::ClosedAt.is_null()).add(Expr::exists(live.into_query()));
        let rows: Vec<Uuid> = sale_head::Entity::find()
            .select_only()
            .column(sale_head::Column::SeriesId)
            .filter(Condition::any().add(open).add(Expr::exists(admitted.into_query())))
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(SeriesId).collect())
    }
}
