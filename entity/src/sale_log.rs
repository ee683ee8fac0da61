//! A commit of a date, for the other processes that have it in memory. Forgotten after some minutes.

use sea_orm::entity::prelude::*;

/// A row of `sale_log`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sale_log")]
pub struct Model {
    /// The series.
    #[sea_orm(primary_key, auto_increment = false)]
    pub series_id: Uuid,
    /// What the commit brought the date to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    /// See [`super::sale_head::Model::head`].
    pub head: Uuid,
    /// When.
    pub at: DateTimeUtc,
    /// In which form the events are.
    pub format: i32,
    /// What happened.
    pub events: Vec<u8>,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
