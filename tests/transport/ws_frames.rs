//! Long messages in parts, unfinished ones, and how often a socket may ask.

use std::time::Duration;

use frontrow::domain::bucket::Rate;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::{
    raw::{Frame, Raw},
    toy::Toy,
};

const LONG: usize = 3_000_000;

fn long_query() -> String {
    format!("{{ long(bytes: {LONG}) }}")
}

#[test]
fn a_long_message_comes_in_parts_and_a_short_one_in_one_frame() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", "{ hello }");
    assert_eq!(raw.part().unwrap().first, 0x81);
    assert_eq!(raw.message()["type"], "complete");
    raw.subscribe("1", &long_query());
    let mut message = Vec::new();
    loop {
        let part = raw.part().unwrap();
        assert!(part.payload.len() <= 16 << 10);
        assert_eq!(part.first & 0x7f, u8::from(message.is_empty()), "the first is text, the others go on");
        message.extend(part.payload);
        if part.first & 0x80 != 0 {
            break;
        }
    }
    let message: Value = serde_json::from_slice(&message).unwrap();
    assert_eq!(message["payload"]["data"]["long"].as_str().unwrap().len(), LONG);
    assert_eq!(raw.message(), json!({ "type": "complete", "id": "1" }));
}

#[tokio::test]
async fn a_standard_client_reads_it() {
    let toy = Toy::start();
    let mut request = format!("ws://{}/graphql", toy.address).into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
    let stream = tokio::net::TcpStream::connect(toy.address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let init = json!({ "type": "connection_init" }).to_string();
    socket.send(Message::text(init)).await.unwrap();
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": long_query() } });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 3 {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            told.push(serde_json::from_str::<Value>(&text).unwrap());
        }
    }
    assert_eq!([&told[0]["type"], &told[2]["type"]], ["connection_ack", "complete"]);
    assert_eq!(told[1]["payload"]["data"]["long"].as_str().unwrap().len(), LONG);
    // A close of its own is answered with the same code.
    socket.close(None).await.unwrap();
    while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
    toy.all_sockets_gone().await;
}

#[test]
fn a_ping_is_answered_in_the_middle_of_a_message() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", &format!("{{ long(bytes: {}) }}", 14 << 20));
    // The message has begun, and cannot end before it is read.
    assert_eq!(raw.part().unwrap().first, 0x01);
    raw.send_frame(9, b"there?");
    // Nothing is read for a while, so the server has to wait in the middle of the message, and hears the ping then. Who
    // reads as fast as it writes gets the pong after the message.
    let (_sender, pause) = std::sync::mpsc::channel::<()>();
    let _ = pause.recv_timeout(Duration::from_millis(500));
    let mut parts = 0;
    loop {
        let part = raw.part().unwrap();
        match part.first {
            0x8a => break assert_eq!(part.payload, b"there?"),
            0x00 => parts += 1,
            other => panic!("{other:#x} after {parts} parts"),
        }
    }
    // The rest of the message still fits to its beginning.
    while raw.part().unwrap().first == 0x00 {}
    assert_eq!(raw.message()["type"], "complete");
}

