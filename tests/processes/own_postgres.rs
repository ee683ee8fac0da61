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
