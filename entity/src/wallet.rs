//! A prepaid wallet.

use sea_orm::entity::prelude::*;

/// A row of `wallet`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "wallet")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// Points: the sum of its lines, 0 to 1,000,000,000; the table checks that.
    pub balance: i32,
    /// How many lines its ledger has.
    pub lines: i32,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
