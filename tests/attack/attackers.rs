//! Everything that a caller could think of, at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::stage::{BEGINS, ENDS, OPENS};

/// The variable that says whom to attack.
pub(crate) const TARGET: &str = "FRONTROW_TEST_ATTACK";

/// How long.
const DURATION: Duration = Duration::from_secs(28);

/// Whoever is to be cut off by then should be: most deadlines are ten seconds.
const PATIENCE: Duration = Duration::from_secs(16);

/// How long a large answer may have to wait for its turn to be written.
const WAIT: Duration = Duration::from_secs(12);

/// Connections of one address beyond which it gets no more, and a few more than that.
const TOO_MANY: usize = 600;

/// Whom to attack, and what came of it.
#[derive(Clone)]
struct Attacker {
    address: SocketAddr,
    arena: Arc<str>,
    house: Arc<str>,
    tour: Arc<str>,
    organizer: Arc<str>,
    http: reqwest::Client,
    count: Arc<Count>,
}

/// What came of one kind of attack.
#[derive(Default)]
struct Count {
    tried: AtomicUsize,
    /// How often it was let do what it should not have been.
    let_through: AtomicUsize,
    /// How often it was refused, or cut off.
    refused: AtomicUsize,
}

type Attack = fn(Attacker, usize) -> BoxFuture<'static, ()>;

/// Each with how many do it at the same time, and whether each of them is to be refused or cut off.
const ATTACKS: [(&str, usize, bool, Attack); 14] = [
    ("documents that would read everything", 4, true, |a, n| Box::pin(a.bombs(n))),
    ("large lists, each a little different", 4, false, |a, n| Box::pin(a.large_lists(n))),
    ("the catalogue, again and again", 40, false, |a, n| Box::pin(a.catalogue(n))),
    ("variables that are a hundred times larger when they are read", 8, true, |a, n| {
        Box::pin(a.variables(n))
    }),
    ("large answers that nobody reads", 40, true, |a, n| Box::pin(a.unread_answers(n))),
    ("snapshots that nobody reads", 40, true, |a, n| Box::pin(a.unread_snapshots(n))),
    ("subscribing and completing in a loop", 4, true, |a, n| Box::pin(a.loops(n))),
    ("headers that never end", 50, true, |a, n| Box::pin(a.dribbles(n))),
    ("connections that say nothing", 200, true, |a, n| Box::pin(a.silent(n))),
    ("messages that never end", 20, true, |a, n| Box::pin(a.unfinished_messages(n))),
    ("callers who go away", 4, false, |a, n| Box::pin(a.leavers(n))),
    ("an organiser who creates arenas", 2, false, |a, n| Box::pin(a.arenas(n))),
    ("joining under many names", 4, false, |a, n| Box::pin(a.joins(n))),
    ("nonsense", 4, true, |a, n| Box::pin(a.nonsense(n))),
];

/// Attacks for a while; prints what came of it, and fails if anything was let through.
pub(crate) fn run() {
    let target: Value = serde_json::from_str(&std::env::var(TARGET).unwrap()).unwrap();
    let text = |name: &str| Arc::from(target[name].as_str().unwrap());
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut failed = Vec::new();
    runtime.block_on(async {
        let mut counts = Vec::new();
        let attacker = |count: &Arc<Count>| Attacker {
            address: target["address"].as_str().unwrap().parse().unwrap(),
            arena: text("arena"),
            house: text("house"),
            tour: text("tour"),
            organizer: text("organizer"),
            http: http.clone(),
            count: Arc::clone(count),
        };
        for (name, many, refused, attack) in ATTACKS {
            let count = Arc::new(Count::default());
            for n in 0..many {
                let attacker = attacker(&count);
                tokio::spawn(async move {
                    for round in 0.. {
                        attack(attacker.clone(), n + round * many).await;
                        attacker.count.tried.fetch_add(1, Ordering::Relaxed);
                        pause(5).await;
                    }
                });
            }
            counts.push((name, refused, count));
        }
        pause(DURATION.as_millis() as u64).await;
        let count = Arc::new(Count::default());
        attacker(&count).too_many_connections().await;
        counts.push(("too many connections", true, count));
        for (name, must, count) in counts {
            let of = |number: &AtomicUsize| number.load(Ordering::Relaxed);
            let (tried, through, refused) = (of(&count.tried), of(&count.let_through), of(&count.refused));
            println!("{name}: {tried} ended, {refused} refused or cut off, {through} let through");
            if through > 0 || must && refused == 0 {
                failed.push(name);
            }
        }
    });
    // Whatever still runs is cut off.
    runtime.shutdown_background();
    assert!(failed.is_empty(), "let through: {failed:?}");
}

