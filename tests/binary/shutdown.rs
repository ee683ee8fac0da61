//! SIGTERM while sockets are open and mutations are on their way.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use test_support::{
    Client, Incoming, Moments, Process, Socket, Witness, create_series, ids,
    process::{audit_is_clean, identity},
};

const FANS: usize = 20;

/// How many charges are answered before the signal.
const BEFORE: usize = 100;

const CHARGE: &str =
    "mutation($key: String!) { charge(input: { amount: 1, idempotencyKey: $key }) { entry { id } } }";

/// Calls the operator once enough charges were answered.
struct Count {
    answered: std::sync::atomic::AtomicUsize,
    enough: Notify,
}

impl Count {
    fn answered(&self) {
        if self.answered.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == BEFORE {
            self.enough.notify_one();
        }
    }
}

/// Charges over HTTP until the server is gone; the lines that were told.
async fn charge(api: Client, fan: &Witness, count: &Count) -> Vec<String> {
    let mut lines = Vec::new();
    while let Ok(done) = api.call(&fan.token, CHARGE, json!({ "key": format!("http-{}", lines.len()) })).await
    {
        lines.push(done["charge"]["entry"]["id"].as_str().unwrap().to_owned());
        count.answered();
    }
    lines
}

/// Watches the place and charges over one socket until it is closed; the lines that were told.
async fn charge_and_watch(api: Client, fan: &Witness, count: &Count) -> Vec<String> {
    let mut socket = Socket::open(api.address(), &fan.token).await.unwrap();
    socket.subscribe("place", "subscription { queuePosition { position } }", json!({})).await.unwrap();
    let mut lines = Vec::new();
    let mut next = 0;
    loop {
        // The charge that follows may find the socket closed: that is told by what is read.
        let _ = socket.subscribe(&next.to_string(), CHARGE, json!({ "key": format!("socket-{next}") })).await;
        loop {
            match socket.next().await {
                Incoming::Next(data) if data["charge"].is_object() => {
                    lines.push(data["charge"]["entry"]["id"].as_str().unwrap().to_owned());
                    count.answered();
                }
                Incoming::Next(_) => {}
                Incoming::Complete => break,
                Incoming::Close(code) => {
                    assert_eq!(code, 1001, "come back later");
                    return lines;
                }
                Incoming::Cut => panic!("the socket was cut without a word"),
            }
        }
        next += 1;
    }
}

#[tokio::test]
async fn sigterm_finishes_what_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::open(folder.path());
    let api = Client::new(server.address);
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let series = create_series(&api, &organizer, TimeDelta::minutes(-1), json!({ "maxActive": 5 })).await;
    let never = Moments::never();
    let mut fans: Vec<_> = (0..FANS).map(|number| Witness::new(number, &series)).collect();
    for fan in &mut fans {
        fan.join(&api, &never).await.unwrap();
    }

    let count = Arc::new(Count { answered: Default::default(), enough: Notify::new() });
    let signal = async {
        count.enough.notified().await;
        server.terminate();
    };
    let charging = join_all(fans.iter().map(|fan| {
        join(charge(Client::new(server.address), fan, &count), charge_and_watch(api.clone(), fan, &count))
    }));
    let (told, ()) = join(charging, signal).await;

    let (status, said) = server.ended();
    assert_eq!(status.code(), Some(0), "{said:?}");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
    audit_is_clean(folder.path());

    // What was told is there, and what was not told was not accepted.
    let server = Process::open(folder.path());
    let api = Client::new(server.address);
    for (fan, (by_http, by_socket)) in fans.iter().zip(told) {
        let mut told = [by_http, by_socket].concat();
        told.sort_unstable();
        assert_eq!(ledger(&api, &fan.token).await, told, "{}", fan.user);
    }
}

/// The ids of all lines of the caller's ledger, in order of the ids.
async fn ledger(api: &Client, token: &str) -> Vec<String> {
    let query = "query($after: String) { points { history(first: 100, after: $after) {
        nodes { id } pageInfo { hasNextPage endCursor } } } }";
    let (mut lines, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = api.call(token, query, json!({ "after": after })).await.unwrap();
        let history = &page["points"]["history"];
        lines.extend(ids(&history["nodes"]));
        if history["pageInfo"]["hasNextPage"] == false {
            lines.sort_unstable();
            return lines;
        }
        after = history["pageInfo"]["endCursor"].clone();
    }
}
