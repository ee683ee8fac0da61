//! Who was heard from at one process, of one date.

use sea_orm::entity::prelude::*;

/// A row of `presence`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "presence")]
pub struct Model {
    /// The process, by an id that it makes when it starts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub process: Uuid,
    /// The series.
    #[sea_orm(primary_key, auto_increment = false)]
    pub series_id: Uuid,
    /// When it was written, by the clock of the database.
    pub at: DateTimeUtc,
    /// The numbers of their joins, and what else is said of them.
    pub heard: Vec<u8>,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
