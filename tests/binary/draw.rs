//! The draw of a lobby, checked by an outsider with the binary alone (rule 5).

use std::collections::BTreeSet;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};

use test_support::{
    Client, Incoming, Process, Socket, create_series,
    process::{err, identity, out, run},
};

/// The exit code of `verify-draw` and what it says.
fn verify(folder: &Path, draw: &Value) -> (i32, String) {
    std::fs::write(folder.join("draw.json"), draw.to_string()).unwrap();
    let output = run(folder, &["verify-draw", "draw.json"]);
    (output.status.code().unwrap(), format!("{}{}", out(&output), err(&output)))
}

/// Joins the waiting room; the token, its id, and whether it is in the lobby.
async fn join(api: &Client, series: &str, user: String) -> (String, String, bool) {
    let query =
        "mutation($series: ID!, $user: String!) { issueToken(input: { seriesId: $series, userId: $user }) {
        token tokenId position { status position } } }";
    let done = api.call("", query, json!({ "series": series, "user": user })).await.unwrap();
    let joined = &done["issueToken"];
    let text = |name: &str| joined[name].as_str().unwrap().to_owned();
    let in_lobby = joined["position"]["status"] == "WAITING" && joined["position"]["position"].is_null();
    (text("token"), text("tokenId"), in_lobby)
}

/// Watches a place until the lobby has been drawn.
async fn drawn(api: &Client, token: &str) {
    let mut socket = Socket::open(api.address(), token).await.unwrap();
    socket.subscribe("place", "subscription { queuePosition { status position } }", json!({})).await.unwrap();
    loop {
        match socket.next().await {
            Incoming::Next(next) if next["queuePosition"]["position"].is_null() => {}
            Incoming::Next(_) => return,
            other => panic!("{other:?}"),
        }
    }
}

async fn published(api: &Client, series: &str) -> Value {
    serde_json::from_str(&api.page(&format!("/draw/{series}")).await).unwrap()
}

#[tokio::test]
async fn a_published_draw_is_right_and_one_changed_byte_makes_it_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::open(folder.path());
    let api = Client::new(server.address);
    let organizer = identity(folder.path(), "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": 2 });

    let later = create_series(&api, &organizer, TimeDelta::days(1), policy.clone()).await;
    join(&api, &later, "early".to_owned()).await;
    let (code, said) = verify(folder.path(), &published(&api, &later).await);
    assert!(code == 1 && said.contains("has not been drawn yet"), "{said}");

    let series = create_series(&api, &organizer, TimeDelta::seconds(3), policy).await;
    let mut fans = Vec::new();
    for number in 0..12 {
        fans.push(join(&api, &series, format!("fan-{number}")).await);
    }
    // On a very busy machine the last of them come after the opening, and are behind the lobby.
    let lobby: BTreeSet<&str> = fans.iter().filter(|fan| fan.2).map(|fan| fan.1.as_str()).collect();
    assert!(lobby.len() >= 2, "{fans:?}");
    drawn(&api, &fans[0].0).await;

    let draw = published(&api, &series).await;
    let order: Vec<_> = draw["order"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), lobby);
    let (code, said) = verify(folder.path(), &draw);
    assert!(code == 0 && said.starts_with(&format!("the draw is right: {} places", lobby.len())), "{said}");

    for (name, changed) in forgeries(&draw) {
        let (code, said) = verify(folder.path(), &changed);
        assert!(code == 1 && said.starts_with("frontrow: the draw is wrong: "), "{name}: {said}");
    }
}

/// The draw with one hexadecimal digit changed, in each part of it.
fn forgeries(draw: &Value) -> Vec<(&'static str, Value)> {
    ["/commitment", "/secret", "/lobbyHash", "/lobby/0", "/order/0"]
        .into_iter()
        .map(|part| {
            let mut changed = draw.clone();
            let text = changed.pointer_mut(part).unwrap();
            let mut digits = text.as_str().unwrap().to_owned();
            let other = if digits.pop() == Some('0') { '1' } else { '0' };
            digits.push(other);
            *text = digits.into();
            (part, changed)
        })
        .collect()
}
