//! The page about the draw: a lobby is drawn, and its draw is checked in both ways that the page shows.

use std::{
    fs::File,
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

use chrono::{DateTime, TimeDelta};
use frontrow::clock::Clock;
use serde_json::{Value, json};

use test_support::{Options, Server, process::binary};

const PAGE: &str = include_str!("../../docs/draw.md");

const JOIN: &str =
    "mutation ($input: IssueTokenInput!) { issueToken(input: $input) { tokenId problem { code } } }";

#[tokio::test]
async fn an_outsider_can_check_a_draw() {
    let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let server = Server::with(Options { demo: true, clock: clock.clone(), ..Options::default() }).await;
    let (series, commitment) = upcoming(&server).await;
    let mut lobby = Vec::new();
    for n in 0..5 {
        lobby.push(join(&server, &series, n).await);
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("draw.json");
    let before = published(&server, &series).await;
    assert_eq!((&before["commitment"], &before["secret"]), (&commitment, &Value::Null));
    // How many, and not who: that is for after the draw.
    assert_eq!((&before["places"], &before["lobby"]), (&json!(lobby.len()), &Value::Null));
    std::fs::write(&file, before.to_string()).unwrap();
    assert!(!verify_draw(&file));

    clock.advance(TimeDelta::minutes(5));
    // Whoever comes now is answered after the draw is journaled, and has no part in it.
    join(&server, &series, 5).await;
    let draw = published(&server, &series).await;
    assert_eq!((&draw["commitment"], &draw["lobby"]), (&commitment, &json!(lobby)));
    std::fs::write(&file, draw.to_string()).unwrap();
    assert!(verify_draw(&file));
    assert_ne!(script(&file), Some(false));

    // Another order, or other joins.
    for forged in ["order", "lobby"] {
        let mut draw = draw.clone();
        draw[forged].as_array_mut().unwrap().swap(1, 3);
        std::fs::write(&file, draw.to_string()).unwrap();
        assert!(!verify_draw(&file));
        assert_ne!(script(&file), Some(true));
    }
    server.stop().await;
}

/// The date of the demo that has a lobby, and its commitment.
async fn upcoming(server: &Server) -> (String, Value) {
    let query = "{ concerts(first: 1) { nodes { series { id status drawCommitment } } } }";
    let answer = server.stranger().ask(query, json!({})).await;
    let concerts = answer.field("concerts");
    let series = concerts["nodes"][0]["series"].as_array().unwrap();
    let found = series.iter().find(|series| series["status"] == "UPCOMING").unwrap();
    (found["id"].as_str().unwrap().to_owned(), found["drawCommitment"].clone())
}

async fn join(server: &Server, series: &str, n: u32) -> Value {
    let input = json!({ "input": { "seriesId": series, "userId": format!("fan-{n}") } });
    server.stranger().ask(JOIN, input).await.field("issueToken")["tokenId"].clone()
}

async fn published(server: &Server, series: &str) -> Value {
    server.get(&format!("/draw/{series}")).await
}

fn verify_draw(file: &Path) -> bool {
    Command::new(binary()).arg("verify-draw").arg(file).output().unwrap().status.success()
}

/// Runs the script of the page; `None` where there is no Python.
fn script(file: &Path) -> Option<bool> {
    let (_, rest) = PAGE.split_once("```python\n").unwrap();
    let (script, _) = rest.split_once("```").unwrap();
    let run =
        Command::new("python3").arg("-c").arg(script).stdin(Stdio::from(File::open(file).unwrap())).output();
    match run {
        Ok(output) => Some(output.status.success()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{error}"),
    }
}
