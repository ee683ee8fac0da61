//! The command line: what each subcommand prints, what is refused, and where settings come from.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use test_support::{
    Client, Process,
    process::{audit_is_clean, err, frontrow, identity, out, run},
};

/// Runs the binary, expects it to refuse, and returns its lines.
#[track_caller]
fn refusal(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = run(folder, arguments);
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""), "{}", err(&output));
    let lines: Vec<_> = err(&output).lines().map(str::to_owned).collect();
    assert!(lines.iter().all(|line| line.starts_with("frontrow: ")), "{lines:?}");
    lines
}

#[test]
fn schema_prints_what_is_in_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["schema"]);
    assert!(output.status.success());
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert_eq!(out(&output), kept);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "printing makes no data folder");
}

#[test]
fn migrate_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["audit"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("there is no database in data"), "{}", err(&output));
    for _ in 0..2 {
        let output = run(folder.path(), &["migrate"]);
        assert!(output.status.success(), "{}", err(&output));
    }
    audit_is_clean(folder.path());
}

#[tokio::test]
async fn a_minted_token_opens_what_its_role_opens() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &[]);
    let api = Client::new(server.address);
    let create = "mutation { createConcert(input: { title: \"Anime Soundtracks\" }) { organizerId } }";
    let organizer = identity(folder.path(), "olga", "ORGANIZER");
    let made = api.call(&organizer, create, json!({})).await.unwrap();
    assert_eq!(made["createConcert"]["organizerId"], "olga");
    let cashier = identity(folder.path(), "carl", "CASHIER");
    let refused = api.answer(&cashier, create, json!({})).await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let elsewhere = tempfile::tempdir().unwrap();
    let forged = identity(elsewhere.path(), "olga", "ORGANIZER");
    let refused = api.answer(&forged, create, json!({})).await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[test]
fn a_role_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lines = refusal(folder.path(), &["token", "--user", "u", "--role", "BOSS"]);
    assert_eq!(lines, ["frontrow: --role: BOSS must be ORGANIZER, CASHIER or ADMIN"]);
}

#[test]
fn the_signing_key_is_made_once_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("data/signing.key");
    identity(folder.path(), "u", "ADMIN");
    let mode = std::fs::metadata(&key).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
    let made = std::fs::read(&key).unwrap();
    identity(folder.path(), "u", "ADMIN");
    assert_eq!(std::fs::read(&key).unwrap(), made);
    let other = tempfile::tempdir().unwrap();
    identity(other.path(), "u", "ADMIN");
    assert_ne!(
        std::fs::read(other.path().join("data/signing.key")).unwrap(),
        made,
        "no two keys are the same"
    );
}

#[tokio::test]
async fn open_identities_are_not_exposed_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let lines = refusal(folder.path(), &["--demo", "--listen", "0.0.0.0:0"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("0.0.0.0:0") && lines[0].contains("--expose-open-identities"), "{lines:?}");
    assert!(!folder.path().join("data").exists(), "a refusal leaves nothing behind");

    let on_purpose = ["--demo", "--listen", "0.0.0.0:0", "--expose-open-identities"];
    let server = Process::listening(frontrow(folder.path(), &on_purpose));
    assert!(server.address.ip().is_unspecified());
    let loopback = ([127, 0, 0, 1], server.address.port()).into();
    assert_eq!(Client::new(loopback).page("/health/ready").await, "ready\n");
}

#[test]
fn each_mistake_has_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let lines = refusal(folder.path(), &["--redis-url", "redis://127.0.0.1"]);
    let refused = "frontrow: redis-url: several processes need PostgreSQL; name it as database-url, \
                   or leave out redis-url to run one process";
    assert_eq!(lines, [refused]);
    let lines = refusal(folder.path(), &["--redis-url", "redis://127.0.0.1", "--listen", "here"]);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("frontrow: listen: \"here\""), "{lines:?}");
    assert_eq!(lines[1], refused);
}

