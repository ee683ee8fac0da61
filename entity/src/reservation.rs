//! A ticket.

use sea_orm::entity::prelude::*;

/// A row of `reservation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub user_id: String,
    /// The series of the seat.
    pub series_id: Uuid,
    /// The seat.
    pub seat_id: Uuid,
    /// What paid for it.
    pub payment_id: Uuid,
    /// The line of its owner's ledger that paid for it: they are in the order of the commits.
    pub line: i32,
    /// Points that it cost.
    pub price: i32,
    /// Whether it stands.
    pub status: Status,
    /// When it was paid.
    pub created_at: DateTimeUtc,
}

/// Whether a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It stands.
    Confirmed,
    /// Given back.
    Cancelled,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
