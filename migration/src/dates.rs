//! Step 11: a date lives in memory, and the database is its lock, its order and its journal.
//!
//! What only memory needs is no longer written: foreign keys among rows that are written all the time, indexes that
//! nothing is looked up by, and what a table said a second time. Processes of the version before name the columns that
//! go, so they fail instead of writing past the head of a date.

mod heads;
mod lean;
mod rebuilt;

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

pub(super) struct Dates;

impl MigrationName for Dates {
    fn name(&self) -> &'static str {
        "m0011_dates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Dates {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sale_head(manager.get_database_backend())).await?;
        manager.create_table(sale_log()).await?;
        manager.create_table(presence()).await?;
        // From what the columns say that go below.
        heads::fill(manager).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            // Neither is made smaller by compression, which is tried from two kilobytes on.
            let stored = [
                "ALTER TABLE sale_log ALTER COLUMN events SET STORAGE EXTERNAL",
                "ALTER TABLE presence ALTER COLUMN heard SET STORAGE EXTERNAL",
            ];
            super::run(manager, &stored).await?;
            lean::make(manager).await
        } else {
            rebuilt::make(manager).await
        }
    }
}

/// What is written with every commit of a date.
fn sale_head(backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("sale_head")
        .col(uuid("series_id").primary_key())
        .col(big_integer("version"))
        .col(uuid("head"))
        .col(timestamp_with_time_zone("last_at"))
        .col(timestamp_with_time_zone_null("next_due"))
        .col(integer("seats_version"))
        .col(integer("reserved_count"))
        .col(big_integer("next_seq"))
        .col(timestamp_with_time_zone_null("drawn_at"))
        .col(timestamp_with_time_zone_null("closed_at"))
        .col(text_null("lobby_hash"))
        .check(Expr::cust("reserved_count >= 0"));
    if backend == DbBackend::Postgres {
        // Room on its page for the next versions of the row, which no index has to hear of then.
        table.extra("WITH (fillfactor = 10)");
    }
    table
}

/// Has no index beside its key. Lines of a date get older with their version, so who forgets old ones finds them at the
/// front of the key.
fn sale_log() -> TableCreateStatement {
    Table::create()
        .table("sale_log")
        .col(uuid("series_id"))
        .col(big_integer("version"))
        .col(uuid("head"))
        .col(timestamp_with_time_zone("at"))
        .col(integer("format"))
        .col(blob("events"))
        .primary_key(Index::create().col("series_id").col("version"))
        .to_owned()
}

/// Read by the date, written by the process.
fn presence() -> TableCreateStatement {
    Table::create()
        .table("presence")
        .col(uuid("process"))
        .col(uuid("series_id"))
        .col(timestamp_with_time_zone("at"))
        .col(blob("heard"))
        .primary_key(Index::create().col("series_id").col("process"))
        .to_owned()
}
