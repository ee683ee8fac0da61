//! Idempotency keys past their age.

use chrono::{DateTime, Utc};
use entity::idempotency_key;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use crate::store::Database;

/// Keys of one transaction: a few milliseconds.
const STEP: u64 = 250;

impl Database {
    /// Forgets some of the idempotency keys that were used before `until`; false when there are none. They are looked for
    /// beside the sale, and only removed in its way.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_keys(&self, until: DateTime<Utc>) -> Result<bool, DbErr> {
        let old: Vec<(String, String)> = idempotency_key::Entity::find()
            .select_only()
            .columns([idempotency_key::Column::UserId, idempotency_key::Column::Key])
            .filter(idempotency_key::Column::CreatedAt.lt(until))
            .order_by_asc(idempotency_key::Column::CreatedAt)
            .limit(STEP)
            .into_tuple()
            .all(self.reader())
            .await?;
        if old.is_empty() {
            return Ok(false);
        }
        let key = [idempotency_key::Column::UserId, idempotency_key::Column::Key].map(Expr::col);
        let tx = self.begin().await?;
        idempotency_key::Entity::delete_many()
            .filter(Expr::tuple(key).in_tuples(old))
            // One that was used anew meanwhile, after another process had forgotten it, stays.
            .filter(idempotency_key::Column::CreatedAt.lt(until))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}