#[test]
fn a_client_that_takes_a_long_message_at_a_steady_pace_is_not_given_up() {
    let toy = Toy::with(|limits| {
        limits.ping_interval = Duration::from_millis(20);
        limits.pong_timeout = Duration::from_millis(200);
    });
    let mut raw = Raw::ready(toy.address);
    raw.subscribe("1", &format!("{{ long(bytes: {}) }}", 14 << 20));
    let (_sender, pause) = std::sync::mpsc::channel::<()>();
    let mut bytes = 0;
    // No ping is ever answered, and it takes several times as long as that may last.
    loop {
        let part = raw.part().expect("the message to its end");
        bytes += if part.first & 0x0f < 2 { part.payload.len() } else { 0 };
        if part.first == 0x80 {
            break;
        }
        let _ = pause.recv_timeout(Duration::from_millis(1));
    }
    assert!(bytes > 14 << 20);
    // With nothing to take it is given up.
    loop {
        match raw.read() {
            Frame::Close(code) => break assert_eq!(code, 1011),
            Frame::Text(_) | Frame::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Until the end of a stall: real time, because it is the network that is timed.
fn stand_still(toy: &Toy, meanwhile: impl FnOnce()) {
    let (go_on, (_sender, pause)) = (toy.stop(), std::sync::mpsc::channel::<()>());
    meanwhile();
    let _ = pause.recv_timeout(Duration::from_millis(1_500));
    drop(go_on);
}

/// What came while the server stood still is read before anybody is given up for it.
#[test]
fn a_pong_that_waited_for_a_server_that_stood_still_is_heard() {
    let toy = Toy::with(|limits| {
        limits.ping_interval = Duration::from_millis(100);
        limits.pong_timeout = Duration::from_millis(300);
    });
    let mut raw = Raw::ready(toy.address);
    assert_eq!(raw.read(), Frame::Ping);
    stand_still(&toy, || raw.send_frame(0xA, b""));
    raw.subscribe("1", "{ hello }");
    loop {
        match raw.read() {
            Frame::Ping => raw.send_frame(0xA, b""),
            Frame::Text(message) => break assert_eq!(message["type"], "next"),
            other => panic!("{other:?}"),
        }
    }
    // Who says nothing any more is given up all the same.
    loop {
        match raw.read() {
            Frame::Close(code) => break assert_eq!(code, 1011),
            Frame::Text(_) | Frame::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}

fn impatient() -> Toy {
    Toy::with(|limits| limits.message_timeout = Duration::from_secs(1))
}

#[test]
fn a_message_that_is_not_finished_in_time_is_4408() {
    let toy = impatient();
    let half_frames: [&[u8]; 4] =
        [&[0x81], &[0x81, 0x85, 0, 0, 0], &[0x81, 0x85, 0, 0, 0, 0, b'x'], &[0x01, 0x81, 0, 0, 0, 0, b'x']];
    for bytes in half_frames {
        let mut raw = Raw::ready(toy.address);
        assert!(raw.send_bytes(bytes));
        assert_eq!(raw.read(), Frame::Close(4408), "{bytes:?}");
    }
    // The same before anybody has said who is there.
    let mut raw = Raw::open(toy.address);
    assert!(raw.send_bytes(half_frames[2]));
    assert_eq!(raw.read(), Frame::Close(4408));
}

#[test]
fn pings_inside_a_message_give_it_no_more_time() {
    let toy = Toy::with(|limits| {
        limits.message_timeout = Duration::from_secs(1);
        limits.sign_rate = None;
    });
    let mut raw = Raw::ready(toy.address);
    assert!(raw.send_bytes(&[0x01, 0x81, 0, 0, 0, 0, b'x']));
    for _ in 0..100_000 {
        raw.send_frame(9, b"");
        match raw.read() {
            Frame::Pong(_) => {}
            frame => return assert_eq!(frame, Frame::Close(4408)),
        }
    }
    panic!("the message may stay unfinished");
}

#[test]
fn an_idle_socket_and_one_that_sends_whole_messages_have_no_such_deadline() {
    let toy = impatient();
    let (mut idle, mut busy) = (Raw::ready(toy.address), Raw::ready(toy.address));
    let (_sender, pause) = std::sync::mpsc::channel::<()>();
    // One message after another, cut in the middle: each one is finished in time.
    let text = br#"{"type":"ping"}"#;
    let frame = [&[0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0], &text[..]].concat();
    let stream = frame.repeat(41);
    for bytes in stream[7..].chunks(frame.len()).take(40) {
        if bytes.as_ptr() == stream[7..].as_ptr() {
            assert!(busy.send_bytes(&frame[..7]));
        }
        assert!(busy.send_bytes(bytes));
        assert_eq!(busy.message(), json!({ "type": "pong" }));
        let _ = pause.recv_timeout(Duration::from_millis(40));
    }
    for raw in [&mut idle, &mut busy] {
        raw.send(r#"{"type":"ping"}"#);
    }
    assert_eq!(idle.message(), json!({ "type": "pong" }));
}

#[test]
fn a_message_that_is_no_text_is_1007_and_a_broken_frame_1002() {
    let toy = Toy::start();
    let mut raw = Raw::ready(toy.address);
    raw.send_frame(1, b"\xff\xfe");
    assert_eq!(raw.read(), Frame::Close(1007));
    let mut raw = Raw::ready(toy.address);
    assert!(raw.send_bytes(&[0x81, 0x01, b'x']));
    assert_eq!(raw.read(), Frame::Close(1002));
}

#[test]
fn operations_one_after_another_are_slowed_down_and_then_cut_off() {
    let rate = Rate { burst: 5, per_second: 1 };
    let toy = Toy::with(|limits| limits.operation_rate = Some(rate));
    let mut raw = Raw::ready(toy.address);
    let (mut served, mut refused) = (0, 0);
    let mut rounds = 0_u32..;
    loop {
        let round = rounds.next().unwrap();
        raw.subscribe("1", "subscription { forever }");
        raw.complete("1");
        raw.subscribe(&format!("q{round}"), "{ hello }");
        match raw.read() {
            Frame::Text(message) if message["type"] == "error" => {
                let extensions = &message["payload"][0]["extensions"];
                assert_eq!(extensions["code"], "RATE_LIMITED");
                assert!(extensions["retryAfterMs"].as_u64().is_some_and(|wait| wait > 0 && wait < 10_000));
                refused += 1;
            }
            Frame::Text(message) if message["type"] == "next" => served += 1,
            Frame::Text(_) => {}
            frame => break assert_eq!(frame, Frame::Close(4429)),
        }
    }
    assert!(served <= 5 && refused >= 4, "{served} served, {refused} refused");
}

#[test]
fn pings_pongs_and_completes_without_an_end_are_cut_off() {
    let rate = Rate { burst: 5, per_second: 1 };
    let toy = Toy::with(|limits| limits.sign_rate = Some(rate));
    let signs: [fn(&mut Raw); 5] = [
        |raw| raw.send_frame(9, b""),
        |raw| raw.send_frame(10, b""),
        |raw| raw.complete("1"),
        |raw| raw.send(r#"{"type":"ping"}"#),
        |raw| raw.send(r#"{"type":"pong"}"#),
    ];
    for sign in signs {
        let mut raw = Raw::ready(toy.address);
        for _ in 0..20 {
            sign(&mut raw);
        }
        loop {
            match raw.read() {
                Frame::Pong(_) | Frame::Text(_) => {}
                frame => break assert_eq!(frame, Frame::Close(4429)),
            }
        }
    }
}
