//! A WebSocket of the protocol `graphql-transport-ws`.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::api::Unanswered;

/// How long an event may take: generous, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What comes in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The payload of a `next`.
    Next(Value),
    /// The subscription is over.
    Complete,
    /// The server closed the socket with this code.
    Close(u16),
    /// The connection was cut.
    Cut,
}

/// A socket after `connection_ack`.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Result<Self, Unanswered> {
        let stream = TcpStream::connect(address).await.map_err(|_| Unanswered)?;
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
        let (inner, _) = tokio_tungstenite::client_async(request, stream).await.map_err(|_| Unanswered)?;
        let mut socket = Self(inner);
        let hello =
            json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
        socket.send(&hello).await?;
        match socket.message().await {
            Ok(ack) if ack["type"] == "connection_ack" => Ok(socket),
            Ok(other) => panic!("not acknowledged: {other}"),
            Err(Incoming::Cut) => Err(Unanswered),
            Err(closed) => panic!("not acknowledged: {closed:?}"),
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), Unanswered> {
        self.0.send(Message::text(message.to_string())).await.map_err(|_| Unanswered)
    }

    pub(crate) async fn subscribe(
        &mut self,
        id: &str,
        query: &str,
        variables: Value,
    ) -> Result<(), Unanswered> {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "type": "subscribe", "id": id, "payload": payload })).await
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Incoming {
        match self.message().await {
            Ok(mut message) if message["type"] == "next" => {
                let mut payload = message["payload"].take();
                assert!(payload["errors"].is_null(), "{payload}");
                Incoming::Next(payload["data"].take())
            }
            Ok(message) if message["type"] == "complete" => Incoming::Complete,
            Ok(other) => panic!("unexpected: {other}"),
            Err(end) => end,
        }
    }

    /// The length of the next message, which is not read.
    pub(crate) async fn skip(&mut self) -> usize {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await;
            if let Some(Ok(Message::Text(text))) = frame.expect("the server says something in time") {
                return text.len();
            }
        }
    }

    async fn message(&mut self) -> Result<Value, Incoming> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match frame.expect("the server says something in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(Incoming::Close(frame.code.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return Err(Incoming::Cut),
            }
        }
    }
}
