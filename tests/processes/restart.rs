//! PostgreSQL crashes in the middle of a sale, and comes back (rule 19). The server goes on by itself, and what it has
//! acknowledged is there.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    api::{Api, create_series},
    fan::{Count, Door, Fan},
    own_postgres::OwnPostgres,
    seed::{dice, some_of},
    server::{Server, frontrow, identity, out, run},
};

const FANS: usize = 100;
const SEATS: usize = 50;

const CRASHES: usize = 4;

/// PostgreSQL crashes when so many mutations were acknowledged: the first hundred are the joins, then there are at
/// least two hundred charges, holds and payments.
const MOMENTS: Range<usize> = 1..260;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sale_outlives_four_crashes_of_postgresql() {
    let moments = some_of(&mut dice(), MOMENTS, CRASHES);
    let (postgres, folder) = (Arc::new(OwnPostgres::start()), tempfile::tempdir().unwrap());
    let database = ["--database-url", &postgres.url];
    let mut command = frontrow(folder.path(), &["--listen", "127.0.0.1:0"]);
    command.args(["--open-identities", "--self-service-charging"]).args(database);
    let server = Server::listening(command);
    let (api, count) = (Api::new(server.address), Arc::new(Count::new(moments)));
    let door = Arc::new(Door::new(vec![api.clone()], Duration::from_millis(50)));
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": 20, "maxSeatsPerUser": 1 });
    let series = create_series(&api, &organizer, TimeDelta::minutes(-1), policy).await;

    let sale = async {
        let mut fans: Vec<_> = (0..FANS).map(|number| Fan::new(number, &door, &count)).collect();
        join_all(fans.iter_mut().map(|fan| fan.join(&series))).await;
        join_all(fans.iter_mut().map(Fan::buy)).await;
        fans
    };
    let crashes = async {
        for _ in 0..CRASHES {
            count.moment().await;
            let postgres = Arc::clone(&postgres);
            tokio::task::spawn_blocking(move || postgres.crash_and_start()).await.unwrap();
        }
    };
    let (fans, ()) = tokio::join!(sale, crashes);

    join_all(fans.iter().map(Fan::is_there)).await;
    assert_eq!(fans.iter().filter(|fan| fan.paid.is_some()).count(), SEATS);
    // The server itself never went away; and were it not for UNAVAILABLE the test would have shown little.
    assert_eq!(count.unanswered.load(Ordering::SeqCst), 0);
    assert!(count.unavailable.load(Ordering::SeqCst) > 0);
    let audit = run(folder.path(), &["--database-url", &postgres.url, "audit"]);
    assert_eq!(out(&audit), "every invariant holds\n");
    server.terminate();
    assert!(server.ended().0.success());
}
