//! Step 9: what titles are searched by. The rows that are there are filled by `Database::migrate`, in short steps: how a
//! title is folded is a rule of the server's, and SQL has no word for it.

use sea_orm_migration::{prelude::*, schema::*};

pub(super) struct Search;

impl MigrationName for Search {
    fn name(&self) -> &'static str {
        "m0009_search"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Search {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Table::alter().table("concert").add_column(text_null("search_text")).to_owned();
        manager.alter_table(column).await?;
        // So that it takes no time to see that there is nothing to fill.
        super::run(manager, &["CREATE INDEX concert_unfolded ON concert (id) WHERE search_text IS NULL"])
            .await
    }
}
