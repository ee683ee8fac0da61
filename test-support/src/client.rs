//! GraphQL over HTTP, as a front end speaks it: to one server, or to several as through a load balancer without any
//! knowledge of them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use frontrow::clock::Clock;
use serde_json::{Value, json};

use crate::Reply;

/// A call that hangs fails the test; generous, for a busy machine that makes 100,000 seats.
const PATIENCE: Duration = Duration::from_secs(300);

/// The server was gone before it answered: whether it acted is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered;

/// A client; its copies share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    servers: Arc<Servers>,
}

#[derive(Debug)]
struct Servers {
    addresses: Mutex<Vec<SocketAddr>>,
    next: AtomicUsize,
    /// Whoever gets no answer, or UNAVAILABLE, asks the next one after so long.
    again_after: Option<TimeDelta>,
    unavailable: AtomicUsize,
    unanswered: AtomicUsize,
}

impl Client {
    /// A client of one server, which is told when it got no answer.
    pub fn new(address: SocketAddr) -> Self {
        Self::with(vec![address], None, None)
    }

    /// The same, whose connections come from this address of the machine.
    pub fn from(home: IpAddr, address: SocketAddr) -> Self {
        Self::with(vec![address], None, Some(home))
    }

    /// A client that does not give up: whoever gets no answer, or UNAVAILABLE, asks the next server after a pause.
    pub fn of_all(addresses: Vec<SocketAddr>, pause: TimeDelta) -> Self {
        Self::with(addresses, Some(pause), None)
    }

    fn with(addresses: Vec<SocketAddr>, again_after: Option<TimeDelta>, home: Option<IpAddr>) -> Self {
        let http =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).local_address(home).build().unwrap();
        let zero = || AtomicUsize::new(0);
        let servers = Servers {
            addresses: Mutex::new(addresses),
            next: zero(),
            again_after,
            unavailable: zero(),
            unanswered: zero(),
        };
        Self { http, servers: Arc::new(servers) }
    }

    /// A server was started anew, there.
    pub fn moved(&self, number: usize, address: SocketAddr) {
        self.servers.addresses.lock().unwrap()[number] = address;
    }

    /// The server, or the next one.
    pub fn address(&self) -> SocketAddr {
        let addresses = self.servers.addresses.lock().unwrap();
        addresses[self.servers.next.fetch_add(1, Ordering::SeqCst) % addresses.len()]
    }

    /// Whether the caller is told of a call without an answer, instead of its being made again.
    pub fn gives_up(&self) -> bool {
        self.servers.again_after.is_none()
    }

    /// The pause of whoever does not give up.
    pub async fn rest(&self) {
        if let Some(pause) = self.servers.again_after {
            Clock::system().sleep(pause).await;
        }
    }

    /// How many calls had to be made again because the server said UNAVAILABLE, and how many because it said nothing.
    pub fn made_again(&self) -> (usize, usize) {
        let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        (count(&self.servers.unavailable), count(&self.servers.unanswered))
    }

    /// Runs an operation; the whole answer, which must come.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Reply {
        let answer = self.answer(token, query, variables).await;
        Reply(answer.unwrap_or_else(|Unanswered| panic!("no answer to {query}")))
    }

    /// Runs an operation; its `data`. An error of the operation fails the test.
    pub async fn call(&self, token: &str, query: &str, variables: Value) -> Result<Value, Unanswered> {
        let mut answer = self.answer(token, query, variables).await?;
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        Ok(answer["data"].take())
    }

    /// Runs an operation; the whole answer.
    pub async fn answer(&self, token: &str, query: &str, variables: Value) -> Result<Value, Unanswered> {
        self.post(token, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// Sends a body as it is; the whole answer.
    pub async fn post(&self, token: &str, body: String) -> Result<Value, Unanswered> {
        loop {
            let answer = self.post_once(token, body.clone()).await;
            if self.gives_up() {
                return answer;
            }
            let reason = match &answer {
                Err(Unanswered) => &self.servers.unanswered,
                Ok(answer) if answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE" => {
                    assert!(answer["errors"][0]["extensions"]["retryAfterMs"].is_number(), "{answer}");
                    &self.servers.unavailable
                }
                Ok(_) => return answer,
            };
            reason.fetch_add(1, Ordering::SeqCst);
            self.rest().await;
        }
    }

    async fn post_once(&self, token: &str, body: String) -> Result<Value, Unanswered> {
        let mut request = self.http.post(format!("http://{}/graphql", self.address()));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let sent = request.header("content-type", "application/json").body(body).send().await;
        let answer = match sent {
            Ok(answer) => answer.json().await,
            Err(error) => Err(error),
        };
        answer.map_err(|error| {
            assert!(!error.is_timeout(), "an answer took too long");
            Unanswered
        })
    }

    /// Gets a page unless it is the one that `known` is the tag of.
    pub async fn get(&self, path: &str, known: Option<&str>) -> reqwest::Response {
        let request = self.http.get(format!("http://{}{path}", self.address()));
        let request = match known {
            Some(tag) => request.header("If-None-Match", tag),
            None => request,
        };
        request.send().await.unwrap()
    }

    /// The body of a page.
    pub async fn page(&self, path: &str) -> String {
        let page = self.get(path, None).await;
        assert!(page.status().is_success(), "{path}: {}", page.status());
        page.text().await.unwrap()
    }
}
