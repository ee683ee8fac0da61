//! What an idempotency key was first used for. Kept for a stated age, within which a key never acts twice.

use sea_orm::entity::prelude::*;

/// A row of `idempotency_key`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// The caller, whose key it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The operation and its input, in one line of text.
    pub fingerprint: String,
    /// What came of it: the line of the ledger, the payment or the reservation.
    pub result_id: Uuid,
    /// When.
    pub created_at: DateTimeUtc,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