#[expect(clippy::disallowed_methods, reason = "an attacker needs no clock that tests can move")]
async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

impl Attacker {
    fn refused(&self) {
        self.count.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn let_through(&self) {
        self.count.let_through.fetch_add(1, Ordering::Relaxed);
    }

    async fn ask(&self, query: String, variables: Value) -> Option<Value> {
        self.ask_as("", query, variables).await
    }

    /// The answer, if there is one: whoever is refused at the door, or waits for too long, has none.
    async fn ask_as(&self, token: &str, query: String, variables: Value) -> Option<Value> {
        let request = self.http.post(format!("http://{}/graphql", self.address));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    /// Asks for what must not be answered.
    async fn must_be_refused(&self, token: &str, query: String, variables: Value) {
        match self.ask_as(token, query, variables).await {
            Some(answer) if !answer["data"].is_null() => self.let_through(),
            Some(_) => self.refused(),
            None => {}
        }
    }

    fn all_of_the_arena(&self, alias: usize) -> String {
        let fields = "id number row col section price status reserved";
        format!("{{ a{alias}: seats(seriesId: \"{}\") {{ n{alias}: number {fields} }} }}", self.arena)
    }

    async fn bombs(self, n: usize) {
        let seats = format!("seats(seriesId: \"{}\")", self.arena);
        let twenty: String = (0..20).map(|k| format!("a{k}: {seats} {{ id number section }} ")).collect();
        let chain: String =
            (0..25).map(|k| format!("fragment F{k} on Query {{ ...F{0} ...F{0} }} ", k + 1)).collect();
        let types: String = (0..49)
            .map(|k| {
                format!(
                    "a{k}: types {{ fields {{ type {{ fields {{ type {{ fields {{ name }} }} }} }} }} }} "
                )
            })
            .collect();
        let bombs = [
            "{concerts(first:1){nodes{series{seats{series{seats{id}}}}}}}".to_owned(),
            format!("{{ {twenty} }}"),
            format!("{{ series(concertId: \"{}\") {{ seats {{ id }} more: seats {{ id }} }} }}", self.tour),
            format!("{{ ...F0 }} {chain} fragment F25 on Query {{ __typename }}"),
            format!("{{ __schema {{ {types} }} }}"),
            format!("{{ {seats} {{ series {{ concert {{ series {{ seats {{ id }} }} }} }} }} }}"),
        ];
        self.must_be_refused("", bombs[n % bombs.len()].clone(), json!({})).await;
    }

    async fn large_lists(self, n: usize) {
        self.ask(self.all_of_the_arena(n), json!({})).await;
    }

    async fn catalogue(self, n: usize) {
        let series: String = (0..20)
            .map(|k| format!("a{k}_{n}: series(concertId: \"{}\") {{ id status }} ", self.tour))
            .collect();
        self.ask(format!("{{ {series} }}"), json!({})).await;
    }

    async fn variables(self, n: usize) {
        let many = vec![json!({ "": 0 }); 30_000];
        if n.is_multiple_of(2) {
            return self.must_be_refused("", "{ __typename }".to_owned(), json!({ "x": many })).await;
        }
        let Some(mut socket) = self.socket().await else { return };
        let query =
            format!("subscription {{ seatAvailability(seriesId: \"{}\") {{ version }} }}", self.house);
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": query, "variables": { "x": many } } });
        if socket.send(Message::text(subscribe.to_string())).await.is_err() {
            return self.refused();
        }
        match tokio::time::timeout(PATIENCE, socket.next()).await {
            Ok(Some(Ok(Message::Text(_)))) => self.let_through(),
            Ok(_) => self.refused(),
            Err(_) => {}
        }
    }

    /// Sends a request for the whole arena; the connection.
    async fn ask_for_the_arena(&self, n: usize) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        let body = json!({ "query": self.all_of_the_arena(n) }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.ok()?;
        Some(stream)
    }

    async fn unread_answers(self, n: usize) {
        let Some(mut stream) = self.ask_for_the_arena(n).await else { return };
        // It may have to wait for its turn to be written before it is waited for.
        pause((PATIENCE + WAIT).as_millis() as u64).await;
        // What the kernel has taken for us is there, and then the end.
        let mut read = Vec::new();
        match tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut read)).await {
            // All of it has some 14 MB.
            Ok(_) if read.len() < 10 << 20 => self.refused(),
            Ok(_) | Err(_) => self.let_through(),
        }
    }

