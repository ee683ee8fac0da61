//! A seat of one series. It is nobody's, one hold's or one reservation's; the table checks that.

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
    /// The hold that has it until `held_until`.
    pub hold_id: Option<Uuid>,
    /// From this instant on the hold holds nothing.
    pub held_until: Option<DateTimeUtc>,
    /// The standing reservation that has it.
    pub reservation_id: Option<Uuid>,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
