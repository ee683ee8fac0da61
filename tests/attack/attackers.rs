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
const DURATION: Duration = Duration::from_secs(20);

/// Whom to attack, and what has been tried.
#[derive(Clone)]
struct Attacker {
    address: SocketAddr,
    arena: Arc<str>,
    house: Arc<str>,
    tour: Arc<str>,
    organizer: Arc<str>,
    http: reqwest::Client,
    tried: Arc<AtomicUsize>,
}

type Attack = fn(Attacker, usize) -> BoxFuture<'static, ()>;

/// Each with how many do it at the same time.
const ATTACKS: [(&str, usize, Attack); 12] = [
    ("documents that would read everything", 4, |a, n| Box::pin(a.bombs(n))),
    ("large lists, each a little different", 4, |a, n| Box::pin(a.large_lists(n))),
    ("large answers that nobody reads", 40, |a, n| Box::pin(a.unread_answers(n))),
    ("snapshots that nobody reads", 40, |a, n| Box::pin(a.unread_snapshots(n))),
    ("subscribing and completing in a loop", 4, |a, n| Box::pin(a.loops(n))),
    ("headers that never end", 50, |a, n| Box::pin(a.dribbles(n))),
    ("connections that say nothing", 300, |a, n| Box::pin(a.silent(n))),
    ("messages that never end", 20, |a, n| Box::pin(a.unfinished_messages(n))),
    ("callers who go away", 4, |a, n| Box::pin(a.leavers(n))),
    ("an organiser who creates arenas", 2, |a, n| Box::pin(a.arenas(n))),
    ("joining under many names", 4, |a, n| Box::pin(a.joins(n))),
    ("nonsense", 4, |a, n| Box::pin(a.nonsense(n))),
];

/// Attacks for a while; prints what was tried.
pub(crate) fn run() {
    let target: Value = serde_json::from_str(&std::env::var(TARGET).unwrap()).unwrap();
    let text = |name: &str| Arc::from(target[name].as_str().unwrap());
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut counts = Vec::new();
        for (name, many, attack) in ATTACKS {
            let tried = Arc::new(AtomicUsize::new(0));
            for n in 0..many {
                let attacker = Attacker {
                    address: target["address"].as_str().unwrap().parse().unwrap(),
                    arena: text("arena"),
                    house: text("house"),
                    tour: text("tour"),
                    organizer: text("organizer"),
                    http: http.clone(),
                    tried: Arc::clone(&tried),
                };
                tokio::spawn(async move {
                    for round in 0.. {
                        attack(attacker.clone(), n + round * many).await;
                        attacker.tried.fetch_add(1, Ordering::Relaxed);
                        pause(5).await;
                    }
                });
            }
            counts.push((name, tried));
        }
        pause(DURATION.as_millis() as u64).await;
        for (name, tried) in counts {
            println!("{name}: {}", tried.load(Ordering::Relaxed));
        }
    });
    // Whatever still runs is cut off.
    runtime.shutdown_background();
}

#[expect(clippy::disallowed_methods, reason = "an attacker needs no clock that tests can move")]
async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

impl Attacker {
    async fn ask(&self, query: String, variables: Value) {
        self.ask_as("", query, variables).await;
    }

    async fn ask_as(&self, token: &str, query: String, variables: Value) {
        let request = self.http.post(format!("http://{}/graphql", self.address));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        // Refused in whatever way.
        if let Ok(answer) = request.json(&json!({ "query": query, "variables": variables })).send().await {
            let _ = answer.bytes().await;
        }
    }

    fn all_of_the_arena(&self, alias: usize) -> String {
        let fields = "id number row col section price status reserved";
        format!("{{ a{alias}: seats(seriesId: \"{}\") {{ n{alias}: number {fields} }} }}", self.arena)
    }

