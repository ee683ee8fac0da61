//! The public audit suite and the real client library, run by Node against the toy server.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Once;

use crate::toy::Toy;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/js/graphql-http");

#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(PROJECT)
        .output()
        .unwrap_or_else(|error| panic!("this test needs Node.js 20 with npm: cannot run {program}: {error}"))
}

fn node(script: &str) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        if !Path::new(PROJECT).join("node_modules/.package-lock.json").exists() {
            let output = run("npm", &["ci", "--no-audit", "--no-fund"]);
            assert!(output.status.success(), "npm ci failed: {}", String::from_utf8_lossy(&output.stderr));
        }
    });
    let toy = Toy::start();
    let output = run("node", &[script, &toy.url()]);
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {told}\n{failed}");
}

#[test]
fn the_audits_of_graphql_http_pass() {
    node("audit.mjs");
}

#[test]
fn graphql_ws_and_graphql_js_are_content() {
    node("client.mjs");
}
