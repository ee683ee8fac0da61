//! The WebSocket: operations, close codes, and who may open one.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::{
    raw::{Frame, PROTOCOL, Raw},
    toy::Toy,
};

fn code(error: &Value) -> &str {
    error["payload"][0]["extensions"]["code"].as_str().expect("a code")
}

/// Opens a socket, sends these texts and expects this close code, after any number of messages.
#[track_caller]
fn expect_close(toy: &Toy, texts: &[&str], code: u16) {
    let mut raw = Raw::open(toy.address);
    for text in texts {
        raw.send(text);
    }
    loop {
        match raw.read() {
            Frame::Text(_) => {}
            frame => return assert_eq!(frame, Frame::Close(code), "{texts:?}"),
        }
    }
}

const INIT: &str = r#"{"type":"connection_init"}"#;
const FOREVER: &str = r#"{"type":"subscribe","id":"1","payload":{"query":"subscription { forever }"}}"#;

#[test]
fn queries_mutations_and_subscriptions_run() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("q", "{ hello }");
    assert_eq!(
        raw.message(),
        json!({ "type": "next", "id": "q", "payload": { "data": { "hello": "Hello, world" } } })
    );
    assert_eq!(raw.message(), json!({ "type": "complete", "id": "q" }));
    raw.subscribe("m", "mutation { bump }");
    assert_eq!(raw.message()["payload"], json!({ "data": { "bump": 1 } }));
    assert_eq!(raw.message()["type"], "complete");
    raw.subscribe("s", "subscription { count(to: 2) }");
    assert_eq!(raw.message()["payload"], json!({ "data": { "count": 1 } }));
    assert_eq!(raw.message()["payload"], json!({ "data": { "count": 2 } }));
    assert_eq!(raw.message(), json!({ "type": "complete", "id": "s" }));
    // The id is free again.
    raw.subscribe("s", "{ hello }");
    assert_eq!(raw.message()["type"], "next");
}

#[test]
fn what_is_not_executed_is_an_error_without_complete() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    for query in [
        "{ nothing }",
        "{ hello",
        "subscription { nothing }",
        "subscription { count(to: \"x\") }",
        "subscription { count(to: 1) again: count(to: 1) }",
    ] {
        raw.subscribe("1", query);
        let error = raw.message();
        assert_eq!((error["type"].as_str(), code(&error)), (Some("error"), "BAD_USER_INPUT"), "{query}");
        raw.send(r#"{"type":"ping"}"#);
        assert_eq!(raw.message(), json!({ "type": "pong" }), "nothing follows the error");
    }
}

#[test]
fn a_subscription_has_one_field_however_it_is_selected() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    for none in [
        "subscription { __typename }",
        "subscription { count(to: 1) @skip(if: true) }",
        "subscription { ...F @include(if: false) } fragment F on Subscriptions { count(to: 1) }",
    ] {
        raw.subscribe("1", none);
        let error = raw.message();
        assert_eq!((error["type"].as_str(), code(&error)), (Some("error"), "BAD_USER_INPUT"), "{none}");
    }
    for one in [
        "subscription { ...F } fragment F on Subscriptions { n: count(to: 1) }",
        "subscription { ... { n: count(to: 1) @skip(if: false) } }",
        "subscription ($v: Int = 1) { n: count(to: $v) }",
    ] {
        raw.subscribe("1", one);
        assert_eq!(raw.message()["payload"], json!({ "data": { "n": 1 } }), "{one}");
        assert_eq!(raw.message()["type"], "complete");
    }
}

#[test]
fn errors_of_resolvers_come_with_data() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    for (query, code) in [
        ("{ refuse }", "NOT_FOUND"),
        ("subscription { refuse }", "NOT_FOUND"),
        ("{ fail }", "INTERNAL"),
        ("subscription { fail }", "INTERNAL"),
    ] {
        raw.subscribe("1", query);
        let next = raw.message();
        assert_eq!(next["type"], "next", "{query}: {next}");
        assert_eq!(next["payload"]["errors"][0]["extensions"]["code"], code);
        assert!(!next.to_string().contains("secret"));
        assert_eq!(raw.message(), json!({ "type": "complete", "id": "1" }));
    }
}

#[test]
fn a_panic_ends_its_operation_and_nothing_else() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("other", "subscription { forever }");
    raw.subscribe("s", "subscription { explode }");
    assert_eq!(raw.message()["payload"], json!({ "data": { "explode": 1 } }));
    let error = raw.message();
    assert_eq!(
        (error["type"].as_str(), error["id"].as_str(), code(&error)),
        (Some("error"), Some("s"), "INTERNAL")
    );
    assert!(!error.to_string().contains("fuse"));
    raw.subscribe("q", "{ explode }");
    assert_eq!(code(&raw.message()), "INTERNAL");
    raw.subscribe("q", "{ hello }");
    assert_eq!(raw.message()["type"], "next");
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 1);
}

