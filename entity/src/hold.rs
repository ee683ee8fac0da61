//! A temporary reservation.

use sea_orm::entity::prelude::*;

/// A row of `hold`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hold")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub user_id: String,
    /// The place in the waiting room with which it was taken.
    pub token_id: Uuid,
    /// The series of the seat.
    pub series_id: Uuid,
    /// The seat.
    pub seat_id: Uuid,
    /// When it was taken.
    pub created_at: DateTimeUtc,
    /// From this instant on it holds nothing, whatever `status` says.
    pub expires_at: DateTimeUtc,
    /// What became of it, as far as anybody has noted.
    pub status: Status,
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Live until it expires.
    Active,
    /// Paid.
    Confirmed,
    /// Lapsed.
    Expired,
    /// Given back.
    Released,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
