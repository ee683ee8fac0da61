//! Step 1: concerts, their dates and seats.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct Catalog;

impl MigrationName for Catalog {
    fn name(&self) -> &'static str {
        "m0001_catalog"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Catalog {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(concert()).await?;
        manager.create_table(series()).await?;
        manager.create_table(seat()).await?;
        super::run(
            manager,
            &[
                "CREATE INDEX series_of_concert ON series (concert_id)",
                "CREATE UNIQUE INDEX seat_number ON seat (series_id, number)",
            ],
        )
        .await
    }
}

fn concert() -> TableCreateStatement {
    Table::create()
        .table("concert")
        .col(uuid("id").primary_key())
        .col(text("title"))
        .col(text("organizer_id"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned()
}

fn series() -> TableCreateStatement {
    Table::create()
        .table("series")
        .col(uuid("id").primary_key())
        .col(uuid("concert_id"))
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone("end_at"))
        .col(timestamp_with_time_zone("reserve_start_at"))
        .col(timestamp_with_time_zone("reserve_end_at"))
        .col(boolean("paused"))
        .col(integer("seat_count"))
        .col(integer("reserved_count"))
        .col(integer("version"))
        .col(integer_null("max_active"))
        .col(integer_null("admit_per_interval"))
        .col(integer("interval_seconds"))
        .col(integer("heartbeat_timeout_seconds"))
        .col(integer("session_seconds"))
        .col(integer("max_seats_per_user"))
        .col(text("draw_secret"))
        .col(timestamp_with_time_zone_null("drawn_at"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(ForeignKey::create().from("series", "concert_id").to("concert", "id"))
        .check(Expr::cust("reserved_count BETWEEN 0 AND seat_count"))
        .to_owned()
}

fn seat() -> TableCreateStatement {
    Table::create()
        .table("seat")
        .col(uuid("id").primary_key())
        .col(uuid("series_id"))
        .col(integer("number"))
        .col(text("section"))
        .col(integer("row"))
        .col(integer("col"))
        .col(integer("price"))
        .col(uuid_null("hold_id"))
        .col(timestamp_with_time_zone_null("held_until"))
        .col(uuid_null("reservation_id"))
        .foreign_key(ForeignKey::create().from("seat", "series_id").to("series", "id"))
        // Rule 11: nobody's, one hold's or one reservation's.
        .check(Expr::cust("hold_id IS NULL OR reservation_id IS NULL"))
        .check(Expr::cust("(hold_id IS NULL) = (held_until IS NULL)"))
        .to_owned()
}
