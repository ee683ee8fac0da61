//! A line of a wallet's ledger.

use sea_orm::entity::prelude::*;

/// A row of `point_history`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "point_history")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose wallet.
    pub user_id: String,
    /// Who did it, where that was not the owner.
    pub actor_id: Option<String>,
    /// Its place in that ledger, from 1.
    pub line: i32,
    /// What happened.
    pub kind: Kind,
    /// Points, signed.
    pub amount: i32,
    /// The balance with this line.
    pub balance_after: i32,
    /// The payment that was made or given back, if any.
    pub payment_id: Option<Uuid>,
    /// When.
    pub created_at: DateTimeUtc,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Points came in.
    Charge,
    /// Points were spent.
    Use,
    /// Points came back.
    Refund,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
