//! A demo server on a port of its own, and its HTTP and WebSocket clients.

use std::{net::SocketAddr, time::Duration};

use chrono::TimeDelta;
use frontrow::{
    app::{self, App},
    clock::{Clock, Dice},
    config::Layer,
    demo,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_util::sync::CancellationToken;

/// How long an answer may take before the test fails: a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A demo server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// What the demo prints at its start.
    pub(crate) organizer_token: String,
    client: reqwest::Client,
    stop: CancellationToken,
    task: JoinHandle<Result<(), String>>,
    _data: tempfile::TempDir,
}

impl Running {
    /// Starts it with this clock.
    pub(crate) async fn start(clock: Clock) -> Self {
        let data = tempfile::tempdir().unwrap();
        let layer = Layer {
            demo: Some(true),
            listen: Some("127.0.0.1:0".to_owned()),
            data: Some(data.path().to_owned()),
            ..Layer::default()
        };
        let (config, dice) = (layer.resolve().unwrap(), Dice::system());
        let app = App::open(&config, clock.clone(), dice.clone()).await.unwrap();
        let (who, until) = (demo::organizer(), clock.now() + TimeDelta::days(1));
        let keys = app::keys(&config, &dice).unwrap();
        let organizer_token = keys.identity_token(&who.user, who.name.as_str(), &who.roles, until).unwrap();
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(app.run(listener, stop.clone().cancelled_owned()));
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { address, organizer_token, client, stop, task, _data: data }
    }

    /// Runs a query or a mutation; an error fails the test.
    pub(crate) async fn ask(&self, document: &str, variables: &Value, token: Option<&str>) -> Value {
        let request = self.client.post(format!("http://{}/graphql", self.address));
        let request = request.json(&json!({ "query": document, "variables": variables }));
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        data_of(answer, document)
    }

    /// The text at a path.
    pub(crate) async fn get(&self, path: &str) -> String {
        let answer = self.client.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Subscribes, and returns the first answer that is what was waited for.
    pub(crate) async fn watch(
        &self,
        document: &str,
        variables: &Value,
        token: Option<&str>,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        let subscribe = json!({ "query": document, "variables": variables });
        for message in [
            json!({ "type": "connection_init", "payload": payload }),
            json!({ "type": "subscribe", "id": "1", "payload": subscribe }),
        ] {
            socket.send(Message::text(message.to_string())).await.unwrap();
        }
        loop {
            let message = timeout(PATIENCE, socket.next()).await.expect("an answer in time");
            let Message::Text(text) = message.expect("the socket stays open").unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            match message["type"].as_str() {
                Some("connection_ack" | "ping") => {}
                Some("next") => {
                    let data = data_of(message["payload"].clone(), document);
                    if wanted(&data) {
                        return data;
                    }
                }
                _ => panic!("{document}{message}"),
            }
        }
    }

    /// Stops it as SIGTERM would.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.expect("it stops in time").unwrap().unwrap();
    }
}

fn data_of(mut answer: Value, document: &str) -> Value {
    assert!(answer.get("errors").is_none(), "{document}{answer}");
    answer["data"].take()
}
