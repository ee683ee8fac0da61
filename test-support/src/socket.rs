//! A WebSocket of the protocol `graphql-transport-ws`.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::Unanswered;

/// How long an event may take: generous, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What comes in.
#[derive(Debug)]
pub enum Incoming {
    /// The payload of a `next`.
    Next(Value),
    /// The subscription is over.
    Complete,
    /// The server closed the socket with this code.
    Close(u16),
    /// The connection was cut.
    Cut,
}

/// An open socket. Whoever expects the server to live takes a [`crate::Watch`].
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a socket, shows the token, and waits for `connection_ack`.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, Unanswered> {
        let stream = TcpStream::connect(address).await.map_err(|_| Unanswered)?;
        let mut socket = Self::greeted(stream, Some(token)).await?;
        match socket.message().await {
            Ok(ack) if ack["type"] == "connection_ack" => Ok(socket),
            Ok(other) => panic!("not acknowledged: {other}"),
            Err(Incoming::Cut) => Err(Unanswered),
            Err(closed) => panic!("not acknowledged: {closed:?}"),
        }
    }

    /// Makes a socket of a connection and shows the token, without waiting for the answer.
    pub(crate) async fn greeted(stream: TcpStream, token: Option<&str>) -> Result<Self, Unanswered> {
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        Self::greeted_with(stream, json!(payload)).await
    }

    /// The same with whatever the first message is to carry.
    pub(crate) async fn greeted_with(stream: TcpStream, payload: Value) -> Result<Self, Unanswered> {
        let address = stream.peer_addr().map_err(|_| Unanswered)?;
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
        let (inner, _) = client_async(request, stream).await.map_err(|_| Unanswered)?;
        let mut socket = Self(inner);
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await?;
        Ok(socket)
    }

    /// Sends a message of the protocol.
    pub(crate) async fn send(&mut self, message: &Value) -> Result<(), Unanswered> {
        self.0.send(Message::text(message.to_string())).await.map_err(|_| Unanswered)
    }

    /// Subscribes, beside what the socket has subscribed to already.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) -> Result<(), Unanswered> {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "type": "subscribe", "id": id, "payload": payload })).await
    }

    /// What comes next.
    pub async fn next(&mut self) -> Incoming {
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

    /// Reads on, whatever is told, until the subscription is over: completed, closed, or cut with the connection.
    pub async fn over(&mut self) -> Incoming {
        loop {
            match self.message().await {
                Ok(message) if message["type"] == "complete" || message["type"] == "error" => {
                    return Incoming::Complete;
                }
                Ok(_) => {}
                Err(end) => return end,
            }
        }
    }

    /// The length of the next message, which is not read.
    pub async fn skip(&mut self) -> usize {
        loop {
            if let Some(Ok(Message::Text(text))) = self.frame().await {
                return text.len();
            }
        }
    }

    /// The next frame, whichever it is.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server says something in time")
    }

    /// The next frame, if one comes within this time.
    pub(crate) async fn frame_within(&mut self, time: Duration) -> Option<Option<Result<Message, Error>>> {
        tokio::time::timeout(time, self.0.next()).await.ok()
    }

    /// The next message of the protocol.
    pub(crate) async fn message(&mut self) -> Result<Value, Incoming> {
        loop {
            match self.frame().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(Incoming::Close(frame.code.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return Err(Incoming::Cut),
            }
        }
    }
}
