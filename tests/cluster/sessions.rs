//! The sessions that a process has with PostgreSQL: nothing waits there for ever, and what is asked again is
//! not parsed again.

use frontrow::{
    clock::{Clock, Dice},
    domain::{id::UserId, sale::Command, text::IdempotencyKey},
    store::{Database, sale::commit},
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use test_support::{FreshDatabase, needs, postgres_url, until};

async fn text(session: &impl ConnectionTrait, query: &str) -> String {
    let query = Statement::from_string(DbBackend::Postgres, query);
    session.query_one_raw(query).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Every setting that keeps a stuck session from holding up the sale.
async fn settings(session: &impl ConnectionTrait) -> [String; 3] {
    [
        text(session, "SHOW statement_timeout").await,
        text(session, "SHOW lock_timeout").await,
        text(session, "SHOW idle_in_transaction_session_timeout").await,
    ]
}

/// How often the prepared statement of the session that reads this table was carried out, if there is one.
async fn carried_out(session: &impl ConnectionTrait, table: &str) -> Option<i64> {
    let query = format!(
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements
         WHERE statement LIKE 'SELECT %FROM \"{table}\"%'"
    );
    let row = session.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
    row.map(|row| row.try_get_by_index(0).unwrap())
}

#[tokio::test]
async fn whoever_reads_and_whoever_writes_does_not_wait_for_ever() {
    needs!(Postgres);
    let fresh = FreshDatabase::beside(&postgres_url()).await;
    let database = Database::connect(&fresh.url).await.unwrap();
    let (reads, writes) = (database.reader(), database.begin().await.unwrap());
    assert_eq!(settings(reads).await, ["10s", "5s", "10s"]);
    assert_eq!(settings(&writes).await, ["10s", "5s", "10s"]);
}

/// Whichever session of a pool it is: sooner or later one gets what it has had.
#[tokio::test]
async fn what_is_read_and_written_again_is_not_parsed_again() {
    needs!(Postgres);
    let fresh = FreshDatabase::beside(&postgres_url()).await;
    let database = Database::connect(&fresh.url).await.unwrap();
    database.migrate().await.unwrap();
    let user = UserId::try_new("fan").unwrap();
    let (clock, dice) = (Clock::system(), Dice::system());
    until("a session reads by the same statement again", async || {
        database.wallet(&user).await.unwrap();
        carried_out(database.reader(), "wallet").await > Some(1)
    })
    .await;
    until("a session writes by the same statement again", async || {
        let (caller, wallet, key) =
            (user.clone(), user.clone(), IdempotencyKey::from_stored(&dice.id(clock.now()).to_string()));
        let charge = Command::Charge { caller, wallet, amount: 1, key };
        commit(&database, &[charge], &clock, &dice).await.unwrap();
        carried_out(&database.begin().await.unwrap(), "wallet").await > Some(1)
    })
    .await;
}
