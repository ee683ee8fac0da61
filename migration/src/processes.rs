//! Step 4: what several processes agree on.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct Processes;

impl MigrationName for Processes {
    fn name(&self) -> &'static str {
        "m0004_processes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Processes {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("series").add_column(integer("settings").default(0)).to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("room")
                    .col(uuid("series_id").primary_key())
                    .col(big_integer("epoch"))
                    .col(big_integer("decision"))
                    .col(uuid_null("decision_id"))
                    .foreign_key(ForeignKey::create().from("room", "series_id").to("series", "id"))
                    .to_owned(),
            )
            .await?;
        // Who comes back with a token after the journal has lost the place gets the old number again, which somebody
        // else may have got meanwhile.
        super::run(manager, &["DROP INDEX token_seq", "CREATE INDEX token_seq ON token (series_id, seq)"])
            .await
    }
}
