//! A WebSocket client made of bytes, for what a well-behaved client cannot do: stay silent, or not read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// The header that asks for the protocol.
pub(crate) const PROTOCOL: &str = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n";

/// Sends `request` and reads until the server has answered once.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// One frame of the server.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Text(Value),
    Ping,
    Pong(Vec<u8>),
    Close(u16),
    /// The connection ended.
    End,
}

/// One frame as it came: its first byte, and what it carries.
pub(crate) struct Part {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Asks for a WebSocket with these headers besides the usual ones; the status line if it is refused.
    pub(crate) fn ask(address: SocketAddr, headers: &str) -> Result<Self, String> {
        Self::ask_on(TcpStream::connect(address).unwrap(), address, headers)
    }

    /// The same on a connection that is there already.
    pub(crate) fn ask_on(mut stream: TcpStream, address: SocketAddr, headers: &str) -> Result<Self, String> {
        // A test that waits for what never comes fails instead of hanging.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = format!(
            "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        if head.starts_with("HTTP/1.1 101") { Ok(Self { stream }) } else { Err(head) }
    }

    /// Opens a socket, up to the upgrade.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::ask(address, PROTOCOL).unwrap()
    }

    /// The same, and acknowledged.
    pub(crate) fn ready(address: SocketAddr) -> Self {
        let mut raw = Self::open(address);
        raw.init(&json!(null));
        assert_eq!(raw.message(), json!({ "type": "connection_ack" }));
        raw
    }

    pub(crate) fn init(&mut self, payload: &Value) {
        self.send(&json!({ "type": "connection_init", "payload": payload }).to_string());
    }

    pub(crate) fn subscribe(&mut self, id: &str, query: &str) {
        self.send(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } }).to_string());
    }

    pub(crate) fn complete(&mut self, id: &str) {
        self.send(&json!({ "type": "complete", "id": id }).to_string());
    }

    /// The next frame, which must be a message.
    pub(crate) fn message(&mut self) -> Value {
        match self.read() {
            Frame::Text(message) => message,
            other => panic!("{other:?} instead of a message"),
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(1, text.as_bytes());
    }

    /// Sends a frame of this opcode, masked with zeros. What the server no longer takes is lost.
    pub(crate) fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(long).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        let _ = self.stream.write_all(&frame);
    }

    /// The next message, put together from its parts, or control frame.
    pub(crate) fn read(&mut self) -> Frame {
        let mut text = Vec::new();
        loop {
            let Some(Part { first, payload }) = self.part() else { return Frame::End };
            match first & 0x0f {
                0 | 1 => {
                    text.extend(payload);
                    if first & 0x80 != 0 {
                        return Frame::Text(serde_json::from_slice(&text).unwrap());
                    }
                }
                8 => return Frame::Close(u16::from_be_bytes([payload[0], payload[1]])),
                9 => return Frame::Ping,
                10 => return Frame::Pong(payload),
                other => panic!("opcode {other}"),
            }
        }
    }

    /// The next frame as it is; `None` at the end of the connection.
    pub(crate) fn part(&mut self) -> Option<Part> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.bytes())),
            127 => u64::from_be_bytes(self.bytes()),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).ok()?;
        Some(Part { first: head[0], payload })
    }

    /// Sends these bytes as they are; whether they were all taken.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// For what is not a frame.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}
