//! Who is let in: deadlines of connections, how many there may be, and of whom.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use frontrow::server::door::{DoorLimits, Hosts};
use serde_json::Value;

use crate::{
    raw::{Frame, PROTOCOL, Raw},
    toy::Toy,
};

/// A short deadline, and how long a byte of a dribbler takes.
const SHORT: Duration = Duration::from_secs(1);
const DRIP: Duration = Duration::from_millis(10);

/// Never what ends a test that passes.
const LONG: Duration = Duration::from_secs(20);

fn behind(door: impl FnOnce(&mut DoorLimits)) -> Toy {
    Toy::behind(door, |_| {})
}

fn connect(toy: &Toy) -> TcpStream {
    let stream = TcpStream::connect(toy.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// From another address of this machine.
fn connect_from(source: &str, toy: &Toy) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
        socket.connect(toy.address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

const HELLO: &str = "/graphql?query=%7Bhello%7D";

/// One answer: its head, and as much of a body as it says.
fn answer(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

fn ask(stream: &mut TcpStream, request: &str) -> Option<(String, String)> {
    // A connection that was turned away may be closed already; its answer is there all the same.
    let _ = stream.write_all(request.as_bytes());
    answer(stream)
}

#[track_caller]
fn expect(stream: &mut TcpStream, request: &str, status: u16) -> (String, String) {
    let (head, body) = ask(stream, request).expect("an answer");
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{status}: {head}{body}");
    (head, body)
}

/// What the server notices a little later than the client: that somebody has gone, or has come.
#[track_caller]
fn eventually(mut is_so: impl FnMut() -> bool) {
    assert!((0..1_000).any(|_| is_so()), "it never came to be");
}

fn is_served(toy: &Toy) -> bool {
    ask(&mut connect(toy), &get(HELLO, "")).is_some_and(|(head, _)| head.contains(" 200 "))
}

fn code(body: &str) -> Value {
    serde_json::from_str::<Value>(body).unwrap()["errors"][0]["extensions"]["code"].take()
}

/// Sends a byte now and then until the connection is closed; `None` if it never is.
fn dribbled(stream: &mut TcpStream, bytes: &str) -> Option<usize> {
    stream.set_read_timeout(Some(DRIP)).unwrap();
    bytes.bytes().enumerate().find_map(|(count, byte)| {
        let gone = stream.write_all(&[byte]).is_err()
            || match stream.read(&mut [0; 512]) {
                Ok(0) => true,
                Ok(_) => false,
                Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            };
        gone.then_some(count)
    })
}

#[test]
fn a_head_that_dribbles_in_is_cut_off_also_on_a_kept_connection() {
    let toy = behind(|door| door.header_timeout = SHORT);
    let endless = get("/graphql", &format!("X: {}\r\n", "x".repeat(1_000)));
    assert!(dribbled(&mut connect(&toy), &endless).is_some());
    let mut kept = connect(&toy);
    expect(&mut kept, &get(HELLO, ""), 200);
    assert!(dribbled(&mut kept, &endless).is_some());
    // Empty lines before a request are no request.
    assert!(dribbled(&mut connect(&toy), &"\r\n".repeat(500)).is_some());
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let toy = behind(|door| door.header_timeout = SHORT);
    assert_eq!(connect(&toy).read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_kept_connection_is_closed_when_it_is_idle_and_not_while_it_is_used() {
    let toy = behind(|door| door.idle_timeout = SHORT);
    let mut kept = connect(&toy);
    for _ in 0..5 {
        expect(&mut kept, &get(HELLO, ""), 200);
    }
    assert_eq!(kept.read(&mut [0]).unwrap(), 0);
}

#[test]
fn an_open_socket_has_no_deadline_of_http() {
    let toy = behind(|door| {
        door.header_timeout = SHORT;
        door.idle_timeout = SHORT;
    });
    let mut raw = Raw::ready(toy.address);
    raw.stream().set_read_timeout(Some(2 * SHORT)).unwrap();
    assert_eq!(raw.stream().read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    raw.stream().set_read_timeout(Some(LONG)).unwrap();
    raw.subscribe("1", "{ hello }");
    assert_eq!(raw.message()["type"], "next");
}

#[test]
fn a_full_process_still_answers_health_checks() {
    let toy = behind(|door| {
        door.connections = 2;
        door.spare_connections = 1;
    });
    let mut kept = connect(&toy);
    expect(&mut kept, &get(HELLO, ""), 200);
    // A socket is a connection as well.
    let socket = Raw::ready(toy.address);
    drop(kept);
    // That it is gone is noticed a little later.
    let mut second = None;
    eventually(|| {
        second = Raw::ask(toy.address, PROTOCOL).ok();
        second.is_some()
    });

    let mut refused = connect(&toy);
    let (head, body) = expect(&mut refused, &get(HELLO, ""), 503);
    assert_eq!(code(&body), "UNAVAILABLE");
    assert!(head.contains("retry-after: 2\r\n") && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(refused.read(&mut [0]).unwrap(), 0);
    drop(refused);
    for _ in 0..3 {
        expect(&mut connect(&toy), &get("/health/live", ""), 200);
    }
    // Beyond that nothing is answered.
    let _spare = connect(&toy);
    assert!(ask(&mut connect(&toy), &get("/health/live", "")).is_none());
    drop((socket, second));
}

#[test]
fn who_leaves_makes_room() {
    let toy = behind(|door| {
        door.connections = 1;
        door.spare_connections = 1;
    });
    for _ in 0..5 {
        let raw = Raw::ready(toy.address);
        expect(&mut connect(&toy), &get(HELLO, ""), 503);
        drop(raw);
        eventually(|| is_served(&toy));
    }
}

#[test]
fn an_address_has_its_share_and_no_more() {
    let toy = behind(|door| door.per_address = Some(2));
    let socket = Raw::ready(toy.address);
    let mut kept = connect(&toy);
    expect(&mut kept, &get(HELLO, ""), 200);
    let (head, body) = expect(&mut connect(&toy), &get(HELLO, ""), 429);
    assert_eq!(code(&body), "RATE_LIMITED");
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    // Its own are served on, and so is everybody else.
    expect(&mut kept, &get(HELLO, ""), 200);
    expect(&mut connect_from("127.0.0.2", &toy), &get(HELLO, ""), 200);
    drop(socket);
    eventually(|| is_served(&toy));
}

#[test]
fn the_word_of_a_stranger_about_where_it_comes_from_is_not_taken() {
    let toy = behind(|door| door.per_address = Some(1));
    let from = |client: &str| format!("X-Forwarded-For: {client}\r\nForwarded: for={client}\r\n");
    let mut kept = connect(&toy);
    expect(&mut kept, &get(HELLO, &from("192.0.2.1")), 200);
    expect(&mut connect(&toy), &get(HELLO, &from("192.0.2.2")), 429);
}

/// What a proxy at 127.0.0.1 says.
fn behind_proxy(per_address: usize) -> Toy {
    behind(|door| {
        door.per_address = Some(per_address);
        door.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
}

fn socket_of(toy: &Toy, client: &str) -> Result<Raw, String> {
    Raw::ask(toy.address, &format!("{PROTOCOL}X-Forwarded-For: {client}\r\n"))
}

#[test]
fn behind_a_proxy_the_sockets_of_each_client_are_counted() {
    let toy = behind_proxy(1);
    let ann = socket_of(&toy, "192.0.2.1").unwrap();
    let _bob = socket_of(&toy, "192.0.2.2").unwrap();
    // What stands before the address that the proxy saw is the client's own invention.
    for client in ["192.0.2.1", "198.51.100.7, 192.0.2.1", "nonsense, 192.0.2.1", "192.0.2.1, 127.0.0.1"] {
        let refused = socket_of(&toy, client).map(|_| ()).unwrap_err();
        assert!(refused.starts_with("HTTP/1.1 429"), "{client}: {refused}");
    }
    drop(ann);
    eventually(|| socket_of(&toy, "192.0.2.1").is_ok());
    // Another proxy that is not named is a client like any other.
    let headers = "X-Forwarded-For: 192.0.2.9\r\n";
    let mut stranger = connect_from("127.0.0.2", &toy);
    expect(&mut stranger, &get(HELLO, headers), 200);
    expect(&mut connect_from("127.0.0.2", &toy), &get(HELLO, headers), 429);
}

#[test]
fn behind_a_proxy_a_network_of_ipv6_is_one_client() {
    let toy = behind_proxy(1);
    let _ann = socket_of(&toy, "2001:db8:1:2::1").unwrap();
    assert!(socket_of(&toy, "2001:db8:1:2:ffff::2").is_err());
    assert!(socket_of(&toy, "2001:db8:1:3::1").is_ok());
}

#[test]
fn behind_a_proxy_the_requests_in_flight_of_each_client_are_counted() {
    let toy = behind_proxy(1);
    let begun = |client: &str| {
        format!(
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 20\r\nX-Forwarded-For: {client}\r\n\r\n"
        )
    };
    let mut waiting = connect(&toy);
    waiting.write_all(begun("192.0.2.1").as_bytes()).unwrap();
    let of = |client: &str| get(HELLO, &format!("X-Forwarded-For: {client}\r\n"));
    // It is there when another one of the same client is refused.
    eventually(|| ask(&mut connect(&toy), &of("192.0.2.1")).unwrap().0.contains(" 429 "));
    let mut shared = connect(&toy);
    expect(&mut shared, &of("192.0.2.2"), 200);
    let (_, body) = expect(&mut shared, &of("192.0.2.1"), 429);
    assert_eq!(code(&body), "RATE_LIMITED");
    // The connection of the proxy is not the client's: it is kept.
    expect(&mut shared, &of("192.0.2.2"), 200);
    waiting.write_all(br#"{"query":"{ hello }"}"#).unwrap();
    answer(&mut waiting).unwrap();
    expect(&mut shared, &of("192.0.2.1"), 200);
}

#[test]
fn what_a_proxy_says_that_cannot_be_read_counts_as_its_own() {
    let toy = behind_proxy(1);
    let _own = socket_of(&toy, "unknown").unwrap();
    for headers in ["", "X-Forwarded-For: \r\n", "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.2\r\n"]
    {
        let refused = Raw::ask(toy.address, &format!("{PROTOCOL}{headers}")).map(|_| ());
        assert!(refused.unwrap_err().starts_with("HTTP/1.1 429"), "{headers}");
    }
}

#[test]
fn every_answer_says_what_it_may_be_taken_for() {
    let toy = behind(|door| {
        door.connections = 3;
        door.spare_connections = 1;
        door.per_address = Some(4);
        door.hosts = Hosts::of_loopback(&[]);
    });
    let post = |kind: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let requests = [
        (200, get(HELLO, "")),
        (200, get("/health/live", "")),
        (404, get("/nothing", "")),
        (400, get("/graphql", "")),
        (406, get(HELLO, "Accept: text/html\r\n")),
        (200, post("application/json", r#"{"query":"{hello}"}"#)),
        (400, post("application/json", "{")),
        (415, post("text/plain", "{}")),
        (405, "DELETE /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
        (403, get("/graphql", "Upgrade: websocket\r\nOrigin: https://evil.example\r\n")),
        (400, get("/graphql", "Upgrade: websocket\r\n")),
        (421, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned()),
    ];
    let dressed = |head: &str| {
        assert!(head.contains("x-content-type-options: nosniff\r\n"), "{head}");
        let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: "));
        assert!(policy.expect(head).contains("connect-src 'self';"), "{head}");
    };
    for (status, request) in requests {
        dressed(&expect(&mut connect(&toy), &request, status).0);
    }
    let _full: Vec<_> = (0..3).map(|_| Raw::ready(toy.address)).collect();
    dressed(&expect(&mut connect(&toy), &get(HELLO, ""), 503).0);
    let _spare = connect(&toy);
    let (head, _) = expect(&mut connect(&toy), &get(HELLO, ""), 429);
    assert!(head.contains("nosniff") && head.contains("connect-src 'self'"), "{head}");
}

#[test]
fn a_foreign_name_is_refused_where_anybody_may_be_anybody() {
    let toy = behind(|door| door.hosts = Hosts::of_loopback(&["https://tickets.example".to_owned()]));
    let named = |path: &str, lines: &str| format!("GET {path} HTTP/1.1\r\n{lines}\r\n");
    for host in ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:1", "tickets.example"] {
        expect(&mut connect(&toy), &named(HELLO, &format!("Host: {host}\r\n")), 200);
    }
    for path in [HELLO, "/health/live", "/nothing"] {
        for lines in ["Host: evil.example\r\n", "", "Host: localhost\r\nHost: evil.example\r\n", "Host: \r\n"]
        {
            let (_, body) = expect(&mut connect(&toy), &named(path, lines), 421);
            assert!(body.contains("localhost"), "{body}");
        }
    }
    let absolute = named("http://evil.example/graphql?query=%7Bhello%7D", "Host: localhost\r\n");
    expect(&mut connect(&toy), &absolute, 421);
    let old = "GET /health/live HTTP/1.0\r\n\r\n";
    let (head, _) = ask(&mut connect(&toy), old).unwrap();
    assert!(head.starts_with("http/1.0 421") || head.starts_with("http/1.1 421"), "{head}");
    // The same for a socket, whatever its page is called.
    let socket = |host: &str| {
        let request = format!(
            "GET /graphql HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{PROTOCOL}\r\n"
        );
        ask(&mut connect(&toy), &request).unwrap().0
    };
    assert!(socket("evil.example:8080").starts_with("http/1.1 421"));
    assert!(socket("localhost:8080").starts_with("http/1.1 101"));
}

#[test]
fn a_handshake_that_is_none_is_told_why() {
    let toy = Toy::start();
    let asked = |lines: &str| {
        ask(&mut connect(&toy), &get("/graphql", &format!("Upgrade: websocket\r\n{lines}"))).unwrap()
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let fine = format!("Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n{key}");
    assert!(asked(&fine).0.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"));
    assert!(asked(&format!("Sec-WebSocket-Version: 13\r\n{key}")).0.starts_with("http/1.1 400"));
    assert!(asked("Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n").0.starts_with("http/1.1 400"));
    let old = asked(&format!("Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n{key}")).0;
    assert!(old.starts_with("http/1.1 426") && old.contains("sec-websocket-version: 13\r\n"), "{old}");
    // After a handshake without the protocol the socket says so.
    let mut raw = Raw::ask(toy.address, "").unwrap();
    assert_eq!(raw.read(), Frame::Close(4406));
}
