//! How far a date has come: a narrow row, written with each of its commits, and whoever has it locked decides.

use sea_orm::entity::prelude::*;

/// A row of `sale_head`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sale_head")]
pub struct Model {
    /// The series.
    #[sea_orm(primary_key, auto_increment = false)]
    pub series_id: Uuid,
    /// Grows by one with each commit.
    pub version: i64,
    /// Random, of the last commit: after a restore the same number may stand for something else.
    pub head: Uuid,
    /// The time of the last commit; none goes behind it.
    pub last_at: DateTimeUtc,
    /// When there is something to do without anybody asking; none while the series is being made.
    pub next_due: Option<DateTimeUtc>,
    /// Grows with each commit that changes a seat.
    pub seats_version: i32,
    /// How many seats have a standing reservation.
    pub reserved_count: i32,
    /// The number of the next join.
    pub next_seq: i64,
    /// When the lobby was put into order.
    pub drawn_at: Option<DateTimeUtc>,
    /// When the sales window was over, and with it every place that waited: their rows are left as they are.
    pub closed_at: Option<DateTimeUtc>,
    /// What the lobby was ordered by beside the secret, 32 bytes in hexadecimal. Empty where the draw is older than that.
    pub lobby_hash: Option<String>,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
