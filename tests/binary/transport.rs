//! What the binary does with many connections, with foreign names, and with clients that do not read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use test_support::{
    Client, Incoming, Process, Socket, create_house,
    process::{binary, identity},
};

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Asks for a path under a name; the head of the answer, in small letters.
fn head(stream: &mut TcpStream, path: &str, host: &str) -> String {
    // One that was turned away may be closed already.
    let _ = stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

const PATHS: [&str; 9] = [
    "/",
    "/organiser",
    "/graphiql",
    "/nothing",
    "/assets/nothing.js",
    "/health/live",
    "/health/ready",
    "/draw/nothing",
    "/graphql?query=%7B__typename%7D",
];

#[test]
fn every_answer_of_the_binary_has_its_headers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::open(folder.path());
    for path in PATHS {
        let head = head(&mut connect(server.address), path, "localhost");
        assert!(head.contains("x-content-type-options: nosniff\r\n"), "{path}: {head}");
        let policies: Vec<_> =
            head.lines().filter(|line| line.starts_with("content-security-policy: ")).collect();
        assert_eq!(policies.len(), 1, "{path}: {head}");
        assert!(policies[0].contains("connect-src 'self';"), "{path}: {head}");
    }
}

#[test]
fn a_foreign_name_is_refused_while_anybody_may_be_anybody_and_not_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        Process::start(folder.path(), &["--open-identities", "--allowed-origins", "https://tickets.example"]);
    for path in PATHS {
        assert!(head(&mut connect(open.address), path, "evil.example").starts_with("http/1.1 421"), "{path}");
        for host in ["localhost", "127.0.0.1:8080", "[::1]", "tickets.example"] {
            assert!(
                !head(&mut connect(open.address), path, host).starts_with("http/1.1 421"),
                "{path}: {host}"
            );
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let closed = Process::start(folder.path(), &[]);
    assert!(
        head(&mut connect(closed.address), "/health/live", "tickets.example").starts_with("http/1.1 200")
    );
}

/// The binary in a shell with so many open files.
fn with_open_files(folder: &Path, files: u32) -> Command {
    let binary = binary();
    let mut command = Command::new("sh");
    let line = format!("ulimit -n {files} && exec {} --listen 127.0.0.1:0", binary.display());
    command.args(["-c", &line]).current_dir(folder).stdin(Stdio::null());
    command.env("NO_COLOR", "1").env("FRONTROW_LOG", "info");
    command
}

#[test]
fn a_process_that_has_all_the_connections_it_can_have_answers_health_checks_and_works_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::listening(with_open_files(folder.path(), 400));
    let fine = |head: &str| head.starts_with("http/1.1 200");
    // So many as there is room for: 400 files, of which 160 are for all else, and 64 connections for health checks.
    let mut kept: Vec<_> = (0..176).map(|_| connect(server.address)).collect();
    for _ in 0..3 {
        assert!(
            fine(&head(&mut connect(server.address), "/health/ready", "localhost")),
            "the database answers"
        );
        let told = head(&mut connect(server.address), "/graphql?query=%7B__typename%7D", "localhost");
        assert!(told.starts_with("http/1.1 503") && told.contains("retry-after: "), "{told}");
    }
    kept.truncate(100);
    // It is noticed a little later that they have gone.
    let is_served =
        || fine(&head(&mut connect(server.address), "/graphql?query=%7B__typename%7D", "localhost"));
    assert!((0..1_000).any(|_| is_served()));
}

#[test]
fn too_few_open_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = with_open_files(folder.path(), 100).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("ulimit -n"), "{said}");
}

/// Bytes that a watcher of a house of 100,000 seats may keep.
const WATCHER: usize = 20 << 10;

#[tokio::test]
async fn watchers_and_readers_of_a_big_house_keep_little() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::open(folder.path());
    let api = Client::new(server.address);
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let house = Some((100, 1_000));
    let series =
        create_house(&api, &organizer, TimeDelta::minutes(-1), json!({ "maxActive": 2 }), house).await;

    let watch = "subscription($series: ID!) { seatAvailability(seriesId: $series) { version seats { id number status } } }";
    let mut watchers = Vec::new();
    let mut before = 0;
    for number in 0..220 {
        if number == 20 {
            before = server.resident();
        }
        let mut socket = Socket::open(server.address, &organizer).await.unwrap();
        socket.subscribe("seats", watch, json!({ "series": series })).await.unwrap();
        // The first two are read as what they are.
        match number {
            0 | 1 => match socket.next().await {
                Incoming::Next(seats) => {
                    assert_eq!(seats["seatAvailability"]["seats"].as_array().unwrap().len(), 100_000);
                }
                other => panic!("{other:?}"),
            },
            _ => assert!(socket.skip().await > 5_000_000),
        }
        watchers.push(socket);
    }
    let each = server.resident().saturating_sub(before) / 200;
    assert!(each < WATCHER, "{each} bytes for each watcher");

    // Forty who ask for all of it and do not read.
    let before = server.resident();
    let query =
        format!("{{ seats(seriesId: \"{series}\") {{ id number row col section price status reserved }} }}");
    let body = json!({ "query": query }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let greedy: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = connect(server.address);
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    for mut stream in &greedy {
        assert_eq!(stream.read(&mut [0]).unwrap(), 1, "it has begun");
    }
    let more = server.resident().saturating_sub(before);
    assert!(more < 100 << 20, "{more} bytes more");
    assert_eq!(api.page("/health/ready").await, "ready\n");
}
