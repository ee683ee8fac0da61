//! Step 12: a number that grows with the catalogue, by which one process knows that another has changed it.
//!
//! Triggers count, so what processes of the version before create is counted too while both run. Only on PostgreSQL: on
//! SQLite there is one process, which knows what it has created. Whoever creates a concert has the only lock on that
//! already, and a date is shown by a transaction of a few rows; so the row of the number keeps nobody waiting for long.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

const STATEMENTS: [&str; 5] = [
    "CREATE TABLE catalogue (version bigint NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO catalogue (version) VALUES (1)",
    // By a step that is drawn: where a backup or a replica has lost the last of it, what comes then has another number.
    "CREATE FUNCTION count_catalogue() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS \
     $$ BEGIN UPDATE catalogue SET version = version + 1 + floor(random() * 1000000)::bigint; RETURN NULL; END $$",
    "CREATE TRIGGER counts AFTER INSERT OR UPDATE OR DELETE ON concert \
     FOR EACH STATEMENT EXECUTE FUNCTION count_catalogue()",
    // A date is there from when it is ready. What changes of it then is told by its own version.
    "CREATE TRIGGER counts AFTER UPDATE OF stage ON series FOR EACH STATEMENT EXECUTE FUNCTION count_catalogue()",
];

pub(super) struct Catalogue;

impl MigrationName for Catalogue {
    fn name(&self) -> &'static str {
        "m0012_catalogue"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Catalogue {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => super::run(manager, &STATEMENTS).await,
            _ => Ok(()),
        }
    }
}
