//! Who may work on one PostgreSQL database beside whom.

use frontrow::store::{Claim, Database, Sharing, Unclaimed};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::{services, support::backend::Fresh};

async fn claim(fresh: &Fresh, sharing: Sharing) -> Result<Claim, Unclaimed> {
    Database::connect(&fresh.url).await.unwrap().claim(sharing).await
}

#[tokio::test]
async fn whoever_keeps_rooms_alone_is_alone_and_those_who_share_are_not() {
    let fresh = Fresh::beside(&services::postgres()).await;
    let alone = claim(&fresh, Sharing::Alone).await.unwrap();
    let (second, sharing) = tokio::join!(claim(&fresh, Sharing::Alone), claim(&fresh, Sharing::Together));
    assert!(matches!(second, Err(Unclaimed::Taken(Sharing::Alone))), "{second:?}");
    assert!(matches!(sharing, Err(Unclaimed::Taken(Sharing::Together))), "{sharing:?}");
    // Another database of the same server is another matter.
    let other = Fresh::beside(&services::postgres()).await;
    claim(&other, Sharing::Alone).await.unwrap().release().await;

    alone.release().await;
    let first = claim(&fresh, Sharing::Together).await.unwrap();
    let second = claim(&fresh, Sharing::Together).await.unwrap();
    assert!(matches!(claim(&fresh, Sharing::Alone).await, Err(Unclaimed::Taken(_))));
    first.release().await;
    second.release().await;
    claim(&fresh, Sharing::Alone).await.unwrap().release().await;
}

/// Ends the session that holds the claim, as a restart of PostgreSQL does, once `waiting` others wait for it.
async fn end_session(fresh: &Fresh, waiting: u64) {
    let admin = sea_orm::Database::connect(&fresh.url).await.unwrap();
    let locks = "FROM pg_locks WHERE locktype = 'advisory' \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let waits = format!("SELECT pid {locks} AND NOT granted");
    while admin
        .execute_raw(Statement::from_string(DbBackend::Postgres, waits.clone()))
        .await
        .unwrap()
        .rows_affected()
        < waiting
    {}
    admin.execute_unprepared(&format!("SELECT pg_terminate_backend(pid) {locks} AND granted")).await.unwrap();
    admin.close().await.unwrap();
}

#[tokio::test]
async fn a_claim_that_is_lost_is_made_again_unless_somebody_was_faster() {
    let fresh = Fresh::beside(&services::postgres()).await;
    let first = claim(&fresh, Sharing::Alone).await.unwrap();
    // Whoever waits already is the next.
    let (between, ()) = tokio::join!(claim(&fresh, Sharing::Together), end_session(&fresh, 1));
    let between = between.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(30), first.lost().cancelled()).await.unwrap();
    between.release().await;

    let first = claim(&fresh, Sharing::Alone).await.unwrap();
    end_session(&fresh, 0).await;
    let pulses = std::time::Duration::from_secs(4);
    assert!(tokio::time::timeout(pulses, first.lost().cancelled()).await.is_err());
    assert!(matches!(claim(&fresh, Sharing::Alone).await, Err(Unclaimed::Taken(_))));
    first.release().await;
    claim(&fresh, Sharing::Alone).await.unwrap().release().await;
}
