//! Step 3: holds, tickets and money.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct Sale;

impl MigrationName for Sale {
    fn name(&self) -> &'static str {
        "m0003_sale"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Sale {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [hold(), payment(), reservation(), wallet(), point_history(), idempotency_key()] {
            manager.create_table(table).await?;
        }
        super::run(
            manager,
            &[
                // Rule 11, the last line behind the rules themselves.
                "CREATE UNIQUE INDEX hold_of_seat ON hold (seat_id) WHERE status = 'ACTIVE'",
                "CREATE UNIQUE INDEX reservation_of_seat ON reservation (seat_id) WHERE status = 'CONFIRMED'",
                "CREATE INDEX hold_due ON hold (expires_at) WHERE status = 'ACTIVE'",
                "CREATE INDEX hold_of_user ON hold (user_id, series_id)",
                "CREATE INDEX reservation_of_user ON reservation (user_id, id)",
                "CREATE INDEX reservation_of_payment ON reservation (payment_id)",
                "CREATE INDEX reservation_of_series ON reservation (series_id) WHERE status = 'CONFIRMED'",
                "CREATE INDEX payment_of_user ON payment (user_id, id)",
                "CREATE UNIQUE INDEX point_history_line ON point_history (user_id, line)",
                "CREATE INDEX point_history_of_payment ON point_history (payment_id)",
            ],
        )
        .await
    }
}

fn hold() -> TableCreateStatement {
    Table::create()
        .table("hold")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(uuid("token_id"))
        .col(uuid("series_id"))
        .col(uuid("seat_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(text("status"))
        .foreign_key(ForeignKey::create().from("hold", "seat_id").to("seat", "id"))
        .foreign_key(ForeignKey::create().from("hold", "token_id").to("token", "id"))
        .to_owned()
}

fn payment() -> TableCreateStatement {
    Table::create()
        .table("payment")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(uuid("series_id"))
        .col(integer("amount"))
        .col(integer("refunded"))
        .col(timestamp_with_time_zone("created_at"))
        .check(Expr::cust("refunded BETWEEN 0 AND amount"))
        .to_owned()
}

fn reservation() -> TableCreateStatement {
    Table::create()
        .table("reservation")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(uuid("series_id"))
        .col(uuid("seat_id"))
        .col(uuid("payment_id"))
        .col(integer("price"))
        .col(text("status"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(ForeignKey::create().from("reservation", "seat_id").to("seat", "id"))
        .foreign_key(ForeignKey::create().from("reservation", "payment_id").to("payment", "id"))
        .to_owned()
}

fn wallet() -> TableCreateStatement {
    Table::create()
        .table("wallet")
        .col(text("user_id").primary_key())
        .col(integer("balance"))
        .col(integer("lines"))
        // Rule 16.
        .check(Expr::cust("balance BETWEEN 0 AND 1000000000"))
        .to_owned()
}

fn point_history() -> TableCreateStatement {
    Table::create()
        .table("point_history")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(integer("line"))
        .col(text("kind"))
        .col(integer("amount"))
        .col(integer("balance_after"))
        .col(uuid_null("payment_id"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(ForeignKey::create().from("point_history", "user_id").to("wallet", "user_id"))
        .foreign_key(ForeignKey::create().from("point_history", "payment_id").to("payment", "id"))
        .to_owned()
}

fn idempotency_key() -> TableCreateStatement {
    Table::create()
        .table("idempotency_key")
        .col(text("user_id"))
        .col(text("key"))
        .col(text("fingerprint"))
        .col(uuid("result_id"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("user_id").col("key"))
        .to_owned()
}
