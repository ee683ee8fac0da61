//! Step 5: who has let holds end unpaid.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct Unpaid;

impl MigrationName for Unpaid {
    fn name(&self) -> &'static str {
        "m0005_unpaid"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Unpaid {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("unpaid")
                    .col(uuid("series_id"))
                    .col(text("user_id"))
                    .col(integer("ended"))
                    .col(big_integer("brief_ms"))
                    .col(timestamp_with_time_zone_null("barred_since"))
                    .col(timestamp_with_time_zone_null("barred_until"))
                    .primary_key(Index::create().col("series_id").col("user_id"))
                    .foreign_key(ForeignKey::create().from("unpaid", "series_id").to("series", "id"))
                    .check(Expr::cust("(barred_since IS NULL) = (barred_until IS NULL)"))
                    .to_owned(),
            )
            .await
    }
}
