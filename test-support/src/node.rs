//! A Node project of the tests, installed once and run.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Once,
};

/// A folder with a package.json, whose packages get installed.
#[derive(Debug)]
pub struct Project {
    folder: &'static str,
    installed: Once,
}

impl Project {
    /// In this folder.
    pub const fn new(folder: &'static str) -> Self {
        Self { folder, installed: Once::new() }
    }

    /// Runs one of its scripts, which must succeed.
    #[track_caller]
    pub fn node(&self, script: &str, argument: &str) {
        self.installed.call_once(|| {
            if !Path::new(self.folder).join("node_modules/.package-lock.json").exists() {
                let output = self.run("npm", &["ci", "--no-audit", "--no-fund"]);
                assert!(
                    output.status.success(),
                    "npm ci failed: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        });
        let output = self.run("node", &[script, argument]);
        let (told, failed) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{script}: {told}\n{failed}");
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program).args(arguments).current_dir(self.folder).output().unwrap_or_else(|error| {
            panic!("this test needs Node.js 20 with npm: cannot run {program}: {error}")
        })
    }
}
