//! Frontrow's schema, one step a file; the same steps on SQLite and PostgreSQL.
//!
//! A new step goes into a file of its own and at the end of the list; a step that has landed is never changed.

pub use sea_orm_migration::prelude::*;

mod building;
mod catalog;
mod catalogue;
mod commit_order;
mod dates;
mod key_age;
mod ledger_actor;
mod processes;
mod room;
mod sale;
mod search;
mod unpaid;

/// Brings a database up to date.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(catalog::Catalog),
            Box::new(room::Room),
            Box::new(sale::Sale),
            Box::new(processes::Processes),
            Box::new(unpaid::Unpaid),
            Box::new(building::Building),
            Box::new(key_age::KeyAge),
            Box::new(ledger_actor::LedgerActor),
            Box::new(search::Search),
            Box::new(commit_order::CommitOrder),
            Box::new(dates::Dates),
            Box::new(catalogue::Catalogue),
        ]
    }
}

/// Runs statements that read the same on both databases.
async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
