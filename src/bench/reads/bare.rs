//! A handler that sends the same bytes to whoever asks, and nothing else: a process of its own, as the server is.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use axum::{Router, body::Bytes, http::header, routing::post, serve::ListenerExt};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

/// Serves the bytes of a file to whoever posts something, on a free port of the loopback, which it says.
///
/// # Errors
/// A sentence for the operator.
pub async fn serve(out: &mut impl Write, file: &Path) -> Result<bool, String> {
    let said = |error: io::Error| error.to_string();
    let body = Bytes::from(fs::read(file).map_err(said)?);
    let handler = move |_: Bytes| async move { ([(header::CONTENT_TYPE, "application/json")], body) };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
    writeln!(out, "{}", listener.local_addr().map_err(said)?).map_err(said)?;
    out.flush().map_err(said)?;
    let listener = listener.tap_io(|stream| {
        // Where it cannot be set, it is measured as it is.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().route("/graphql", post(handler))).await.map_err(said)?;
    Ok(true)
}

/// Such a process, killed when this is dropped.
pub(super) struct Bare {
    child: Child,
    pub(super) address: SocketAddr,
    _file: NamedTempFile,
}

impl Bare {
    /// Of this very program.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn start(body: &[u8]) -> Result<Self, String> {
        let said = |error: io::Error| format!("a handler to compare with cannot be started: {error}");
        let mut file = NamedTempFile::new().map_err(said)?;
        file.write_all(body).map_err(said)?;
        let mut child = Command::new(std::env::current_exe().map_err(said)?)
            .args(["bench", "bare"])
            .arg(file.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(said)?;
        let mut line = String::new();
        let told = child.stdout.take().map(BufReader::new).and_then(|mut out| out.read_line(&mut line).ok());
        let address = told.and_then(|_| line.trim().parse().ok());
        let mut bare = Self { child, address: ([127, 0, 0, 1], 0).into(), _file: file };
        bare.address = address.ok_or("a handler to compare with does not say where it listens")?;
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // If it has ended already there is nothing to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
