//! PostgreSQL stands still for longer than the timeout of silence, and goes on: whom the server could not answer was not
//! silent (rule 9).

use chrono::TimeDelta;
use frontrow::clock::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use test_support::{
    Client, PostgresServer, Process, create_series, needs,
    process::{frontrow, identity},
};

const FANS: usize = 4;

struct Fan {
    identity: String,
    place: String,
}

/// By their identity token, so that the server has to ask the database whose place it is.
async fn look(api: &Client, as_whom: &str, fan: &Fan) -> Value {
    let query = "query($place: ID!) { queuePosition(tokenId: $place) { status } }";
    let mut seen = api.answer(as_whom, query, json!({ "place": fan.place })).await.unwrap();
    seen["data"]["queuePosition"]["status"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_answer_while_postgresql_stands_still_is_not_silent() {
    needs!(Postgres);
    let (postgres, folder, clock) = (PostgresServer::start(), tempfile::tempdir().unwrap(), Clock::system());
    let mut command = frontrow(folder.path(), &["--listen", "127.0.0.1:0", "--database-url", &postgres.url]);
    command.arg("--self-service-charging");
    let server = Process::listening(command);
    let (api, admin) = (Client::new(server.address), identity(folder.path(), "root", "ADMIN"));
    let policy = json!({ "maxActive": 1, "heartbeatTimeoutSeconds": 3 });
    let series = create_series(&api, &admin, TimeDelta::minutes(-1), policy).await;
    let identities: Vec<_> =
        (0..FANS).map(|n| identity(folder.path(), &format!("fan-{n}"), "CASHIER")).collect();
    let mut fans = Vec::new();
    for identity in identities {
        let query = "mutation($series: ID!) { issueToken(input: { seriesId: $series }) { tokenId } }";
        let joined = api.call(&identity, query, json!({ "series": series })).await.unwrap();
        let place = joined["issueToken"]["tokenId"].as_str().unwrap().to_owned();
        fans.push(Fan { identity, place });
    }
    let stop = CancellationToken::new();
    let polls = fans.iter().map(async |fan| {
        while !stop.is_cancelled() {
            let status = look(&api, &fan.identity, fan).await;
            assert!(status == "WAITING" || status == "ADMITTED" || status.is_null(), "{status}");
            clock.sleep(TimeDelta::milliseconds(200)).await;
        }
    });
    let freeze = async {
        let frozen = postgres.freeze();
        clock.sleep(TimeDelta::seconds(7)).await;
        drop(frozen);
        // Nobody is ended late for it either.
        clock.sleep(TimeDelta::seconds(2)).await;
        stop.cancel();
    };
    tokio::join!(join_all(polls), freeze);
    for (n, fan) in fans.iter().enumerate() {
        let expected = if n == 0 { "ADMITTED" } else { "WAITING" };
        assert_eq!(look(&api, &admin, fan).await, expected, "{n}");
    }
    // Who really is silent loses the place all the same.
    let end = clock.now() + TimeDelta::minutes(1);
    while look(&api, &admin, &fans[FANS - 1]).await != "EXPIRED" {
        assert!(clock.now() < end, "who is silent keeps the place");
        clock.sleep(TimeDelta::milliseconds(100)).await;
    }
}
