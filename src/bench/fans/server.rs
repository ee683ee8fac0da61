//! The server that is measured: a process of its own, so that its memory is its own.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use chrono::TimeDelta;
use tempfile::TempDir;

use crate::{
    app,
    bench::memory::resident_bytes,
    clock::{Clock, Entropy},
    config::Layer,
    domain::{id::UserId, identity::Role},
};

/// A running `frontrow serve`, killed when this is dropped, with the folder it kept its data in.
pub(in crate::bench) struct Server {
    child: Child,
    /// Where it listens.
    pub(in crate::bench) address: SocketAddr,
    /// The identity token of an organiser.
    pub(in crate::bench) organizer: String,
    _data: TempDir,
}

impl Server {
    /// Starts this very program on a free port of the loopback, with open identities, these arguments and this file
    /// for its signing key; unless they say otherwise, with an empty database and a key of its own.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(in crate::bench) fn start(arguments: &[String], signing_key: Option<&Path>) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let signing_key = signing_key.map_or_else(|| data.path().join("signing.key"), Path::to_owned);
        let organizer = organizer_token(&signing_key)?;
        let program =
            std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--open-identities", "--data"])
            .arg(data.path())
            .arg("--signing-key")
            .arg(&signing_key)
            .args(arguments)
            .env_remove("FRONTROW_DATABASE_URL")
            .env_remove("FRONTROW_REDIS_URL")
            .env("FRONTROW_LOG", "info")
            .env("FRONTROW_RATE_LIMITS", "off")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the server cannot be started: {error}"))?;
        match address_of(&mut child) {
            Some(address) => Ok(Self { child, address, organizer, _data: data }),
            None => {
                stop(&mut child);
                Err("the server ended before it listened".to_owned())
            }
        }
    }

    /// The id of its process.
    pub(in crate::bench) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory in bytes.
    pub(in crate::bench) fn resident(&self) -> Option<u64> {
        resident_bytes(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn stop(child: &mut Child) {
    // If it has ended already there is nothing to stop.
    let _ = child.kill();
    let _ = child.wait();
}

/// With the key that the server will find there.
fn organizer_token(signing_key: &Path) -> Result<String, String> {
    let layer = Layer { signing_key: Some(PathBuf::from(signing_key)), ..Layer::default() };
    let config = layer.resolve().map_err(|mistakes| mistakes.join("; "))?;
    let until = Clock::system().now() + TimeDelta::days(1);
    app::keys(&config, &Entropy::system())?
        .identity_token(&UserId::from_stored("bench"), "Bench", &[Role::Organizer], until)
        .map_err(|error| error.to_string())
}

/// Reads the server's log until it says where it listens; what it says later is passed on.
fn address_of(child: &mut Child) -> Option<SocketAddr> {
    let mut log = BufReader::new(child.stderr.take()?);
    let mut line = String::new();
    let address = loop {
        line.clear();
        if log.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let address =
            line.split_once("listens on http://").and_then(|(_, rest)| rest.split_whitespace().next());
        if let Some(address) = address {
            break address.parse().ok()?;
        }
    };
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            // Without standard error there is nobody to tell.
            let _ = writeln!(io::stderr(), "server: {line}");
        }
    });
    Some(address)
}