/// Whether anybody can say who they are: a series that does not exist shows how far the call got.
async fn identities_are_open(server: &Process) -> bool {
    let join = "mutation { issueToken(input: { userId: \"u\",
        seriesId: \"0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f\" }) { problem { code } } }";
    let answer = Client::new(server.address).answer("", join, json!({})).await.unwrap();
    match answer["errors"][0]["extensions"]["code"].as_str() {
        None => {
            assert_eq!(answer["data"]["issueToken"]["problem"]["code"], "SERIES_NOT_FOUND", "{answer}");
            true
        }
        Some(code) => {
            assert_eq!(code, "UNAUTHENTICATED", "{answer}");
            false
        }
    }
}

#[tokio::test]
async fn settings_come_from_flags_over_the_environment_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frontrow.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\ndata = \"from-file\"\nopen_identities = true\n")
        .unwrap();
    let file = file.to_str().unwrap();

    let server = Process::listening(frontrow(folder.path(), &["--config", file]));
    assert!(folder.path().join("from-file/frontrow.db").exists());
    assert!(identities_are_open(&server).await);

    let mut command = frontrow(folder.path(), &[]);
    command.envs([
        ("FRONTROW_CONFIG", file),
        ("FRONTROW_DATA", "from-environment"),
        ("FRONTROW_OPEN_IDENTITIES", "false"),
    ]);
    let server = Process::listening(command);
    assert!(folder.path().join("from-environment/frontrow.db").exists());
    assert!(!identities_are_open(&server).await);

    let mut command =
        frontrow(folder.path(), &["--config", file, "--data", "from-flag", "--open-identities"]);
    command.envs([("FRONTROW_DATA", "not-used"), ("FRONTROW_OPEN_IDENTITIES", "false")]);
    let server = Process::listening(command);
    assert!(folder.path().join("from-flag/frontrow.db").exists() && !folder.path().join("not-used").exists());
    assert!(identities_are_open(&server).await);

    std::fs::write(file, "lisen = \"127.0.0.1:0\"\n").unwrap();
    let output = run(folder.path(), &["--config", file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("lisen"), "{}", err(&output));
}

const DATES: &str = "{ concerts(first: 10) { nodes { title series {
    status seatCount availableCount reserveStartAt seats { number section price } } } } }";

async fn demo_dates(folder: &Path) -> Vec<Value> {
    let server = Process::start(folder, &["--demo"]);
    assert!(identities_are_open(&server).await);
    let found = Client::new(server.address).call("", DATES, json!({})).await.unwrap();
    let concerts = found["concerts"]["nodes"].as_array().unwrap();
    assert_eq!(concerts.len(), 1, "seeded once");
    assert!(concerts[0]["title"].as_str().unwrap().contains("Anime Soundtracks"));
    concerts[0]["series"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_demo_has_a_house_an_arena_and_a_lobby() {
    let folder = tempfile::tempdir().unwrap();
    for start in ["first", "second"] {
        let dates = demo_dates(folder.path()).await;
        let shown: Vec<_> =
            dates.iter().map(|d| (d["status"].as_str().unwrap(), d["seatCount"].as_i64())).collect();
        let expected = [("ON_SALE", Some(50)), ("ON_SALE", Some(5_000)), ("UPCOMING", Some(50))];
        assert_eq!(shown, expected, "at the {start} start");
        assert!(dates.iter().all(|date| date["availableCount"] == date["seatCount"]));

        let numbers: Vec<_> =
            dates[0]["seats"].as_array().unwrap().iter().map(|s| s["number"].as_i64()).collect();
        assert_eq!(numbers, (1..=50).map(Some).collect::<Vec<_>>());
        let mut sections: Vec<(_, _)> = dates[1]["seats"].as_array().unwrap().iter().map(priced).collect();
        sections.dedup();
        assert_eq!(sections.len(), 4, "{sections:?}");
        let prices: std::collections::HashSet<_> = sections.iter().map(|(_, price)| price).collect();
        assert_eq!(prices.len(), 4, "{sections:?}");

        let opens =
            dates[2]["reserveStartAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let wait = opens - test_support::now();
        assert!(wait > chrono::TimeDelta::zero() && wait <= chrono::TimeDelta::minutes(10), "{wait}");
    }
}

fn priced(seat: &Value) -> (String, i64) {
    (seat["section"].as_str().unwrap().to_owned(), seat["price"].as_i64().unwrap())
}
