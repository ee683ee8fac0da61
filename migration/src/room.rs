//! Step 2: the journal of the waiting rooms.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct Room;

impl MigrationName for Room {
    fn name(&self) -> &'static str {
        "m0002_room"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Room {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("token")
                    .col(uuid("id").primary_key())
                    .col(uuid("series_id"))
                    .col(text("user_id"))
                    .col(text("name"))
                    .col(big_integer("seq"))
                    .col(boolean("lobby"))
                    .col(text("status"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("admitted_at"))
                    .col(timestamp_with_time_zone_null("session_ends_at"))
                    .col(timestamp_with_time_zone_null("ended_at"))
                    .foreign_key(ForeignKey::create().from("token", "series_id").to("series", "id"))
                    .to_owned(),
            )
            .await?;
        super::run(
            manager,
            &[
                // Rule 4: at most one live place of a user in a series.
                "CREATE UNIQUE INDEX token_live ON token (series_id, user_id) \
                 WHERE status IN ('WAITING', 'ADMITTED')",
                "CREATE UNIQUE INDEX token_seq ON token (series_id, seq)",
                "CREATE INDEX token_admitted ON token (series_id, admitted_at) WHERE admitted_at IS NOT NULL",
            ],
        )
        .await
    }
}
