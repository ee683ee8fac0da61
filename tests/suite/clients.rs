//! The clients that front ends are built with, run by Node against a real server.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Once,
};

use serde_json::{Value, json};

use crate::support::{Options, Plan, Server};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/js/clients");

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(PROJECT)
        .output()
        .unwrap_or_else(|error| panic!("this test needs Node.js 20 with npm: cannot run {program}: {error}"))
}

fn node(script: &str, settings: &Value) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        if !Path::new(PROJECT).join("node_modules/.package-lock.json").exists() {
            let output = run("npm", &["ci", "--no-audit", "--no-fund"]);
            assert!(output.status.success(), "npm ci failed: {}", String::from_utf8_lossy(&output.stderr));
        }
    });
    let output = run("node", &[script, &settings.to_string()]);
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {told}\n{failed}");
}

/// Runs the script where documents may be named by their hashes, and where not.
async fn is_content(script: &'static str) {
    for persisted in [true, false] {
        let settings: fn(&mut frontrow::config::Config) =
            if persisted { |_| {} } else { |config| config.persisted_queries = false };
        let server = Server::with(Options { settings, ..Options::default() }).await;
        let date = server.organizer().date(Plan::default()).await;
        let settings = json!({
            "url": format!("http://{}/graphql", server.address),
            "persisted": persisted,
            "run": persisted,
            "concert": date.concert,
            "series": date.series,
            "fan": server.fan("ann").bearer,
            "forged": "a.b.c",
        });
        tokio::task::spawn_blocking(move || node(script, &settings)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_client_is_content() {
    is_content("apollo.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urql_is_content() {
    is_content("urql.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_and_its_compiler_are_content() {
    is_content("relay.mjs").await;
}
