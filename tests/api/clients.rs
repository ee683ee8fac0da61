//! The clients that front ends are built with, run by Node against a real server.

use serde_json::json;

use test_support::{Options, Plan, Project, Server};

static PROJECT: Project = Project::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/js/clients"));

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
        tokio::task::spawn_blocking(move || PROJECT.node(script, &settings.to_string())).await.unwrap();
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
