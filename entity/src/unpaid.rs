//! How many holds of a series a user has let end unpaid.

use sea_orm::entity::prelude::*;

/// A row of `unpaid`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "unpaid")]
pub struct Model {
    /// The series.
    #[sea_orm(primary_key, auto_increment = false)]
    pub series_id: Uuid,
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// Holds that lapsed or were given back after more than a minute, since the last bar.
    pub ended: i32,
    /// How long those lasted together that were given back sooner, in milliseconds, since the last bar.
    pub brief_ms: i64,
    /// From when on the user took no holds there, the last time.
    pub barred_since: Option<DateTimeUtc>,
    /// Until when.
    pub barred_until: Option<DateTimeUtc>,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
