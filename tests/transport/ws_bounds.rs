//! What a socket may take: time, operations, bytes, and nothing from anybody else.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::{
    raw::{Frame, PROTOCOL, Raw},
    toy::Toy,
};

#[test]
fn no_init_in_time_is_4408() {
    let toy = Toy::with(|limits| limits.init_timeout = Duration::from_millis(20));
    let mut raw = Raw::open(toy.address);
    assert_eq!(raw.read(), Frame::Close(4408));
}

#[test]
fn a_client_that_keeps_talking_without_init_is_4408_too() {
    let toy = Toy::with(|limits| {
        limits.init_timeout = Duration::from_millis(100);
        limits.sign_rate = None;
    });
    let mut raw = Raw::open(toy.address);
    loop {
        raw.send(r#"{"type":"ping"}"#);
        match raw.read() {
            Frame::Text(pong) => assert_eq!(pong, json!({ "type": "pong" })),
            frame => return assert_eq!(frame, Frame::Close(4408)),
        }
    }
}

#[test]
fn a_client_that_does_not_answer_pings_is_closed() {
    let toy = Toy::with(|limits| {
        limits.ping_interval = Duration::from_millis(20);
        limits.pong_timeout = Duration::from_millis(20);
    });
    let mut raw = Raw::ready(toy.address);
    assert_eq!(raw.read(), Frame::Ping);
    assert_eq!(raw.read(), Frame::Close(1011));
}

#[test]
fn a_client_that_only_receives_and_answers_pings_lives() {
    let toy = Toy::with(|limits| {
        limits.ping_interval = Duration::from_millis(20);
        // Long enough for a busy machine; each ping would end the socket if its pong were not noticed.
        limits.pong_timeout = Duration::from_secs(10);
    });
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", "subscription { forever }");
    for _ in 0..5 {
        assert_eq!(raw.read(), Frame::Ping);
        raw.send_frame(10, b"");
    }
    raw.subscribe("2", "{ hello }");
    while raw.read() == Frame::Ping {
        raw.send_frame(10, b"");
    }
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 1);
}

#[test]
fn a_socket_runs_a_bounded_number_of_operations() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    for id in 0..16 {
        raw.subscribe(&id.to_string(), "subscription { forever }");
    }
    raw.subscribe("one more", "{ hello }");
    let error = raw.message();
    assert_eq!((error["type"].as_str(), error["id"].as_str()), (Some("error"), Some("one more")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
    raw.complete("3");
    raw.subscribe("one more", "{ hello }");
    assert_eq!(raw.message()["type"], "next");
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 15);
}

#[test]
fn a_big_message_is_1009() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    let ping = |bytes| json!({ "type": "ping", "payload": { "x": "x".repeat(bytes) } }).to_string();
    raw.send(&ping(200 << 10));
    assert_eq!(raw.message()["type"], "pong");
    raw.send(&ping(256 << 10));
    assert_eq!(raw.read(), Frame::Close(1009));
}

#[test]
fn a_document_beyond_the_limits_is_an_error() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", &format!("{}hello{}", "{ this ".repeat(50), "}".repeat(50)));
    let error = raw.message();
    assert_eq!(
        (error["type"].as_str(), &error["payload"][0]["extensions"]["code"]),
        (Some("error"), &json!("QUERY_TOO_COMPLEX"))
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let toy = Toy::behind(|door| door.least.stall = Duration::from_millis(50), |_| {});
    let mut slow = Raw::ready(toy.address);
    slow.subscribe("1", "subscription { flood(bytes: 1000000) }");
    toy.all_sockets_gone().await;
}

#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    // The slow one is kept for the whole test, on the only worker thread that the server has.
    let toy = Toy::behind(|door| door.least.stall = Duration::from_secs(3600), |_| {});
    let mut slow = Raw::ready(toy.address);
    slow.subscribe("1", "subscription { flood(bytes: 1000000) }");
    let mut other = Raw::ready(toy.address);
    other.subscribe("1", "subscription { count(to: 1000) }");
    for number in 1..=1000 {
        assert_eq!(other.message()["payload"], json!({ "data": { "count": number } }));
    }
    assert_eq!(toy.sockets.len(), 2);
}

#[tokio::test]
async fn shutdown_closes_every_socket_with_1001() {
    let toy = Toy::start();
    let mut sockets = [Raw::open(toy.address), Raw::ready(toy.address), Raw::ready(toy.address)];
    sockets[2].subscribe("1", "subscription { forever }");
    sockets[2].subscribe("2", "{ hello }");
    assert_eq!(sockets[2].message()["type"], "next");
    assert_eq!(sockets[2].message()["type"], "complete");
    toy.shutdown.cancel();
    for raw in &mut sockets {
        assert_eq!(raw.read(), Frame::Close(1001));
    }
    assert!(Raw::ask(toy.address, PROTOCOL).is_err_and(|head| head.starts_with("HTTP/1.1 503")));
    drop(sockets);
    toy.all_sockets_gone().await;
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 0);
}

#[test]
fn sockets_are_counted() {
    let toy = Toy::with(|limits| limits.sockets = 1);
    let _first = Raw::ready(toy.address);
    assert!(Raw::ask(toy.address, PROTOCOL).is_err_and(|head| head.starts_with("HTTP/1.1 503")));
}
