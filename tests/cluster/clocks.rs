//! The clocks of machines differ by five seconds: that of the database is one for all, and nobody is harmed.

#![cfg(target_os = "linux")]

use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::clock::Clock;
use serde_json::{Value, json};
use test_support::{Client, Process, create_series, ms, needs, now, secs, text, until};

use crate::processes::{Guest, Processes};

const TIMEOUT: i64 = 3;

/// Processes whose machines' clocks are ahead by so many seconds.
async fn with_clocks(ahead: &[i64]) -> Processes {
    let mut processes = Processes::none(None).await;
    let library = processes.folder.path().join("wall.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binary/wall.c");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(compiled.unwrap().success());
    for (number, seconds) in ahead.iter().enumerate() {
        let wall = processes.folder.path().join(format!("wall-{number}"));
        std::fs::write(&wall, seconds.to_string()).unwrap();
        let mut command = processes.command();
        command.env("LD_PRELOAD", &library).env("FRONTROW_TEST_WALL", wall);
        processes.each.push(Process::listening(command));
    }
    processes
}

async fn call(at: &Client, guest: &Guest, query: &str, variables: Value) -> Value {
    at.call(&guest.bearer, query, variables).await.unwrap()
}

fn time(value: &Value) -> DateTime<Utc> {
    text(value).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_by_five_seconds_harm_nobody() {
    needs!(Postgres);
    let processes = with_clocks(&[0, 5, -5]).await;
    let clients: Vec<_> = (0..3).map(|number| processes.client(number)).collect();
    let (admin, organizer) = (processes.identity("root", "ADMIN"), processes.identity("olga", "ORGANIZER"));
    // It opens in a while by the time of the database, and everybody waits in the lobby at whichever process.
    let opens = now() + secs(4);
    let policy = json!({ "maxActive": 6, "heartbeatTimeoutSeconds": TIMEOUT });
    let series = create_series(&clients[1], &organizer, secs(4), policy).await;
    let mut guests = Vec::new();
    for number in 0..6 {
        guests.push(Guest::join(&clients[number % 3], &format!("fan{number}"), &series).await);
    }
    let silent = Guest::join(&clients[2], "silent", &series).await;
    let query = "{ token { position { status admittedUntil } } }";
    // Heard at one process, seen at all of them.
    let begun = now();
    while now() < begun + secs(3 * TIMEOUT) {
        for (number, guest) in guests.iter().enumerate() {
            let asked = now();
            let status = guest.heartbeat(&clients[(number + 1) % 3]).await["status"].take();
            assert!(status == "WAITING" || status == "ADMITTED", "{number}: {status}");
            // The processes' time is that of the database, which is the test's, but for the journey there.
            assert!(status == "WAITING" || now() >= opens - ms(50), "admitted before the sale opens");
            assert!(status == "ADMITTED" || asked <= opens + secs(2), "the sale opens late");
        }
        Clock::system().sleep(ms(250)).await;
    }
    assert_eq!(silent.status(&clients[1], &admin).await, "EXPIRED");
    for (number, guest) in guests.iter().enumerate() {
        let place =
            call(&clients[(number + 2) % 3], guest, query, json!({})).await["token"]["position"].take();
        assert_eq!(place["status"], "ADMITTED");
    }
    buys(&clients, &guests, &series).await;
    processes.audit();
}

/// A hold of one process lasts as long at the others, and is paid for there.
async fn buys(clients: &[Client], guests: &[Guest], series: &str) {
    let seats =
        clients[0].call("", "query($id: ID!) { seats(seriesId: $id) { id } }", json!({ "id": series }));
    let seats = test_support::ids(&seats.await.unwrap()["seats"]);
    for (number, guest) in guests.iter().enumerate() {
        let (here, there) = (&clients[number % 3], &clients[(number + 1) % 3]);
        let hold = "mutation($id: ID!) { holdSeat(input: { seatId: $id }) { hold { createdAt expiresAt } problem { code } } }";
        let before = now();
        let held = call(here, guest, hold, json!({ "id": seats[number] })).await["holdSeat"]["hold"].take();
        let (from, until) = (time(&held["createdAt"]), time(&held["expiresAt"]));
        assert!(from >= before - ms(50) && from <= now() + ms(50), "{before} {held}");
        assert_eq!(until - from, TimeDelta::minutes(5));
        let buy =
            "mutation { charge(input: { amount: 10000, idempotencyKey: \"charge\" }) { problem { code } }
            pay(input: { idempotencyKey: \"pay\" }) { payment { createdAt } problem { code } } }";
        let paid = call(there, guest, buy, json!({})).await;
        let paid = &paid["pay"]["payment"];
        assert!(time(&paid["createdAt"]) >= from, "{held} {paid}");
    }
    let query = "query($id: ID!) { seats(seriesId: $id) { status } }";
    for client in clients {
        until("every process knows of every ticket", async || {
            let seats = client.call("", query, json!({ "id": series })).await.unwrap();
            let sold = seats["seats"].as_array().unwrap().iter().filter(|seat| seat["status"] == "RESERVED");
            sold.count() == guests.len()
        })
        .await;
    }
}
