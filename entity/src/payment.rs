//! A payment for seats.

use sea_orm::entity::prelude::*;

/// A row of `payment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub user_id: String,
    /// The series of the seats.
    pub series_id: Uuid,
    /// The line of its owner's ledger that paid it: they are in the order of the commits.
    pub line: i32,
    /// Points.
    pub amount: i32,
    /// Points of it that were given back.
    pub refunded: i32,
    /// When.
    pub created_at: DateTimeUtc,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
