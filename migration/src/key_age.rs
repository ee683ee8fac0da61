//! Step 7: how old idempotency keys are, so that those past their age are found.

use sea_orm_migration::prelude::*;

pub(super) struct KeyAge;

impl MigrationName for KeyAge {
    fn name(&self) -> &'static str {
        "m0007_key_age"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for KeyAge {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, &["CREATE INDEX idempotency_key_age ON idempotency_key (created_at)"]).await
    }
}
