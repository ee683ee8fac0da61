//! A PostgreSQL of one test's own, to be crashed.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

pub(crate) struct OwnPostgres {
    folder: TempDir,
    pub(crate) url: String,
}

impl OwnPostgres {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = script(&["start"], folder.path());
        Self { folder, url }
    }

    /// As if the power had failed, and come back.
    pub(crate) fn crash_and_start(&self) {
        script(&["stop", "immediate"], self.folder.path());
        assert_eq!(script(&["start"], self.folder.path()), self.url);
    }
}

/// A PostgreSQL that does nothing until this is dropped.
pub(crate) struct Frozen(Vec<String>);

impl OwnPostgres {
    /// Stops it in the middle of whatever it does, and lets nobody go.
    pub(crate) fn freeze(&self) -> Frozen {
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

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        script(&["stop", "immediate"], self.folder.path());
    }
}

/// Runs scripts/postgres; what it says.
fn script(what: &[&str], folder: &Path) -> String {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres"));
    let output = command.arg(what[0]).arg(folder).args(&what[1..]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