#[test]
fn complete_drops_the_stream_at_once() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", "subscription { forever }");
    raw.subscribe("2", "{ hello }");
    assert_eq!(
        (raw.message()["type"].as_str(), raw.message()["type"].as_str()),
        (Some("next"), Some("complete"))
    );
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 1);
    raw.complete("1");
    raw.complete("never started");
    // Handled in order: when the pong is here, the stream is gone.
    raw.send(r#"{"type":"ping","payload":{"a":1}}"#);
    assert_eq!(raw.message(), json!({ "type": "pong", "payload": { "a": 1 } }));
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_socket_that_ends_drops_its_streams() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", "subscription { forever }");
    raw.subscribe("2", "{ hello }");
    raw.message();
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 1);
    drop(raw);
    toy.all_sockets_gone().await;
    assert_eq!(toy.watch.open.load(Ordering::SeqCst), 0);
}

#[test]
fn close_codes() {
    let toy = Toy::start();
    for nonsense in ["", "hello", "[]", r#"{"type":"start"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        expect_close(&toy, &[nonsense], 4400);
        expect_close(&toy, &[INIT, nonsense], 4400);
    }
    expect_close(&toy, &[FOREVER], 4401);
    expect_close(&toy, &[INIT, FOREVER, FOREVER], 4409);
    expect_close(&toy, &[INIT, INIT], 4429);

    let mut raw = Raw::ready(toy.address);
    raw.send_frame(2, b"binary");
    assert_eq!(raw.read(), Frame::Close(4400));
}

#[test]
fn the_close_of_a_client_is_answered() {
    let toy = Toy::start();
    for mut raw in [Raw::open(toy.address), Raw::ready(toy.address)] {
        raw.send_frame(8, &1000_u16.to_be_bytes());
        assert_eq!(raw.read(), Frame::Close(1000));
        assert_eq!(raw.read(), Frame::End);
    }
}

#[test]
fn a_bad_token_is_4401() {
    let toy = Toy::start();
    for authorization in [json!("Bearer bad"), json!("ann"), json!(1), json!("")] {
        let init = json!({ "type": "connection_init", "payload": { "authorization": authorization } });
        expect_close(&toy, &[&init.to_string()], 4401);
    }
}

#[test]
fn the_token_serves_every_operation() {
    let toy = Toy::start();
    for key in ["authorization", "Authorization", "AUTHORIZATION"] {
        let mut raw = Raw::open(toy.address);
        raw.init(&json!({ key: "Bearer ann" }));
        assert_eq!(raw.message()["type"], "connection_ack");
        for id in ["1", "2"] {
            raw.subscribe(id, "{ whoami }");
            assert_eq!(raw.message()["payload"], json!({ "data": { "whoami": "ann" } }));
            assert_eq!(raw.message()["type"], "complete");
        }
    }
    let mut raw = Raw::open(toy.address);
    raw.init(&json!({ "authorization": null }));
    assert_eq!(raw.message()["type"], "connection_ack");
}

#[test]
fn a_token_that_has_ended_starts_nothing_more() {
    let toy = Toy::start();
    let mut raw = Raw::open(toy.address);
    raw.init(&json!({ "authorization": "Bearer ended" }));
    assert_eq!(raw.message()["type"], "connection_ack");
    raw.subscribe("1", "{ whoami }");
    assert_eq!(code(&raw.message()), "UNAUTHENTICATED");
}

#[test]
fn another_subprotocol_is_4406() {
    let toy = Toy::start();
    for headers in ["", "Sec-WebSocket-Protocol: graphql-ws\r\n"] {
        let mut raw = Raw::ask(toy.address, headers).unwrap();
        assert_eq!(raw.read(), Frame::Close(4406));
    }
    Raw::ask(toy.address, "Sec-WebSocket-Protocol: graphql-ws, graphql-transport-ws\r\n").unwrap();
}

#[test]
fn pages_of_other_hosts_may_not_open_a_socket() {
    let toy = Toy::with(|limits| limits.allowed_origins = vec!["https://tickets.example".to_owned()]);
    let ask = |origin: &str| Raw::ask(toy.address, &format!("{PROTOCOL}Origin: {origin}\r\n")).map(|_| ());
    for origin in ["https://evil.example", "null", "http://127.0.0.1", "http://tickets.example", ""] {
        assert!(ask(origin).unwrap_err().starts_with("HTTP/1.1 403"), "{origin}");
    }
    ask(&format!("http://{}", toy.address)).unwrap();
    ask("https://tickets.example").unwrap();
}
