//! What the server keeps is for its owner alone, from the first moment and whatever the umask is.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use chrono::TimeDelta;
use serde_json::json;

use test_support::{
    Client, Process, create_series,
    process::{err, frontrow, identity, run},
};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Each file and folder from here on, with its mode.
fn walk(path: &Path, found: &mut Vec<(String, u32)>) {
    found.push((path.display().to_string(), mode(path)));
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), found);
        }
    }
}

/// Everything in the data folder is private, and these are among it.
#[track_caller]
fn is_private(data: &Path, among: &[&str]) {
    let mut found = Vec::new();
    walk(data, &mut found);
    let open: Vec<_> = found
        .iter()
        .filter(|(name, mode)| *mode != if Path::new(name).is_dir() { 0o700 } else { 0o600 })
        .map(|(name, mode)| format!("{name} {mode:04o}"))
        .collect();
    assert!(open.is_empty(), "{open:?}");
    for name in among {
        assert!(found.iter().any(|(path, _)| path.ends_with(name)), "no {name} in {found:?}");
    }
}

/// The binary with a umask that leaves everything open.
fn careless(folder: &Path, arguments: &[&str]) -> Command {
    let inner = frontrow(folder, arguments);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().env("NO_COLOR", "1").env("FRONTROW_LOG", "info").current_dir(folder);
    command
}

fn open_server(folder: &Path) -> Process {
    let arguments = ["--listen", "127.0.0.1:0", "--open-identities", "--self-service-charging"];
    Process::listening(careless(folder, &arguments))
}

/// Joins, holds, pays.
async fn buy(api: &Client, series: &str, user: &str) {
    let join = "mutation($s: ID!, $u: String!) { issueToken(input: { seriesId: $s, userId: $u }) { token } }";
    let joined = api.call("", join, json!({ "s": series, "u": user })).await.unwrap();
    let token = joined["issueToken"]["token"].as_str().unwrap();
    let buy = "mutation { holdBestSeats(input: { count: 1 }) { problem { code } } \
         charge(input: { amount: 10000, idempotencyKey: \"c\" }) { problem { code } } \
         pay(input: { idempotencyKey: \"p\" }) { problem { code } } }";
    let done = api.call(token, buy, json!({})).await.unwrap();
    assert!(done["pay"]["problem"].is_null(), "{done}");
}

#[tokio::test]
async fn everything_is_private_in_mid_sale_and_after_it_and_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (round, killed) in [(1, false), (2, true), (3, false)] {
        let server = open_server(folder.path());
        let api = Client::new(server.address);
        is_private(&data, &["frontrow.db", "-wal", "-shm", "signing.key", ".lock"]);
        let organizer = identity(folder.path(), "organizer", "ORGANIZER");
        let series = create_series(&api, &organizer, TimeDelta::zero(), json!({})).await;
        buy(&api, &series, &format!("fan-{round}")).await;
        api.page(&format!("/draw/{series}")).await;
        is_private(&data, &["frontrow.db", "-wal", "-shm", "signing.key", ".lock"]);
        if killed {
            server.victim().kill();
        } else {
            server.terminate();
            assert!(server.ended().0.success());
        }
        is_private(&data, &["frontrow.db", "signing.key"]);
        assert!(careless(folder.path(), &["audit"]).output().unwrap().status.success());
        is_private(&data, &["frontrow.db", "signing.key"]);
    }
}

#[tokio::test]
async fn what_an_earlier_version_left_open_is_closed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    open_server(folder.path()).victim().kill();
    set(&data, 0o755);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("signing.key") && path.is_file() {
            set(&path, 0o644);
        }
    }
    fs::write(data.join("copy.db"), "a copy that somebody made").unwrap();
    let server = open_server(folder.path());
    is_private(&data, &["frontrow.db", "copy.db"]);
    for name in ["data", "data/frontrow.db", "data/copy.db"] {
        let told =
            server.said.iter().any(|line| line.contains(&format!(" {name} was open to other users (mode 0")));
        assert!(told, "{name}: {:?}", server.said);
    }
    drop(server);
    let server = open_server(folder.path());
    assert!(!server.said.iter().any(|line| line.contains("open to other users")), "{:?}", server.said);
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", err(output));
    err(output).to_owned()
}

