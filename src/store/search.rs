//! What titles are searched by: a column in the form in which searches compare them, so that every database finds the same
//! (rule 23).

use entity::concert;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{CaseStatement, Expr, LikeExpr, SimpleExpr},
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
            if read > 0 {
                let ids = rows.iter().map(|(id, _)| *id).collect::<Vec<_>>();
                let texts = rows.iter().fold(CaseStatement::new(), |texts, (id, title)| {
                    texts.case(concert::Column::Id.eq(*id), folded(title))
                });
                let update =
                    concert::Entity::update_many().col_expr(concert::Column::SearchText, texts.into());
                let tx = self.begin().await?;
                update.filter(concert::Column::Id.is_in(ids)).exec(&tx).await?;
                tx.commit().await?;
            }
            if read < STEP {
                return Ok(());
            }
        }
    }
}
