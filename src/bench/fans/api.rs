//! GraphQL over one kept-alive HTTP connection, in as few bytes as will do: thousands of joins share a few of these.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

/// A connection to the server.
pub(in crate::bench) struct Api {
    stream: BufStream<TcpStream>,
    host: SocketAddr,
    bearer: Option<String>,
}

impl Api {
    /// Connects, to speak as the owner of `bearer` or as nobody.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(in crate::bench) async fn connect(host: SocketAddr, bearer: Option<&str>) -> Result<Self, String> {
        let stream = TcpStream::connect(host).await.map_err(|error| format!("{host}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream: BufStream::new(stream), host, bearer: bearer.map(str::to_owned) })
    }

    /// Speaks as the owner of `bearer`, or as nobody, from now on.
    pub(in crate::bench) fn speak_as(&mut self, bearer: Option<String>) {
        self.bearer = bearer;
    }

    /// Runs one operation and returns its `data`.
    ///
    /// # Errors
    /// If the connection fails or the answer has errors.
    pub(in crate::bench) async fn run(&mut self, query: &str, variables: &Value) -> Result<Value, String> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = self.exchange(&body).await.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        match answer.get("errors") {
            Some(errors) => Err(errors.to_string()),
            None => Ok(answer["data"].take()),
        }
    }

    async fn exchange(&mut self, body: &str) -> std::io::Result<Vec<u8>> {
        self.stream.write_all(&request(self.host, self.bearer.as_deref(), body)).await?;
        self.stream.flush().await?;
        let mut answer = vec![0; self.content_length().await?];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    /// Reads a head. The server always states the length of an answer.
    async fn content_length(&mut self) -> std::io::Result<usize> {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap_or_default();
                }
                None if line.trim_end().is_empty() => return Ok(length),
                _ => {}
            }
        }
    }
}

/// The bytes of one request.
pub(in crate::bench) fn request(host: SocketAddr, bearer: Option<&str>, body: &str) -> Vec<u8> {
    let bearer = bearer.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: {host}\r\n{bearer}Content-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
