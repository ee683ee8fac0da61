//! A concert.

use sea_orm::entity::prelude::*;

/// A row of `concert`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "concert")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// The title as searches compare it; none yet where a version wrote it that had no such column.
    pub search_text: Option<String>,
    /// The user who created it.
    pub organizer_id: String,
    /// When that was.
    pub created_at: DateTimeUtc,
    /// Its place in the order of the commits, from 1.
    pub number: i64,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
