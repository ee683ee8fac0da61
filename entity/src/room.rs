//! How far the journal of a waiting room has come that several processes share: what fences off a process that was
//! slow to write a decision which others have made good since.

use sea_orm::entity::prelude::*;

/// A row of `room`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room")]
pub struct Model {
    /// The series.
    #[sea_orm(primary_key, auto_increment = false)]
    pub series_id: Uuid,
    /// Grows each time that the room is rebuilt from its journal.
    pub epoch: i64,
    /// The last decision of this epoch that is journaled.
    pub decision: i64,
    /// Which decision that was: one of the same number may have been made where Redis had lost it.
    pub decision_id: Option<Uuid>,
}

/// None are followed: reads are by key.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
