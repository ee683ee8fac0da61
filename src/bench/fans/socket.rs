//! A WebSocket to the server that speaks graphql-transport-ws, in as little memory and time as will do: there are many of
//! them.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::frames::{Heard, Reader, frame};

/// Sockets of one source address, well below the number of ports that Linux gives out by default (28,232).
const PER_SOURCE: usize = 25_000;

/// What is read at once.
const READ_BYTES: usize = 8 << 10;

/// A connection that the server has acknowledged.
pub(in crate::bench) struct Socket {
    stream: TcpStream,
    reader: Reader,
    /// Messages that came with others.
    heard: VecDeque<String>,
}

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
        let opened = Self::shake_hands(number, host).await;
        let mut socket = opened.map_err(|error| format!("socket {number}: {error}"))?;
        let payload =
            bearer.map_or_else(|| json!({}), |token| json!({ "authorization": format!("Bearer {token}") }));
        socket.say(&json!({ "type": "connection_init", "payload": payload })).await?;
        socket.expect("\"connection_ack\"").await?;
        Ok(socket)
    }

    async fn shake_hands(number: usize, host: SocketAddr) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if host.ip().is_loopback() {
            socket.bind((source(number, std::process::id()), 0).into())?;
        }
        let mut stream = socket.connect(host).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /graphql HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            return Err(std::io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
        Ok(Self { stream, reader: Reader::default(), heard: VecDeque::new() })
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
            if let Some(text) = self.heard.pop_front() {
                return Ok(text);
            }
            self.heard = VecDeque::new();
            let mut heard = VecDeque::new();
            self.hear_all(|text| heard.push_back(String::from_utf8_lossy(text).into_owned())).await?;
            self.heard = heard;
        }
    }

    /// Waits for something to come, and hands on every message of it.
    ///
    /// # Errors
    /// If the server ends the socket.
    pub(super) async fn hear_all(&mut self, each: impl FnMut(&[u8])) -> Result<(), String> {
        self.stream.readable().await.map_err(|error| error.to_string())?;
        if self.read(each)? {
            self.stream.write_all(&frame(10, b"")).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Reads what has come; whether a ping is to be answered. Not a part of the future that waits, which would keep the room
    /// for it.
    fn read(&mut self, mut each: impl FnMut(&[u8])) -> Result<bool, String> {
        let mut bytes = [0; READ_BYTES];
        let (mut is_pinged, mut closed) = (false, None);
        match self.stream.try_read(&mut bytes) {
            Ok(0) => return Err("the server dropped a socket".to_owned()),
            Ok(read) => self.reader.feed(&bytes[..read], |heard| match heard {
                Heard::Text(text) => each(text),
                Heard::Ping => is_pinged = true,
                Heard::Close(reason) => {
                    let reason = reason.get(2..).unwrap_or_default();
                    closed = Some(format!("the server closed a socket: {}", String::from_utf8_lossy(reason)));
                }
            }),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.to_string()),
        }
        closed.map_or(Ok(is_pinged), Err)
    }

    async fn say(&mut self, message: &Value) -> Result<(), String> {
        let frame = frame(1, message.to_string().as_bytes());
        self.stream.write_all(&frame).await.map_err(|error| error.to_string())
    }
}

/// An address of the loopback for this socket. Not that of another run: the ports of one that has just ended are taken for
/// another minute.
fn source(number: usize, run: u32) -> Ipv4Addr {
    let [.., high, low] = run.to_be_bytes();
    let third = u8::try_from(number / PER_SOURCE + 1).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, high, low, third)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_runs_share_no_ports() {
        assert_eq!(source(PER_SOURCE - 1, 0x0001_0203), Ipv4Addr::new(127, 2, 3, 1));
        assert_eq!(source(PER_SOURCE, 0x0001_0203), Ipv4Addr::new(127, 2, 3, 2));
    }
}
