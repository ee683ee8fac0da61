//! `/draw/{seriesId}`: written once, streamed from its file, and known by its tag (rule 5).

use std::{collections::BTreeSet, fs, path::PathBuf};

use frontrow::domain::{id::TokenId, lobby};
use futures_util::future::join_all;
use serde_json::{Value, json};

use test_support::{Date, Plan, Server, secs, text};

/// A date whose sale opens in a minute, with so many in its lobby, of whom one has left.
async fn lobby_of(server: &Server, fans: usize) -> (Date, Vec<String>) {
    let date = server.organizer().date(Plan { opens: secs(60), ..Plan::default() }).await;
    let mut tokens = Vec::new();
    for number in 0..fans {
        let mut fan = server.fan(&format!("fan-{number}"));
        fan.join(&date.series).await;
        tokens.push(fan.token.clone());
        if number == 1 {
            fan.leave().await;
        }
    }
    (date, tokens)
}

fn ids(list: &Value) -> Vec<TokenId> {
    list.as_array().unwrap().iter().map(|id| text(id).parse().unwrap()).collect()
}

/// The files of draws, of this server.
fn files(server: &Server) -> BTreeSet<PathBuf> {
    // Made when the first is written.
    let folder = fs::read_dir(server.config.data.join("draws"));
    folder.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

fn tag(answer: &reqwest::Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn before_the_draw_there_are_the_commitment_and_the_number_of_places() {
    let server = Server::start().await;
    let (date, _) = lobby_of(&server, 3).await;
    let answer = server.page(&format!("/draw/{}", date.series), Some("*")).await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("etag")), (200, None));
    let query = "query($id: ID!) { series(concertId: $id) { drawCommitment drawSecret lobbyHash } }";
    let series = server.stranger().ask(query, json!({ "id": date.concert })).await.field("series");
    assert_eq!((&series[0]["drawSecret"], &series[0]["lobbyHash"]), (&Value::Null, &Value::Null));
    let expected = json!({
        "seriesId": date.series, "commitment": series[0]["drawCommitment"], "secret": null, "lobbyHash": null,
        "order": [], "places": 3,
    });
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    assert_eq!(files(&server), BTreeSet::new());
    for (path, status) in [("nonsense", 400), ("0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f", 404)] {
        assert_eq!(server.page(&format!("/draw/{path}"), None).await.status(), status);
    }
}

#[tokio::test]
async fn a_draw_is_written_once_and_known_by_its_tag() {
    let server = Server::start().await;
    let (date, tokens) = lobby_of(&server, 20).await;
    server.advance(secs(60), &date.series).await;
    let path = format!("/draw/{}", date.series);
    // Who asks at the same time gets the same, and it is written once.
    let answers = join_all((0..30).map(|_| server.page(&path, None))).await;
    let tags: BTreeSet<_> = answers.iter().map(tag).collect();
    assert!(answers.iter().all(|answer| answer.status() == 200) && tags.len() == 1, "{tags:?}");
    let (written, tag) = (files(&server), tags.into_iter().next().unwrap());
    assert_eq!(written.len(), 1);

    let draw: Value = server.get(&path).await;
    let (lobby, order) = (ids(&draw["lobby"]), ids(&draw["order"]));
    assert_eq!(draw["lobby"], json!(tokens));
    assert_eq!(draw["places"], 20);
    let (commitment, secret, hash) =
        (text(&draw["commitment"]), text(&draw["secret"]), text(&draw["lobbyHash"]));
    let shown = lobby::Evidence {
        commitment: &commitment,
        secret: &secret,
        lobby_hash: Some(&hash),
        lobby: &lobby,
        order: &order,
    };
    let drawn = lobby::verify(&shown).unwrap();
    assert_eq!(drawn, lobby::Drawn::With(lobby::LobbyHash::of(lobby.iter().copied())));
    let query = "query($id: ID!) { series(concertId: $id) { drawSecret lobbyHash } }";
    let series = server.stranger().ask(query, json!({ "id": date.concert })).await.field("series");
    assert_eq!(series[0], json!({ "drawSecret": draw["secret"], "lobbyHash": draw["lobbyHash"] }));

    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let answer = server.page(&path, Some(&known)).await;
        assert_eq!((answer.status().as_u16(), &self::tag(&answer)), (304, &tag), "{known}");
        assert_eq!(answer.bytes().await.unwrap().len(), 0);
    }
    let answer = server.page(&path, Some("\"another\"")).await;
    assert_eq!((answer.status().as_u16(), self::tag(&answer)), (200, tag.clone()));
    let content = answer.bytes().await.unwrap();

    // After a restart it is the same file; if it was lost, another one with the same content. What was not finished is
    // not taken for one.
    let folder = server.config.data.join("draws");
    let unfinished = folder.join("unfinished-draw-x");
    fs::write(&unfinished, "{\"seriesId\":").unwrap();
    fs::write(folder.join("draw-2-notes.json"), "not ours").unwrap();
    let changed = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let file = written.first().unwrap().clone();
    let before = changed(&file);
    let server = server.restart().await;
    let answer = server.page(&path, None).await;
    assert_eq!((self::tag(&answer), changed(&file)), (tag.clone(), before));
    assert_eq!(answer.bytes().await.unwrap(), content);
    assert!(!unfinished.exists() && folder.join("draw-2-notes.json").exists());
    fs::remove_file(&file).unwrap();
    assert_eq!(server.page(&path, None).await.status(), 503);
    let answer = server.page(&path, None).await;
    assert_eq!(self::tag(&answer), tag);
    assert_eq!(answer.bytes().await.unwrap(), content);
}

/// Whoever joins after the draw is not of it.
#[tokio::test]
async fn an_empty_lobby_and_late_joins_are_published_as_they_are() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan { opens: secs(60), ..Plan::default() }).await;
    server.advance(secs(60), &date.series).await;
    let mut late = server.fan("late");
    late.join(&date.series).await;
    let draw = server.get(&format!("/draw/{}", date.series)).await;
    assert_eq!((&draw["lobby"], &draw["order"], &draw["places"]), (&json!([]), &json!([]), &json!(0)));
}

/// Everything that the server keeps is for its owner alone, also where no program has set a umask.
#[cfg(unix)]
#[tokio::test]
async fn what_the_server_keeps_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let server = Server::start().await;
    let (date, _) = lobby_of(&server, 2).await;
    server.advance(secs(60), &date.series).await;
    server.get(&format!("/draw/{}", date.series)).await;
    let (mut open, mut seen) = (vec![server.config.data.clone()], 0);
    while let Some(path) = open.pop() {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        seen += 1;
    }
    // The folder, the key, the folder of draws with one in it; and the database, if it is a file.
    assert!(seen >= 4, "{seen}");
}
