//! PostgreSQL crashes in the middle of a sale, and comes back (rule 19). The server goes on by itself, and what it has
//! acknowledged is there.

use std::{ops::Range, sync::Arc};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use test_support::{
    Client, Moments, PostgresServer, Process, Witness, create_series, entropy, ms, needs,
    process::{frontrow, identity, out, run},
    some_of,
};

const FANS: usize = 100;
const SEATS: usize = 50;

const CRASHES: usize = 4;

/// PostgreSQL crashes when so many mutations were acknowledged: the first hundred are the joins, then there are at
/// least two hundred charges, holds and payments.
const MOMENTS: Range<usize> = 1..260;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sale_outlives_four_crashes_of_postgresql() {
    needs!(Postgres);
    let moments = some_of(&mut entropy(), MOMENTS, CRASHES);
    let (postgres, folder) = (Arc::new(PostgresServer::start()), tempfile::tempdir().unwrap());
    let database = ["--database-url", &postgres.url];
    let mut command = frontrow(folder.path(), &["--listen", "127.0.0.1:0"]);
    command.args(["--open-identities", "--self-service-charging"]).args(database);
    let server = Process::listening(command);
    let (client, moments) = (Client::of_all(vec![server.address], ms(50)), Moments::at(moments));
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": 20, "maxSeatsPerUser": 1 });
    let series = create_series(&client, &organizer, TimeDelta::minutes(-1), policy).await;

    let sale = async {
        let mut fans: Vec<_> = (0..FANS).map(|number| Witness::new(number, &series)).collect();
        join_all(fans.iter_mut().map(|fan| fan.join(&client, &moments))).await;
        let buying = fans.iter_mut().map(async |fan| {
            fan.charge(&client, &moments).await.unwrap();
            fan.buy(&client, &moments).await.unwrap();
        });
        join_all(buying).await;
        fans
    };
    let crashes = async {
        for _ in 0..CRASHES {
            moments.next().await;
            let postgres = Arc::clone(&postgres);
            tokio::task::spawn_blocking(move || postgres.crash_and_start()).await.unwrap();
        }
    };
    let (fans, ()) = tokio::join!(sale, crashes);

    join_all(fans.iter().map(|fan| fan.is_there(&client))).await;
    assert_eq!(fans.iter().filter(|fan| fan.pay.answer().is_some()).count(), SEATS);
    // The server itself never went away; and were it not for UNAVAILABLE the test would have shown little.
    let (unavailable, unanswered) = client.made_again();
    assert!(unavailable > 0 && unanswered == 0, "{unavailable} unavailable, {unanswered} unanswered");
    let audit = run(folder.path(), &["--database-url", &postgres.url, "audit"]);
    assert_eq!(out(&audit), "every invariant holds\n");
    server.terminate();
    assert!(server.ended().0.success());
}