#[tokio::test]
async fn a_signing_key_that_others_can_read_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    open_server(folder.path()).victim().kill();
    let key = folder.path().join("data/signing.key");
    for open in [0o640, 0o604, 0o644, 0o660, 0o666, 0o777] {
        for command in ["serve", "token"] {
            set(&key, open);
            let arguments: &[&str] =
                if command == "token" { &["token", "--user", "ann"] } else { &["serve"] };
            let said = refused(&run(folder.path(), arguments));
            let (_, advice) = said.split_once("run: ").unwrap_or_else(|| panic!("{said}"));
            let advice = advice.split(';').next().unwrap();
            assert_eq!(advice, "chmod 600 data/signing.key", "{said}");
            assert!(
                said.starts_with("frontrow: signing-key: data/signing.key") && said.lines().count() == 1,
                "{said}"
            );
            assert_eq!(mode(&key), open, "it is not closed as if nothing had happened");
            assert!(
                Command::new("sh")
                    .args(["-c", advice])
                    .current_dir(folder.path())
                    .status()
                    .unwrap()
                    .success()
            );
            identity(folder.path(), "ann", "ADMIN");
        }
    }
    Process::open(folder.path());
}

#[tokio::test]
async fn a_mounted_key_is_taken_as_it_is_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    set(&secrets, 0o755);
    let key = secrets.join("signing_key");
    fs::write(&key, "ab".repeat(32)).unwrap();
    let arguments = ["--signing-key", "secrets/signing_key"];
    for (readable, told) in [(0o400, false), (0o600, false), (0o440, true), (0o444, true), (0o644, true)] {
        set(&key, readable);
        let server = Process::start(folder.path(), &arguments);
        let line =
            server.said.iter().find(|line| line.contains("secrets/signing_key can be read by other users"));
        assert_eq!(line.is_some(), told, "{readable:o} {:?}", server.said);
        assert_eq!((mode(&key), mode(&secrets)), (readable, 0o755));
    }
    // By way of a link from the data folder, as some do it.
    set(&key, 0o444);
    std::os::unix::fs::symlink("../secrets/signing_key", folder.path().join("data/signing.key")).unwrap();
    let server = Process::start(folder.path(), &[]);
    assert!(server.said.iter().any(|line| line.contains("can be read by other users")), "{:?}", server.said);
    drop(server);
    // Who can put another key there can be anybody.
    for writable in [0o622, 0o664, 0o666] {
        set(&key, writable);
        let said = refused(&run(folder.path(), &["--listen", "127.0.0.1:0", arguments[0], arguments[1]]));
        assert!(
            said.contains("can be changed by other users") && said.contains("chmod 600 secrets/signing_key"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_database_elsewhere_is_private_and_the_folder_around_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    set(&elsewhere, 0o755);
    fs::write(elsewhere.join("other.txt"), "").unwrap();
    set(&elsewhere.join("other.txt"), 0o644);
    for old in [None, Some(0o664)] {
        if let Some(old) = old {
            set(&elsewhere.join("sale.db"), old);
        }
        let arguments =
            ["--listen", "127.0.0.1:0", "--database-url", "sqlite:elsewhere/sale.db", "--open-identities"];
        let server = Process::listening(careless(folder.path(), &arguments));
        for name in ["sale.db", "sale.db-wal", "sale.db-shm", "sale.db.lock"] {
            assert_eq!(mode(&elsewhere.join(name)), 0o600, "{name}");
        }
        assert_eq!((mode(&elsewhere), mode(&elsewhere.join("other.txt"))), (0o755, 0o644));
        drop(server);
    }
}

#[test]
fn a_folder_of_everybody_is_not_taken_for_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    fs::create_dir(&shared).unwrap();
    set(&shared, 0o1777);
    let said = refused(&run(folder.path(), &["--listen", "127.0.0.1:0", "--data", "shared"]));
    assert!(
        said.contains("data: the folder shared is one that others use") && said.contains("shared/frontrow"),
        "{said}"
    );
    assert_eq!(mode(&shared), 0o1777);
}
