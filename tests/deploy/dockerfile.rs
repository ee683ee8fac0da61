//! That the Dockerfile copies what there is, and builds by the versions that the project asks for.

use std::{collections::BTreeMap, path::Path};

use crate::compose::{Compose, file};

pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The instructions, with their lines joined.
pub(crate) fn instructions() -> Vec<(String, String)> {
    let text = file("Dockerfile");
    let text: String =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let lines = text.replace("\\\n", " ");
    let lines = lines.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(word, rest)| (word.to_owned(), rest.trim().to_owned())).collect()
}

/// What the only instruction of this name says.
pub(crate) fn only(name: &str) -> String {
    let said: Vec<_> =
        instructions().into_iter().filter(|(word, _)| word == name).map(|(_, rest)| rest).collect();
    assert_eq!(said.len(), 1, "{name}: {said:?}");
    said[0].clone()
}

/// The words of an instruction in JSON.
pub(crate) fn words(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap()
}

/// Whether .dockerignore lets a path through; it names paths without patterns, and the last that fits decides.
pub(crate) fn is_sent(path: &str) -> bool {
    let ignore = file(".dockerignore");
    let mut sent = true;
    for line in ignore.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, lets) = line.strip_prefix('!').map_or((line, false), |name| (name, true));
        if name == "*" || path == name || path.starts_with(&format!("{name}/")) {
            sent = lets;
        }
    }
    sent
}

#[test]
fn what_is_copied_is_there_and_is_sent() {
    let (mut steps, mut copied) = (Vec::new(), Vec::new());
    for (word, rest) in instructions() {
        if word == "FROM" {
            steps.extend(rest.split_once(" AS ").map(|(_, name)| name.to_owned()));
        }
        if word != "COPY" {
            continue;
        }
        if let Some(from) = rest.strip_prefix("--from=") {
            assert!(steps.iter().any(|step| from.starts_with(&format!("{step} "))), "{rest}");
            continue;
        }
        let (sources, _) = rest.rsplit_once(' ').unwrap();
        for source in sources.split(' ') {
            assert!(Path::new(ROOT).join(source).exists() && is_sent(source), "{source}");
            copied.push(source.to_owned());
        }
    }
    assert_eq!(steps, ["pages", "server"]);
    for lets in file(".dockerignore").lines().filter_map(|line| line.strip_prefix('!')) {
        assert!(copied.iter().any(|source| Path::new(source).starts_with(lets)), "nothing copies {lets}");
    }
    for secret in
        [".env", "secrets/signing.key", "data/signing.key", "target/debug/frontrow", "web/node_modules/x"]
    {
        assert!(!is_sent(secret), "{secret}");
    }
}

/// Every crate of the workspace is copied.
#[test]
fn the_binary_is_built_from_the_whole_workspace() {
    let manifest: toml::Value = toml::from_str(&file("Cargo.toml")).unwrap();
    let copied: Vec<_> =
        instructions().into_iter().filter(|(word, _)| word == "COPY").map(|(_, rest)| rest).collect();
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        assert!(member == "." || copied.contains(&format!("{member} {member}")), "{member}");
    }
}

#[test]
fn the_images_are_of_the_versions_that_the_project_asks_for() {
    let images: BTreeMap<String, String> = instructions()
        .into_iter()
        .filter(|(word, _)| word == "FROM")
        .map(|(_, rest)| {
            let (name, tag) = rest.split(' ').next().unwrap().split_once(':').unwrap();
            (name.to_owned(), tag.to_owned())
        })
        .collect();
    let manifest: toml::Value = toml::from_str(&file("Cargo.toml")).unwrap();
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert_eq!(images["rust"], format!("{rust}-bookworm"));
    // The same Debian, so the same libc.
    assert_eq!(images["debian"], "bookworm-slim");
    let package: serde_json::Value = serde_json::from_str(&file("web/package.json")).unwrap();
    let asked = package["engines"]["node"].as_str().unwrap().trim_start_matches(">=");
    let major = |text: &str| text.split(['.', '-']).next().unwrap().parse::<u32>().unwrap();
    assert!(major(&images["node"]) >= major(asked), "{asked}");

    let compose = Compose::any();
    let version = |service: &str| {
        let image = compose.service(service)["image"].as_str().unwrap().to_owned();
        major(image.split_once(':').unwrap().1)
    };
    assert!(version("postgres") >= 15 && version("redis") == 7 && version("proxy") == 1);
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_stops_as_the_server_does() {
    let user = only("USER");
    let number: u32 = user.split(':').next().unwrap().parse().unwrap();
    assert!(number >= 10_000, "a number, for who checks that it is not root: {user}");
    assert_eq!([only("STOPSIGNAL"), only("VOLUME")], ["SIGTERM", "/data"]);
    let listen = only("ENV");
    assert!(
        listen.split(' ').any(|it| it == format!("FRONTROW_LISTEN=0.0.0.0:{}", only("EXPOSE"))),
        "{listen}"
    );
    assert_eq!(
        (words(&only("ENTRYPOINT")), words(&only("CMD"))),
        (vec!["frontrow".into()], vec!["serve".into()])
    );
}
