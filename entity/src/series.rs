//! One date of a concert, its sale and its waiting room, as its organiser wants them; [`super::sale_head`] says how far it has come.

use sea_orm::entity::prelude::*;

/// A row of `series`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "series")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The concert.
    pub concert_id: Uuid,
    /// The concert begins.
    pub start_at: DateTimeUtc,
    /// The concert ends.
    pub end_at: DateTimeUtc,
    /// The sale begins.
    pub reserve_start_at: DateTimeUtc,
    /// The sale ends.
    pub reserve_end_at: DateTimeUtc,
    /// Whether the organiser has paused the sale.
    pub paused: bool,
    /// How many seats there are.
    pub seat_count: i32,
    /// At most this many fans are admitted at once.
    pub max_active: Option<i32>,
    /// At most this many fans are admitted in any interval.
    pub admit_per_interval: Option<i32>,
    /// The interval, in seconds.
    pub interval_seconds: i32,
    /// How long a silent fan keeps the place, in seconds.
    pub heartbeat_timeout_seconds: i32,
    /// How long an admitted fan may choose and pay, in seconds.
    pub session_seconds: i32,
    /// Live holds and standing reservations of one user.
    pub max_seats_per_user: i32,
    /// The secret that orders the lobby, 32 bytes in hexadecimal; not to be shown before the lobby is drawn.
    pub draw_secret: String,
    /// When the series was created.
    pub created_at: DateTimeUtc,
    /// How far it is made.
    pub stage: Stage,
    /// When the last step of making it was done; none once it is ready.
    pub stage_at: Option<DateTimeUtc>,
}

/// How far a series is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Its seats are being made: nobody is to see it yet.
    Building,
    /// All of it is there.
    Ready,
    /// It was not finished, and is being removed.
    Gone,
}

/// None are followed: reads are by key, in batches.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
