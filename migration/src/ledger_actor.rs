//! Who charged a wallet, where that was not its owner: null in every line from before.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct LedgerActor;

impl MigrationName for LedgerActor {
    fn name(&self) -> &'static str {
        "m0008_ledger_actor"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for LedgerActor {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let actor = Table::alter().table("point_history").add_column(text_null("actor_id")).to_owned();
        manager.alter_table(actor).await
    }
}
