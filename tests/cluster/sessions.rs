//! The sessions that a process has with PostgreSQL: nothing waits there for ever, and what is asked again is
//! not parsed again.

use frontrow::{
    clock::{Clock, Entropy},
    store::Database,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use test_support::{FreshDatabase, needs, postgres_url, until};

use crate::houses::{Houses, fan, key};

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

/// How often a prepared statement of the session that is like this was carried out, if there is one.
async fn carried_out(session: &impl ConnectionTrait, like: &str) -> Option<i64> {
    let query = format!(
        "SELECT MAX(generic_plans + custom_plans) FROM pg_prepared_statements WHERE statement LIKE '{like}'"
    );
    let row = session.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
    row.and_then(|row| row.try_get_by_index(0).unwrap())
}

#[tokio::test]
async fn whoever_reads_and_whoever_writes_does_not_wait_for_ever() {
    needs!(Postgres);
    let fresh = FreshDatabase::beside(&postgres_url()).await;
    let database = Database::connect(&fresh.url).await.unwrap();
    let (reads, writes) = (database.reader(), database.begin().await.unwrap());
    assert_eq!(settings(reads).await, ["10s", "5s", "10s"]);
    assert_eq!(settings(&writes).await, ["10s", "2s", "1s"]);
}

/// Whichever session of a pool it is: sooner or later one gets what it has had.
#[tokio::test]
async fn what_is_read_and_written_again_is_not_parsed_again() {
    needs!(Postgres);
    let houses = Houses::open(1).await;
    let (house, fan) = (&houses.each[0], fan(1));
    let (clock, entropy) = (Clock::system(), Entropy::system());
    until("a session reads by the same statement again", async || {
        house.wallet(&fan, None).await.unwrap();
        carried_out(house.database().reader(), "SELECT %FROM \"wallet\"%").await > Some(1)
    })
    .await;
    until("a session writes by the same statement again", async || {
        house.charge(&fan, None, 1, key(&entropy.id(clock.now()).to_string())).await.unwrap();
        carried_out(&house.database().begin().await.unwrap(), "%INSERT INTO point_history%").await > Some(1)
    })
    .await;
}
