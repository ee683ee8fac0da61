//! A seat of one series. Whose it is, holds and reservations say: at most one active hold or standing reservation each, by
//! unique indexes.

use sea_orm::entity::prelude::*;

/// A row of `seat`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seat")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The series.
    pub series_id: Uuid,
    /// 1-based, unique in its series.
    pub number: i32,
    /// The section's name.
    pub section: String,
    /// 1-based in its section.
    pub row: i32,
    /// 1-based in its row.
    pub col: i32,
    /// Points.
    pub price: i32,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