    async fn bombs(self, n: usize) {
        let twenty: String = (0..20)
            .map(|k| format!("a{k}: seats(seriesId: \"{}\") {{ id number section }} ", self.arena))
            .collect();
        let bombs = [
            "{concerts(first:1){nodes{series{seats{series{seats{id}}}}}}}".to_owned(),
            format!("{{ {twenty} }}"),
            "{ concerts(first: 100) { nodes { series { id concert { series { id concert { series { id } } } } } } } }".to_owned(),
            format!("{{ series(concertId: \"{}\") {{ seats {{ id }} more: seats {{ id }} }} }}", self.tour),
            format!("{{ ...F0 }} {} fragment F25 on Query {{ __typename }}", (0..25).map(|k| format!("fragment F{k} on Query {{ ...F{0} ...F{0} }} ", k + 1)).collect::<String>()),
            format!("{{ __schema {{ {} }} }}", (0..49).map(|k| format!("a{k}: types {{ fields {{ args {{ name }} }} }} ")).collect::<String>()),
        ];
        self.ask(bombs[n % bombs.len()].clone(), json!({})).await;
    }

    async fn large_lists(self, n: usize) {
        self.ask(self.all_of_the_arena(n), json!({})).await;
    }

    async fn unread_answers(self, n: usize) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        let body = json!({ "query": self.all_of_the_arena(n) }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes()).await;
        // Until the server has had enough of it.
        let _ = tokio::time::timeout(DURATION, stream.ready(tokio::io::Interest::ERROR)).await;
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
                return;
            }
        }
        let stream = socket.get_ref();
        let _ = tokio::time::timeout(DURATION, stream.ready(tokio::io::Interest::ERROR)).await;
    }

    async fn loops(self, _: usize) {
        let Some(mut socket) = self.socket().await else { return };
        for id in 0..1_000 {
            let complete = Message::text(json!({ "type": "complete", "id": id.to_string() }).to_string());
            if socket.send(self.subscribe(id)).await.is_err() || socket.send(complete).await.is_err() {
                return;
            }
        }
    }

    async fn dribbles(self, _: usize) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        for byte in "GET /graphql HTTP/1.1\r\nhost: a\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy".bytes() {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            pause(500).await;
        }
    }

    async fn silent(self, _: usize) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        let _ = tokio::time::timeout(DURATION, stream.read(&mut [0; 1])).await;
    }

    async fn unfinished_messages(self, _: usize) {
        let Some(socket) = self.socket().await else { return };
        let mut stream = socket.into_inner();
        // A masked text frame of 200 KiB, of which a byte comes now and then.
        let mut frame = vec![0x81, 0xff];
        frame.extend_from_slice(&(200_u64 << 10).to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        if stream.write_all(&frame).await.is_err() {
            return;
        }
        while stream.write_all(&[b' '; 64]).await.is_ok() {
            pause(500).await;
        }
    }

    async fn leavers(self, n: usize) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        let body = json!({ "query": self.all_of_the_arena(n) }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes()).await;
        pause(10).await;
    }

    async fn arenas(self, _: usize) {
        let create = |k: usize| {
            format!(
                "a{k}: createSeries(input: {{ concertId: \"{}\", startAt: \"{}\", endAt: \"{}\", reserveStartAt: \"{}\", reserveEndAt: \"{}\", \
                 sections: [{{ name: \"A\", rows: 100, cols: 1000, price: 1 }}] }}) {{ id }} ",
                self.tour, BEGINS, ENDS, OPENS, BEGINS,
            )
        };
        let ten: String = (0..10).map(create).collect();
        self.ask_as(&self.organizer, format!("mutation {{ {ten} }}"), json!({})).await;
    }

    async fn joins(self, n: usize) {
        let names: String = (0..20)
            .map(|k| {
                format!(
                    "a{k}: issueToken(input: {{ seriesId: \"{}\", userId: \"bot-{n}-{k}\" }}) {{ token }} ",
                    self.house
                )
            })
            .collect();
        self.ask(format!("mutation {{ {names} }}"), json!({})).await;
    }

    async fn nonsense(self, n: usize) {
        let long = "x".repeat(50_000);
        match n % 5 {
            0 => {
                self.ask(
                    "query($s: String) { concerts(search: $s) { nodes { id } } }".to_owned(),
                    json!({ "s": long }),
                )
                .await
            }
            1 => self.ask("{".repeat(30_000), json!({})).await,
            2 => {
                self.ask(
                    format!("{{ concerts(search: \"{}\") {{ nodes {{ id }} }} }}", &long[..30_000]),
                    json!({}),
                )
                .await
            }
            3 => self.ask_as(&long[..7_000], "{ __typename }".to_owned(), json!({})).await,
            _ => {
                self.ask(
                    "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
                    json!({ "a": [[[[]]]] }),
                )
                .await
            }
        }
    }
}
