//! What an idle WebSocket costs, measured in a process of its own: this file has one test.

#![expect(clippy::print_stdout, reason = "the figure is the result")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use frontrow::graphql::request::Intake;
use frontrow::server::door::{Door, DoorLimits, serve};
use frontrow::server::endpoint::{Endpoint, Session, TransportLimits, routes};
use frontrow::server::persisted::Persisted;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SOCKETS: usize = 2_000;
const LONG: usize = 500_000;
const ALLOWED_BYTES: usize = 10 << 10;

struct Query;

#[Object]
impl Query {
    async fn one(&self) -> i32 {
        1
    }

    async fn long(&self) -> String {
        "x".repeat(LONG)
    }
}

/// Resident memory of this process in bytes. The clients are bare `TcpStream`s, which keep nothing on the heap.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("this test needs Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

/// Opens a socket and waits for `connection_ack`.
fn open(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answered = Vec::new();
    let mut byte = [0];
    while !answered.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answered.push(byte[0]);
    }
    let init = br#"{"type":"connection_init"}"#;
    // Text, final; masked with zeros.
    let head = [0x81, 0x80 | u8::try_from(init.len()).unwrap(), 0, 0, 0, 0];
    stream.write_all(&[&head[..], init].concat()).unwrap();
    let mut ack = [0; 2 + br#"{"type":"connection_ack"}"#.len()];
    stream.read_exact(&mut ack).unwrap();
    assert!(ack.ends_with(br#"{"type":"connection_ack"}"#));
    stream
}

/// Sends a ping of 200 kB, and has a query of 500 kB answered.
fn exchange_long_messages(stream: &mut TcpStream) {
    send(stream, &format!(r#"{{"type":"ping","payload":{{"x":"{}"}}}}"#, "x".repeat(200_000)));
    assert!(receive(stream) > 200_000);
    send(stream, r#"{"type":"subscribe","id":"1","payload":{"query":"{ long }"}}"#);
    assert!(receive(stream) > LONG);
    receive(stream);
}

/// Text, final; masked with zeros.
fn send(stream: &mut TcpStream, text: &str) {
    let length = u64::try_from(text.len()).unwrap().to_be_bytes();
    stream.write_all(&[&[0x81, 0x80 | 127][..], &length, &[0; 4], text.as_bytes()].concat()).unwrap();
}

/// Reads a message, and keeps nothing of it; its length.
fn receive(stream: &mut TcpStream) -> usize {
    let (mut total, mut payload) = (0, vec![0; 16 << 10]);
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).unwrap();
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                u16::from_be_bytes(length).into()
            }
            short => usize::from(short),
        };
        stream.read_exact(&mut payload[..length]).unwrap();
        total += length;
        if head[0] & 0x80 != 0 {
            return total;
        }
    }
}

#[test]
fn an_idle_socket_costs_less_than_ten_kib_whatever_it_has_sent_and_received() {
    let door = Door::new(DoorLimits { per_address: None, ..DoorLimits::default() });
    let build = || Schema::build(Query, EmptyMutation, EmptySubscription);
    let endpoint = Endpoint {
        feeds: Default::default(),
        answers: None,
        outgoing: door.outgoing(),
        executor: build().finish(),
        intake: Arc::new(Intake::new(build(), |shape| shape).unwrap()),
        persisted: Persisted::off(),
        authenticate: Arc::new(|_| {
            let session: Session = Arc::new(|_| Ok(()));
            Ok(session)
        }),
        // Nobody answers pings here.
        limits: TransportLimits { ping_interval: Duration::from_secs(3600), ..TransportLimits::default() },
        request_id: Arc::new(String::new),
        shutdown: CancellationToken::new(),
        sockets: TaskTracker::new(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let tracker = endpoint.sockets.clone();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        serve(listener, routes(endpoint), door, CancellationToken::new()).await;
    });

    // What is set up once must not be counted.
    let mut streams: Vec<TcpStream> = (0..50).map(|_| open(address)).collect();
    streams.reserve(SOCKETS);
    let before = resident();
    streams.extend((0..SOCKETS).map(|_| open(address)));
    let each = resident().saturating_sub(before) / SOCKETS;
    assert_eq!(tracker.len(), streams.len());
    println!("{each} bytes for each idle socket");
    assert!(each < ALLOWED_BYTES, "{each} bytes for each idle socket");

    // Nothing is kept of a long message, in neither direction.
    for stream in &mut streams[..10] {
        exchange_long_messages(stream);
    }
    let before = resident();
    // What is kept stays; what is on its way comes and goes, more than a MB of it. So the least counts that was seen once
    // half of them had sent and received theirs.
    let seen = streams[10..110].iter_mut().map(|stream| {
        exchange_long_messages(stream);
        resident()
    });
    let least = seen.skip(50).min().unwrap_or_default();
    let more = least.saturating_sub(before) / 50;
    println!("{more} bytes more for each socket that has sent and received a long message");
    assert!(more < ALLOWED_BYTES, "{more} bytes more for each socket after long messages");
    runtime.shutdown_background();
}
