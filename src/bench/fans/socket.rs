//! A WebSocket to the server that speaks graphql-transport-ws, in as little memory as will do: there are many of them.

use std::net::{Ipv4Addr, SocketAddr};

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

/// Sockets of one source address, well below the number of ports that Linux gives out by default (28,232).
const PER_SOURCE: usize = 25_000;

/// Ours must not be what is measured.
const BUFFER_BYTES: usize = 1 << 10;

/// A connection that the server has acknowledged.
pub(in crate::bench) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects the socket with this number, as the owner of `bearer` or as nobody.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(in crate::bench) async fn open(
        number: usize,
        host: SocketAddr,
        bearer: Option<&str>,
    ) -> Result<Self, String> {
        let mut socket =
            Self(handshake(number, host).await.map_err(|error| format!("socket {number}: {error}"))?);
        let payload =
            bearer.map_or_else(|| json!({}), |token| json!({ "authorization": format!("Bearer {token}") }));
        socket.say(&json!({ "type": "connection_init", "payload": payload })).await?;
        socket.expect("\"connection_ack\"").await?;
        Ok(socket)
    }

    /// Begins the operation with this number.
    ///
    /// # Errors
    /// If the socket is gone.
    pub(in crate::bench) async fn subscribe(&mut self, nth: usize, payload: &Value) -> Result<(), String> {
        self.say(&json!({ "type": "subscribe", "id": nth.to_string(), "payload": payload })).await
    }

    /// Waits for a message that contains this.
    ///
    /// # Errors
    /// If the next message is another.
    pub(in crate::bench) async fn expect(&mut self, what: &str) -> Result<(), String> {
        let text = self.hear().await?;
        if text.contains(what) { Ok(()) } else { Err(format!("expected {what}, the server said {text}")) }
    }

    /// The next message.
    ///
    /// # Errors
    /// If the server ends the socket first.
    pub(in crate::bench) async fn hear(&mut self) -> Result<String, String> {
        loop {
            match self.0.next().await {
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

    async fn say(&mut self, message: &Value) -> Result<(), String> {
        self.0.send(Message::text(message.to_string())).await.map_err(|error| error.to_string())
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

/// An address of the loopback for this socket. Not that of another run: the ports of one that has just ended are taken for
/// another minute.
fn source(number: usize, run: u32) -> Result<Ipv4Addr, std::num::TryFromIntError> {
    let [.., high, low] = run.to_be_bytes();
    Ok(Ipv4Addr::new(127, high, low, u8::try_from(number / PER_SOURCE + 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_runs_share_no_ports() {
        assert_eq!(source(PER_SOURCE - 1, 0x0001_0203).unwrap(), Ipv4Addr::new(127, 2, 3, 1));
        assert_eq!(source(PER_SOURCE, 0x0001_0203).unwrap(), Ipv4Addr::new(127, 2, 3, 2));
    }
}
