//! A PostgreSQL of one test's own, to be crashed.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Ends with its test.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    /// With the name of a database and a user who may create others.
    pub url: String,
}

impl PostgresServer {
    /// With scripts/postgres, in a folder of its own.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = script(&["start"], folder.path());
        Self { folder, url }
    }

    /// A replica of it, which has everything that was committed before this is called, and follows.
    pub fn standby(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = script(&["standby", self.folder.path().to_str().unwrap()], folder.path());
        Self { folder, url }
    }

    /// A replica goes its own way.
    pub fn promote(&self) {
        script(&["promote"], self.folder.path());
    }

    /// In order.
    pub fn stop(&self) {
        script(&["stop"], self.folder.path());
    }

    /// As if the power had failed.
    pub fn crash(&self) {
        script(&["stop", "immediate"], self.folder.path());
    }

    /// Starts what has stopped.
    pub fn start_again(&self) {
        assert_eq!(script(&["start"], self.folder.path()), self.url);
    }

    /// As if the power had failed, and come back.
    pub fn crash_and_start(&self) {
        self.crash();
        self.start_again();
    }
}

/// A PostgreSQL that does nothing until this is dropped.
#[derive(Debug)]
pub struct Frozen(Vec<String>);

impl PostgresServer {
    /// Stops it in the middle of whatever it does, and lets nobody go.
    pub fn freeze(&self) -> Frozen {
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        signal("STOP", std::slice::from_ref(&pid));
        // From here on it has no new children.
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &pid]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let children: Vec<_> = children.split_whitespace().map(str::to_owned).collect();
        assert!(!children.is_empty());
        signal("STOP", &children);
        Frozen([vec![pid], children].concat())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

fn signal(name: &str, pids: &[String]) {
    // One that has ended meanwhile does not matter.
    let _ = Command::new("kill").arg(format!("-{name}")).args(pids).status();
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.crash();
        }
    }
}

/// Runs scripts/postgres; what it says.
fn script(what: &[&str], folder: &Path) -> String {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/postgres"));
    let output = command.arg(what[0]).arg(folder).args(&what[1..]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