    async fn socket(&self) -> Option<tokio_tungstenite::WebSocketStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.ok()?;
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.ok()?;
        socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.ok()?;
        socket.next().await?.ok()?;
        Some(socket)
    }

    fn subscribe(&self, id: usize) -> Message {
        let fields = format!("s{id}: status id number status");
        let query = format!(
            "subscription {{ seatAvailability(seriesId: \"{}\") {{ version seats {{ {fields} }} }} }}",
            self.arena
        );
        Message::text(
            json!({ "type": "subscribe", "id": id.to_string(), "payload": { "query": query } }).to_string(),
        )
    }

    async fn unread_snapshots(self, n: usize) {
        let Some(mut socket) = self.socket().await else { return };
        for id in 0..16 {
            if socket.send(self.subscribe(n * 16 + id)).await.is_err() {
                return self.refused();
            }
        }
        // They may have to wait for room before they are waited for.
        pause((PATIENCE + WAIT).as_millis() as u64).await;
        self.must_have_been_given_up(socket.into_inner()).await;
    }

    /// Reads what there is: what the kernel has taken for us, and then the end, or nothing more if all that was said fits
    /// into that. Whoever is still waited for gets a snapshot, which has some 10 MB.
    async fn must_have_been_given_up(&self, mut stream: TcpStream) {
        let mut read = 0;
        let mut buffer = vec![0; 64 << 10];
        let all = async {
            while let Ok(more @ 1..) = stream.read(&mut buffer).await {
                read += more;
            }
        };
        // It ended, or it did not.
        let _ = tokio::time::timeout(Duration::from_secs(3), all).await;
        if read < 4 << 20 { self.refused() } else { self.let_through() }
    }

    async fn loops(self, _: usize) {
        let Some(socket) = self.socket().await else { return };
        let (mut to, mut from) = socket.split();
        let refused = async {
            while let Some(Ok(message)) = from.next().await {
                let is_refusal = match &message {
                    Message::Text(text) => text.contains("RATE_LIMITED"),
                    other => other.is_close(),
                };
                if is_refusal {
                    return;
                }
            }
        };
        let loops = async {
            for id in 0..1_000 {
                let complete = json!({ "type": "complete", "id": id.to_string() }).to_string();
                if to.send(self.subscribe(id)).await.is_err()
                    || to.send(Message::text(complete)).await.is_err()
                {
                    return;
                }
            }
            // A snapshot may have to wait for room, and is waited for while nobody reads.
            pause((PATIENCE + WAIT).as_millis() as u64).await;
            self.let_through();
        };
        tokio::select! {
            () = refused => self.refused(),
            () = loops => {}
        }
    }

    async fn dribbles(self, _: usize) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        let head = format!("GET /graphql HTTP/1.1\r\nhost: {}\r\nx: ", self.address);
        for byte in head.bytes().chain(std::iter::repeat_n(b'y', PATIENCE.as_millis() as usize / 200)) {
            if stream.write_all(&[byte]).await.is_err() {
                return self.refused();
            }
            pause(200).await;
        }
        self.let_through();
    }

    async fn silent(self, _: usize) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        match tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await {
            Ok(_) => self.refused(),
            Err(_) => self.let_through(),
        }
    }

    async fn unfinished_messages(self, _: usize) {
        let Some(socket) = self.socket().await else { return };
        let mut stream = socket.into_inner();
        // A masked text frame of 200 KiB, of which a little comes now and then.
        let mut frame = vec![0x81, 0xff];
        frame.extend_from_slice(&(200_u64 << 10).to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.resize(14 + 64, b' ');
        for _ in 0..PATIENCE.as_millis() / 500 {
            if stream.write_all(&frame).await.is_err() {
                return self.refused();
            }
            frame = vec![b' '; 64];
            pause(500).await;
        }
        self.let_through();
    }

    async fn leavers(self, n: usize) {
        let stream = self.ask_for_the_arena(n).await;
        pause(10).await;
        drop(stream);
    }

    async fn arenas(self, _: usize) {
        let create = |k: usize| {
            format!(
                "a{k}: createSeries(input: {{ concertId: \"{}\", startAt: \"{BEGINS}\", endAt: \"{ENDS}\", \
                 reserveStartAt: \"{OPENS}\", reserveEndAt: \"{BEGINS}\", \
                 sections: [{{ name: \"A\", rows: 100, cols: 1000, price: 1 }}] }}) {{ id }} ",
                self.tour,
            )
        };
        let ten: String = (0..10).map(create).collect();
        self.ask_as(&self.organizer, format!("mutation {{ {ten} }}"), json!({})).await;
    }

    async fn joins(self, n: usize) {
        let join = |k: usize| {
            let input = format!("{{ seriesId: \"{}\", userId: \"bot-{n}-{k}\" }}", self.house);
            format!("a{k}: issueToken(input: {input}) {{ token }} ")
        };
        let names: String = (0..20).map(join).collect();
        self.ask(format!("mutation {{ {names} }}"), json!({})).await;
    }

    async fn nonsense(self, n: usize) {
        let long = "x".repeat(50_000);
        let search = "query($s: String!) { concerts(search: $s) { nodes { id } } }".to_owned();
        let (token, query, variables) = match n % 5 {
            0 => ("", search, json!({ "s": long })),
            1 => ("", "{".repeat(30_000), json!({})),
            2 => (
                "",
                format!("{{ concerts(search: \"{}\") {{ nodes {{ id }} }} }}", &long[..30_000]),
                json!({}),
            ),
            3 => (&long[..7_000], "{ __typename }".to_owned(), json!({})),
            _ => (
                "",
                "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
                json!({}),
            ),
        };
        self.must_be_refused(token, query, variables).await;
    }

    /// Opens more connections than one address may have, and asks on each of them.
    async fn too_many_connections(self) {
        let mut open = Vec::new();
        for _ in 0..TOO_MANY {
            if let Ok(stream) = TcpStream::connect(self.address).await {
                open.push(stream);
            }
        }
        let mut answered = 0;
        for stream in &mut open {
            let ask = format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
            let mut head = [0; 12];
            let asked = async {
                stream.write_all(ask.as_bytes()).await.ok()?;
                stream.read_exact(&mut head).await.ok()
            };
            if tokio::time::timeout(Duration::from_millis(300), asked).await.ok().flatten().is_some()
                && head.ends_with(b"200")
            {
                answered += 1;
            }
            self.count.tried.fetch_add(1, Ordering::Relaxed);
        }
        if answered == TOO_MANY { self.let_through() } else { self.refused() }
    }
}
