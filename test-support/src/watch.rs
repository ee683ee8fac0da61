//! One subscription over `graphql-transport-ws`, on a socket of its own.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::Socket;

/// How long nothing may come before a server is taken to have nothing more to say.
const SILENCE: Duration = Duration::from_secs(20);

/// A subscription to a server that lives.
#[derive(Debug)]
pub struct Watch(Socket);

impl Watch {
    /// Opens a socket, shows the token, and subscribes.
    pub async fn open(to: SocketAddr, bearer: Option<&str>, query: &str, variables: Value) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        Self::over(stream, bearer, query, variables).await
    }

    /// The same with a receive buffer so small that the server soon notices if nobody reads.
    pub async fn narrow(to: SocketAddr, query: &str, variables: Value) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        Self::over(socket.connect(to).await.unwrap(), None, query, variables).await
    }

    async fn over(stream: TcpStream, bearer: Option<&str>, query: &str, variables: Value) -> Self {
        let mut watch = Self::greeted(stream, bearer).await;
        assert_eq!(watch.message().await["type"], "connection_ack");
        watch.subscribe(query, variables).await;
        watch
    }

    /// Opens a socket, on which nothing is asked yet.
    pub async fn ready(to: SocketAddr) -> Self {
        Self::ready_with(to, Value::Null).await
    }

    /// The same with this in its first message.
    pub async fn ready_with(to: SocketAddr, payload: Value) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let mut watch = Self(Socket::greeted_with(stream, payload).await.unwrap());
        assert_eq!(watch.message().await["type"], "connection_ack");
        watch
    }

    /// Asks for something, in whatever words.
    pub async fn ask(&mut self, payload: Value) {
        self.send(&json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    }

    /// Opens a socket and shows the token, without waiting for the answer.
    pub async fn greet(to: SocketAddr, bearer: &str) -> Self {
        Self::greeted(TcpStream::connect(to).await.unwrap(), Some(bearer)).await
    }

    async fn greeted(stream: TcpStream, bearer: Option<&str>) -> Self {
        Self(Socket::greeted(stream, bearer).await.unwrap())
    }

    /// Subscribes on the socket, once what was subscribed to before is over.
    pub async fn subscribe(&mut self, query: &str, variables: Value) {
        self.subscribe_as("1", query, variables).await;
    }

    /// Subscribes beside what the socket has subscribed to already.
    pub async fn subscribe_as(&mut self, id: &str, query: &str, variables: Value) {
        self.0.subscribe(id, query, variables).await.unwrap();
    }

    /// What the server says before it hears this.
    pub async fn said_so_far(&mut self) -> Vec<Value> {
        self.send(&json!({ "type": "ping", "payload": { "heard": true } })).await;
        let mut said = Vec::new();
        loop {
            let message = self.message().await;
            if message["type"] == "pong" {
                return said;
            }
            said.push(message);
        }
    }

    /// The next message; `None` if the server closes the socket instead.
    pub async fn answer(&mut self) -> Option<Value> {
        match self.0.frame().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).ok(),
            Some(Ok(Message::Close(_))) => None,
            other => panic!("{other:?} instead of a message or a close"),
        }
    }

    /// The code with which the server closes the socket without another word.
    pub async fn closed(&mut self) -> u16 {
        match self.0.frame().await.expect("a close has a frame").unwrap() {
            Message::Close(Some(frame)) => frame.code.into(),
            other => panic!("{other:?} instead of a close"),
        }
    }

    async fn send(&mut self, message: &Value) {
        self.0.send(message).await.unwrap();
    }

    /// The next message, whatever it says.
    pub async fn message(&mut self) -> Value {
        self.0.message().await.unwrap_or_else(|end| panic!("{end:?} instead of a message"))
    }

    /// The next value of the subscribed field; `None` once the stream has completed.
    pub async fn next(&mut self) -> Option<Value> {
        let data = self.next_data().await?;
        Some(data.as_object().unwrap().values().next().unwrap().clone())
    }

    /// The next `data`; `None` once the stream has completed.
    pub async fn next_data(&mut self) -> Option<Value> {
        let message = self.message().await;
        match message["type"].as_str() {
            Some("complete") => None,
            Some("next") if message["payload"].get("errors").is_none() => {
                Some(message["payload"]["data"].clone())
            }
            _ => panic!("{message}"),
        }
    }

    /// The next value that is as wanted; what comes before is passed over.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let value = self.next().await.expect("the stream goes on until what is waited for");
            if wanted(&value) {
                return value;
            }
        }
    }

    /// The server has nothing to say now. It hears a ping before it looks at what its streams have to say; so they have
    /// had their turn when the pong of a later one comes.
    pub async fn is_quiet(&mut self) {
        for _ in 0..3 {
            self.send(&json!({ "type": "ping" })).await;
            let message = self.message().await;
            assert_eq!(message["type"], "pong", "{message}");
        }
    }

    /// Reads on until a value says that something was missed, or the server has cut the connection; false if the
    /// server has nothing more to say.
    pub async fn misses_something(&mut self, told: impl Fn(&Value) -> bool) -> bool {
        while let Some(next) = self.0.frame_within(SILENCE).await {
            match next {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    let data = message["payload"]["data"].as_object().unwrap();
                    if data.values().any(&told) {
                        return true;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return true,
            }
        }
        false
    }

    /// The code with which the subscription was refused.
    pub async fn refusal(&mut self) -> String {
        self.refusal_in_words().await.0
    }

    /// The same with the message.
    pub async fn refusal_in_words(&mut self) -> (String, String) {
        let message = self.message().await;
        let errors =
            if message["type"] == "error" { &message["payload"] } else { &message["payload"]["errors"] };
        let code = errors[0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{message}"));
        (code.to_owned(), errors[0]["message"].as_str().unwrap_or_default().to_owned())
    }
}
