//! One fan: a socket, its subscriptions, and the moment at which the good news arrives.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header},
        protocol::WebSocketConfig,
    },
};

use super::{
    Admission,
    crowd::{Places, SESSION},
};
use crate::clock::Clock;

/// Sockets of one source address, well below the number of ports that Linux gives out by default (28,232).
const PER_SOURCE: usize = 25_000;

/// Ours must not be what is measured.
const BUFFER_BYTES: usize = 1 << 10;

const SUBSCRIPTION: &str = "subscription { queuePosition { tokenId status position waiting estimatedWaitSeconds \
                            admittedUntil availableSeats } }";

/// For a fan with places in several dates.
const SUBSCRIPTION_BY_ID: &str = "subscription ($id: ID!) { queuePosition(tokenId: $id) { tokenId status position \
                                  waiting estimatedWaitSeconds admittedUntil availableSeats } }";

/// A fan whose subscriptions have all answered once.
pub(super) struct Fan {
    socket: WebSocketStream<TcpStream>,
    /// The subscriptions, by number, that have not told of an admission yet.
    waiting: Vec<usize>,
}

impl Fan {
    /// Connects and subscribes to every place.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) async fn open(number: usize, host: SocketAddr, places: &Places) -> Result<Self, String> {
        let socket = handshake(number, host).await.map_err(|error| format!("fan {number}: {error}"))?;
        let mut fan = Self { socket, waiting: (0..places.ids.len()).collect() };
        let authorization = format!("Bearer {}", places.jwt);
        fan.say(&json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await?;
        fan.expect("\"connection_ack\"").await?;
        for (nth, id) in places.ids.iter().enumerate() {
            let payload = match places.ids.len() {
                1 => json!({ "query": SUBSCRIPTION }),
                _ => json!({ "query": SUBSCRIPTION_BY_ID, "variables": { "id": id } }),
            };
            fan.say(&json!({ "type": "subscribe", "id": nth.to_string(), "payload": payload })).await?;
            fan.expect("\"next\"").await?;
        }
        Ok(fan)
    }

    /// Listens until the next of the places is admitted; `None` once all are. `heard` counts the messages.
    ///
    /// # Errors
    /// If the server ends the socket or a subscription first.
    pub(super) async fn wait(
        &mut self,
        clock: &Clock,
        heard: &AtomicU64,
    ) -> Result<Option<Admission>, String> {
        while !self.waiting.is_empty() {
            let text = self.hear().await?;
            let now = clock.now();
            heard.fetch_add(1, Ordering::Relaxed);
            if text.contains("\"ADMITTED\"") {
                let (nth, at) = admitted(&text)?;
                // News of a place that is admitted already is none.
                if let Some(found) = self.waiting.iter().position(|waits| *waits == nth) {
                    self.waiting.swap_remove(found);
                    let delay = u64::try_from((now - at).num_milliseconds()).unwrap_or_default();
                    return Ok(Some(Admission { at: at.timestamp_millis(), delay }));
                }
            }
        }
        Ok(None)
    }

    /// Stays, so that its subscriptions go on costing what they cost.
    pub(super) async fn stay(mut self, heard: &AtomicU64) {
        while self.hear().await.is_ok() {
            heard.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn say(&mut self, message: &Value) -> Result<(), String> {
        self.socket.send(Message::text(message.to_string())).await.map_err(|error| error.to_string())
    }

    async fn expect(&mut self, what: &str) -> Result<(), String> {
        let text = self.hear().await?;
        if text.contains(what) { Ok(()) } else { Err(format!("expected {what}, the server said {text}")) }
    }

    async fn hear(&mut self) -> Result<String, String> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(format!("the server closed a socket: {frame:?}"));
                }
                // The answer to a ping is written as we go on reading.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("the server dropped a socket".to_owned()),
            }
        }
    }
}

async fn handshake(
    number: usize,
    host: SocketAddr,
) -> Result<WebSocketStream<TcpStream>, Box<dyn std::error::Error + Send + Sync>> {
    let socket = TcpSocket::new_v4()?;
    if host.ip().is_loopback() {
        socket.bind((source(number, std::process::id())?, 0).into())?;
    }
    let stream = socket.connect(host).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{host}/graphql").into_client_request()?;
    request
        .headers_mut()
        .insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("graphql-transport-ws"));
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
    Ok(client_async_with_config(request, stream, Some(config)).await?.0)
}

/// An address of the loopback for this fan. Not that of another run: the ports of one that has just ended are taken for
/// another minute.
fn source(number: usize, run: u32) -> Result<Ipv4Addr, std::num::TryFromIntError> {
    let [.., high, low] = run.to_be_bytes();
    Ok(Ipv4Addr::new(127, high, low, u8::try_from(number / PER_SOURCE + 1)?))
}

/// Which subscription it was, and when. The session began with the admission, and its length is ours.
fn admitted(text: &str) -> Result<(usize, DateTime<Utc>), String> {
    let message: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let nth = message["id"].as_str().and_then(|id| id.parse().ok());
    let until = &message["payload"]["data"]["queuePosition"]["admittedUntil"];
    let until = until.as_str().and_then(|until| until.parse::<DateTime<Utc>>().ok());
    let told = nth.zip(until).map(|(nth, until)| (nth, until - SESSION));
    told.ok_or_else(|| format!("an admission without an end: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_and_runs_share_no_ports() {
        assert_eq!(source(PER_SOURCE - 1, 0x0001_0203).unwrap(), Ipv4Addr::new(127, 2, 3, 1));
        assert_eq!(source(PER_SOURCE, 0x0001_0203).unwrap(), Ipv4Addr::new(127, 2, 3, 2));
    }

    #[test]
    fn the_admission_is_one_session_before_its_end() {
        let text = r#"{"id":"1","type":"next","payload":{"data":{"queuePosition":
            {"status":"ADMITTED","admittedUntil":"2026-11-02T10:00:00.250Z"}}}}"#;
        let (nth, at) = admitted(text).unwrap();
        assert_eq!((nth, at.to_rfc3339().as_str()), (1, "2026-11-01T10:00:00.250+00:00"));
        assert!(admitted(&text.replace("2026", "soon")).is_err());
    }
}
