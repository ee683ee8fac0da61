//! Clients that ask for much and do not read it, or read it slowly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use frontrow::server::door::DoorLimits;
use serde_json::{Value, json};

use crate::{
    raw::{Frame, Raw},
    toy::Toy,
};

const MIB: usize = 1 << 20;

/// What each of them asks for: more than the system takes off our hands.
const LONG: usize = 2 * MIB;

fn query(query: &str) -> String {
    let body = json!({ "query": query }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn begin(toy: &Toy, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(toy.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn first_bytes(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let length = stream.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

fn few(door: &mut DoorLimits) {
    door.outgoing = 9 * MIB;
    door.outgoing_per_address = None;
}

/// Waits until nothing is on its way; a test that waits for what never comes fails.
fn until_all_is_out(toy: &Toy) {
    let (sender, receiver): (_, Receiver<()>) = channel();
    for _ in 0..3_000 {
        if toy.outgoing.bytes() == 0 {
            return;
        }
        let _ = receiver.recv_timeout(Duration::from_millis(10));
    }
    drop(sender);
    panic!("{} bytes are still on their way", toy.outgoing.bytes());
}

#[test]
fn forty_clients_that_do_not_read_hold_a_bounded_amount_for_a_bounded_time() {
    let toy = Toy::behind(
        |door| {
            few(door);
            door.least.stall = Duration::from_secs(10);
        },
        |_| {},
    );
    let ask = query(&format!("{{ long(bytes: {LONG}) }}"));
    let mut clients: Vec<_> = (0..40).map(|_| begin(&toy, &ask)).collect();
    // Only the first bytes: who got an answer, and who was told to come back.
    let told: Vec<_> = clients.iter_mut().map(first_bytes).collect();
    let refused: Vec<_> = told.iter().filter(|told| told.starts_with("HTTP/1.1 503")).collect();
    assert!((30..40).contains(&refused.len()), "{} of 40 were refused", refused.len());
    for told in &refused {
        assert!(told.to_ascii_lowercase().contains("retry-after: 2"), "{told}");
        let (_, body) = told.split_once("\r\n\r\n").unwrap();
        let error = &serde_json::from_str::<Value>(body).unwrap()["errors"][0]["extensions"];
        assert_eq!(error, &json!({ "code": "UNAVAILABLE", "retryAfterMs": 2000 }));
    }
    let held = toy.outgoing.bytes();
    assert!(held > 0 && held <= 9 * MIB, "{held} bytes");

    // Others are served meanwhile, and what has been done is told, however long it is.
    assert!(first_bytes(&mut begin(&toy, &query("{ hello }"))).starts_with("HTTP/1.1 200"));
    assert!(first_bytes(&mut begin(&toy, &query("mutation { bump }"))).starts_with("HTTP/1.1 200"));
    let done = first_bytes(&mut begin(&toy, &query(&format!("mutation {{ long(bytes: {MIB}) }}"))));
    assert!(done.starts_with("HTTP/1.1 200"), "{done}");

    until_all_is_out(&toy);
    // And then there is room again.
    assert!(first_bytes(&mut begin(&toy, &ask)).starts_with("HTTP/1.1 200"));
    drop(clients);
}

#[test]
fn an_address_has_a_share_of_what_is_on_its_way() {
    let toy = Toy::behind(|door| door.outgoing_per_address = Some(3 * MIB), |_| {});
    let ask = query(&format!("{{ long(bytes: {LONG}) }}"));
    let mut first = begin(&toy, &ask);
    assert!(first_bytes(&mut first).starts_with("HTTP/1.1 200"));
    assert!(first_bytes(&mut begin(&toy, &ask)).starts_with("HTTP/1.1 503"));
    drop(first);
    until_all_is_out(&toy);
}

#[test]
fn whoever_reads_at_a_crawl_is_cut_off_and_whoever_keeps_the_pace_is_not() {
    let toy = Toy::behind(
        |door| {
            door.least.stall = Duration::from_secs(2);
            door.least.bytes_per_second = 1 << 20;
        },
        |_| {},
    );
    let ask = query(&format!("{{ long(bytes: {LONG}) }}"));
    let (_sender, pause): (_, Receiver<()>) = channel();
    let read = |step: usize| {
        let mut stream = begin(&toy, &ask);
        let (mut bytes, mut total) = (vec![0; step], 0);
        loop {
            match stream.read(&mut bytes) {
                Ok(0) | Err(_) => return total,
                Ok(some) => total += some,
            }
            if total > LONG {
                return total;
            }
            // Time in which a slow client does other things.
            let _ = pause.recv_timeout(Duration::from_millis(10));
        }
    };
    let crawled = read(1 << 10);
    assert!(crawled < LONG, "{crawled} bytes at 100 KiB a second");
    assert!(read(256 << 10) > LONG);
}

#[test]
fn sockets_that_do_not_read_hold_a_bounded_amount_for_a_bounded_time() {
    let toy = Toy::behind(
        |door| {
            few(door);
            door.least.stall = Duration::from_secs(10);
        },
        |limits| limits.message_timeout = Duration::from_secs(1),
    );
    let mut sockets: Vec<_> = (0..20).map(|_| Raw::ready(toy.address)).collect();
    for socket in &mut sockets {
        socket.subscribe("1", &format!("subscription {{ flood(bytes: {LONG}) }}"));
    }
    let mut other = Raw::ready(toy.address);
    for id in 0..20 {
        other.subscribe(&id.to_string(), "{ hello }");
        assert_eq!([other.message()["type"].take(), other.message()["type"].take()], ["next", "complete"]);
        assert!(toy.outgoing.bytes() <= 9 * MIB);
    }
    // Four have begun to be told; the others have waited for room, and have been told to try again later.
    let (mut told, mut later) = (0, 0);
    for socket in &mut sockets {
        match socket.part().map(|part| (part.first & 0x0f, part.payload)) {
            Some((1, _)) => told += 1,
            Some((8, payload)) => {
                assert_eq!(payload[..2], 1013_u16.to_be_bytes());
                later += 1;
            }
            _ => panic!("neither a message nor a close"),
        }
    }
    assert_eq!((told, later), (4, 16));
    until_all_is_out(&toy);
}

#[test]
fn a_client_that_sends_and_does_not_read_is_not_listened_to() {
    let toy = Toy::behind(|door| door.least.stall = Duration::from_secs(3600), |_| {});
    let mut raw = Raw::ready(toy.address);
    raw.stream().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let ping = json!({ "type": "ping", "payload": { "x": "x".repeat(100_000) } }).to_string();
    let mut frame = vec![0x81, 0x80 | 127];
    frame.extend((ping.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(ping.as_bytes());
    let sent = (0..1_000).take_while(|_| raw.send_bytes(&frame)).count();
    // What the system takes for both sides, and one message and its answer.
    assert!(sent < 300, "{sent} messages of 100 kB");
    assert!(toy.outgoing.bytes() < MIB);
}

#[test]
fn many_pings_without_a_reader_keep_one_answer() {
    let toy = Toy::with(|limits| limits.sign_rate = None);
    let mut raw = Raw::ready(toy.address);
    for number in 0..1_000_u32 {
        raw.send_frame(9, &number.to_be_bytes());
    }
    // However many were left out, the last one is answered, and in order.
    let mut last = None;
    while last != Some(999) {
        let Frame::Pong(payload) = raw.read() else { panic!("only pongs") };
        let number = u32::from_be_bytes(payload.try_into().unwrap());
        assert!(last.is_none_or(|last| last < number));
        last = Some(number);
    }
}
