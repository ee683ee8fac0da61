//! Step 6: dates that are made in many short steps, and what counts how many an organiser makes.

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

pub(super) struct Building;

impl MigrationName for Building {
    fn name(&self) -> &'static str {
        "m0006_building"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Building {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let alter = || Table::alter().table("series").to_owned();
        manager.alter_table(alter().add_column(text("stage").default("READY")).to_owned()).await?;
        manager.alter_table(alter().add_column(timestamp_with_time_zone_null("stage_at")).to_owned()).await?;
        super::run(
            manager,
            &[
                "CREATE INDEX series_unfinished ON series (stage) WHERE stage <> 'READY'",
                "CREATE INDEX series_created ON series (created_at)",
                "CREATE INDEX concert_of_organizer ON concert (organizer_id, created_at)",
            ],
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            // Where seats of an unfinished date are removed, PostgreSQL looks for what refers to each of them. SQLite is
            // told not to look.
            let indexes = [
                "CREATE INDEX hold_seat ON hold (seat_id)",
                "CREATE INDEX reservation_seat ON reservation (seat_id)",
            ];
            for index in indexes {
                manager.get_connection().execute_unprepared(index).await?;
            }
        }
        Ok(())
    }
}
