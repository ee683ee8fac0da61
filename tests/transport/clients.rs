//! The public audit suite and the real client library, run by Node against the toy server.

use crate::toy::Toy;
use test_support::Project;

static PROJECT: Project = Project::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/js/graphql-http"));

fn node(script: &str) {
    PROJECT.node(script, &Toy::start().url());
}

#[test]
fn the_audits_of_graphql_http_pass() {
    node("audit.mjs");
}

#[test]
fn graphql_ws_and_graphql_js_are_content() {
    node("client.mjs");
}
