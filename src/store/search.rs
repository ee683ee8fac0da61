//! What titles are searched by: a column in the form in which searches compare them, so that every database finds the same
//! (rule 23).

use entity::concert;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LikeExpr, SimpleExpr},
};
use uuid::Uuid;

use crate::{domain::text::folded, store::Database};

/// Titles that are looked at in one step.
const STEP: u64 = 500;

/// That a title has a word somewhere.
pub(super) fn has_word(word: &str) -> SimpleExpr {
    let word = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Expr::col(concert::Column::SearchText).like(LikeExpr::new(format!("%{word}%")).escape('\\'))
}

impl Database {
    /// Makes what titles are searched by where it is missing: of rows that a version wrote which had no such column. In
    /// short steps, beside the sales of others.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fill_search_texts(&self) -> Result<(), DbErr> {
        loop {
            let rows: Vec<(Uuid, String)> = concert::Entity::find()
                .select_only()
                .columns([concert::Column::Id, concert::Column::Title])
                .filter(concert::Column::SearchText.is_null())
                .order_by_asc(concert::Column::Id)
                .limit(STEP)
                .into_tuple()
                .all(self.reader())
                .await?;
            let read = rows.len() as u64;
            let tx = self.begin().await?;
            for (id, title) in rows {
                concert::Entity::update_many()
                    .col_expr(concert::Column::SearchText, Expr::value(folded(&title)))
                    .filter(concert::Column::Id.eq(id))
                    .exec(&tx)
                    .await?;
            }
            tx.commit().await?;
            if read < STEP {
                return Ok(());
            }
        }
    }
}
