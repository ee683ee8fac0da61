//! A place of a waiting room.

use sea_orm::entity::prelude::*;

/// A row of `token`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// UUID v7; the `jti` of the queue token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The series.
    pub series_id: Uuid,
    /// The owner.
    pub user_id: String,
    /// As the owner wants to be called.
    pub name: String,
    /// In which order joins of this series were accepted.
    pub seq: i64,
    /// Whether it was in the lobby, so that the draw decides its order.
    pub lobby: bool,
    /// Where it stands. What still waits when the sales window is over, is over too: see
    /// [`super::sale_head::Model::closed_at`].
    pub status: Status,
    /// When the join was accepted.
    pub created_at: DateTimeUtc,
    /// When it was admitted.
    pub admitted_at: Option<DateTimeUtc>,
    /// Until when it may choose, holds aside.
    pub session_ends_at: Option<DateTimeUtc>,
    /// When it was over.
    pub ended_at: Option<DateTimeUtc>,
    /// Why; none also where it ended before there was such a column.
    pub end_reason: Option<EndReason>,
}

/// Where a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// In the lobby or in line.
    Waiting,
    /// May hold seats.
    Admitted,
    /// Has paid.
    Completed,
    /// Was not heard from, or ran out of time.
    Expired,
    /// Left by its own wish.
    Left,
}

/// Why a place is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndReason {
    /// Its owner has paid.
    Paid,
    /// Its owner gave it up.
    Left,
    /// Its owner was not heard from in time.
    Silent,
    /// The time to choose was over.
    SessionOver,
    /// The time to choose was over, and the last hold that had kept it open has lapsed.
    HoldLapsed,
    /// The sales window was over before its turn came.
    SaleClosed,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
