//! Who may work on one PostgreSQL database beside whom.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use frontrow::store::{Claim, Database, Sharing, Unclaimed};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use test_support::{FreshDatabase, PostgresServer, needs, postgres_url, until};

async fn claim(fresh: &FreshDatabase, sharing: Sharing) -> Result<Claim, Unclaimed> {
    claim_at(&fresh.url, sharing).await
}

async fn claim_at(url: &str, sharing: Sharing) -> Result<Claim, Unclaimed> {
    Database::connect(url).await.unwrap().claim(sharing).await
}

#[tokio::test]
async fn whoever_keeps_rooms_alone_is_alone_and_those_who_share_are_not() {
    needs!(Postgres);
    let fresh = FreshDatabase::beside(&postgres_url()).await;
    let alone = claim(&fresh, Sharing::Alone).await.unwrap();
    let (second, sharing) = tokio::join!(claim(&fresh, Sharing::Alone), claim(&fresh, Sharing::Together));
    assert!(matches!(second, Err(Unclaimed::Taken(Sharing::Alone))), "{second:?}");
    assert!(matches!(sharing, Err(Unclaimed::Taken(Sharing::Together))), "{sharing:?}");
    // Another database of the same server is another matter.
    let other = FreshDatabase::beside(&postgres_url()).await;
    claim(&other, Sharing::Alone).await.unwrap().release().await;

    alone.release().await;
    let first = claim(&fresh, Sharing::Together).await.unwrap();
    let second = claim(&fresh, Sharing::Together).await.unwrap();
    assert!(matches!(claim(&fresh, Sharing::Alone).await, Err(Unclaimed::Taken(_))));
    first.release().await;
    second.release().await;
    claim(&fresh, Sharing::Alone).await.unwrap().release().await;
}

/// The advisory locks of this database.
const LOCKS: &str = "FROM pg_locks WHERE locktype = 'advisory' \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Ends the session that holds the claim, as a restart of PostgreSQL does, once `waiting` others wait for it.
async fn end_session(fresh: &FreshDatabase, waiting: u64) {
    let admin = sea_orm::Database::connect(&fresh.url).await.unwrap();
    let waits = format!("SELECT pid {LOCKS} AND NOT granted");
    while admin
        .execute_raw(Statement::from_string(DbBackend::Postgres, waits.clone()))
        .await
        .unwrap()
        .rows_affected()
        < waiting
    {}
    admin.execute_unprepared(&format!("SELECT pg_terminate_backend(pid) {LOCKS} AND granted")).await.unwrap();
    admin.close().await.unwrap();
}

#[tokio::test]
async fn a_claim_that_is_lost_is_made_again_unless_somebody_was_faster() {
    needs!(Postgres);
    let fresh = FreshDatabase::beside(&postgres_url()).await;
    let first = claim(&fresh, Sharing::Alone).await.unwrap();
    // Whoever waits already is the next.
    let (between, ()) = tokio::join!(claim(&fresh, Sharing::Together), end_session(&fresh, 1));
    let between = between.unwrap();
    tokio::time::timeout(Duration::from_secs(30), first.lost().cancelled()).await.unwrap();
    between.release().await;

    let first = claim(&fresh, Sharing::Alone).await.unwrap();
    end_session(&fresh, 0).await;
    let pulses = Duration::from_secs(4);
    assert!(tokio::time::timeout(pulses, first.lost().cancelled()).await.is_err());
    assert!(matches!(claim(&fresh, Sharing::Alone).await, Err(Unclaimed::Taken(_))));
    first.release().await;
    claim(&fresh, Sharing::Alone).await.unwrap().release().await;
}

/// Waits until there is one that has the lock (`granted`), or waits for it, and that is not `known`; its process at
/// PostgreSQL.
async fn at_lock(admin: &DatabaseConnection, granted: bool, known: Option<i32>) -> i32 {
    let text = format!("SELECT pid {LOCKS} AND granted = {granted}");
    let mut pid = None;
    until("another session is at the lock", async || {
        let query = Statement::from_string(DbBackend::Postgres, text.clone());
        pid = admin.query_one_raw(query).await.unwrap().map(|row| row.try_get_by_index(0).unwrap());
        pid.is_some() && pid != known
    })
    .await;
    pid.unwrap()
}

/// A way to PostgreSQL on which everything that is connected can be cut off so that neither end is told. Connections
/// that are made afterwards work.
struct Wire {
    url: String,
    cut: Arc<Mutex<CancellationToken>>,
}

impl Wire {
    async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap().to_string();
        let far = url.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        let (url, cut) = (url.replace(&far, &near), Arc::new(Mutex::new(CancellationToken::new())));
        let cutting = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&far).await.unwrap();
                let cut = cutting.lock().unwrap().clone();
                tokio::spawn(async move {
                    let carrying = tokio::io::copy_bidirectional(&mut near, &mut far);
                    if cut.run_until_cancelled(carrying).await.is_none() {
                        // Open, and nothing passes any more.
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { url, cut }
    }

    fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }
}

#[tokio::test]
async fn a_claim_whose_session_was_cut_off_is_not_taken_by_its_own_past() {
    needs!(Postgres);
    let fresh = FreshDatabase::beside(&postgres_url()).await;
    let wire = Wire::to(&fresh.url).await;
    let held = claim_at(&wire.url, Sharing::Alone).await.unwrap();
    let admin = sea_orm::Database::connect(&fresh.url).await.unwrap();
    let past = at_lock(&admin, true, None).await;
    // PostgreSQL does not notice: to its end the past session would hold the lock.
    wire.cut();
    tokio::select! {
        _ = at_lock(&admin, true, Some(past)) => {}
        () = held.lost().cancelled_owned() => panic!("it was taken for another process"),
    }
    assert!(matches!(claim(&fresh, Sharing::Alone).await, Err(Unclaimed::Taken(_))));
    held.release().await;
    claim(&fresh, Sharing::Alone).await.unwrap().release().await;
}

/// Sends a signal to a process.
fn signal(pid: i32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn a_session_that_postgresql_cannot_end_yet_is_waited_for() {
    needs!(Postgres);
    let postgres = PostgresServer::start();
    let held = claim_at(&postgres.url, Sharing::Alone).await.unwrap();
    let admin = sea_orm::Database::connect(&postgres.url).await.unwrap();
    let past = at_lock(&admin, true, None).await;
    signal(past, "STOP");
    let wait_twice = async {
        let first = at_lock(&admin, false, None).await;
        at_lock(&admin, false, Some(first)).await;
    };
    tokio::select! {
        () = wait_twice => {}
        () = held.lost().cancelled_owned() => panic!("it was taken for another process"),
    }
    signal(past, "CONT");
    at_lock(&admin, true, Some(past)).await;
    assert!(!held.lost().is_cancelled());
    held.release().await;
}
