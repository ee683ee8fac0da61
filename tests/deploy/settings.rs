//! That compose.yaml names what there is, and leaves out what has no good default.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, Command};
use frontrow::config::Layer;
use serde_json::Value;

use test_support::process::run;

use crate::compose::{Compose, example, file, strings};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn nothing_starts_until_every_secret_is_set() {
    let names = example();
    for missing in &names {
        for unset in [None, Some(String::new())] {
            let mut variables: BTreeMap<_, _> =
                names.iter().map(|name| (name.as_str(), "x".to_owned())).collect();
            variables.remove(missing.as_str());
            variables.extend(unset.map(|empty| (missing.as_str(), empty)));
            let said = Compose::read(&variables).err().unwrap_or_else(|| panic!("{missing} has a default"));
            assert!(said.contains(missing) && said.contains("deploy/env.example"), "{said}");
        }
    }
    assert!(file(".gitignore").lines().any(|line| line == "/.env"), "an .env is not committed by accident");
}

#[test]
fn no_password_is_written_down() {
    let compose = Compose::any();
    let url = |name: &str| compose.service("frontrow-1")["environment"][name].as_str().unwrap().to_owned();
    for (service, name) in [("postgres", "POSTGRES_PASSWORD"), ("redis", "REDISCLI_AUTH")] {
        let password = compose.service(service)["environment"][name].as_str().unwrap();
        assert!(password.starts_with("any-"), "{name}: {password}");
    }
    assert!(url("FRONTROW_DATABASE_URL").contains(":any-POSTGRES_PASSWORD@postgres/"));
    assert!(url("FRONTROW_REDIS_URL").contains(":any-REDIS_PASSWORD@redis"));
}

#[test]
fn the_processes_are_equal_in_all_but_name_and_address() {
    let compose = Compose::any();
    let same: Vec<Value> = compose
        .processes()
        .into_iter()
        .map(|name| {
            let mut it = compose.service(name).clone();
            it.as_object_mut().unwrap().remove("networks").unwrap();
            it
        })
        .collect();
    assert_eq!(same.len(), 3);
    assert!(same.iter().all(|it| *it == same[0]));
}

#[test]
fn every_setting_and_command_is_one_that_there_is() {
    let known = Layer::augment_args(Command::new("frontrow"));
    let known: Vec<_> =
        known.get_arguments().map(|arg| arg.get_env().unwrap().to_str().unwrap().to_owned()).collect();
    let compose = Compose::any();
    let mut services = compose.processes();
    services.push("migrate");
    for service in services {
        let it = compose.service(service);
        for (name, value) in it["environment"].as_object().unwrap() {
            assert!(known.contains(name), "{service}: {name}");
            let inside = value.as_str().unwrap();
            if inside.starts_with("/run/secrets/") {
                let secret = compose.secret(inside).unwrap_or_else(|| panic!("{service}: {inside}"));
                assert!(secret.starts_with("any-"), "{secret}");
                let given = strings(&it["secrets"]);
                assert!(given.iter().any(|name| inside.ends_with(name.as_str())), "{service}: {inside}");
            }
        }
        if !it["command"].is_null() {
            let words = strings(&it["command"]);
            let words: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
            assert!(run(Path::new(ROOT), &words).status.success(), "{service}: {words:?}");
        }
    }
}

#[test]
fn every_file_service_and_volume_is_there() {
    let compose = Compose::any();
    for (name, it) in compose.part("services") {
        if it["image"] == "frontrow" {
            assert!(Path::new(ROOT).join(it["build"].as_str().unwrap()).join("Dockerfile").exists());
        }
        for (other, how) in it["depends_on"].as_object().into_iter().flatten() {
            let other = compose.part("services").get(other).unwrap_or_else(|| panic!("{name}: {other}"));
            match how["condition"].as_str().unwrap() {
                "service_healthy" => {
                    assert!(other["healthcheck"]["test"].is_array() || other["image"] == "frontrow")
                }
                "service_started" => {}
                "service_completed_successfully" => assert_eq!(other["restart"], "no"),
                other => panic!("{other}"),
            }
        }
        for volume in it["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            if source.starts_with('.') {
                assert!(Path::new(ROOT).join(source).is_file(), "{name}: {source}");
            } else {
                assert!(compose.part("volumes").contains_key(source), "{name}: {source}");
            }
        }
    }
}

/// `app::FAREWELL`, twice: requests first, then sockets.
#[test]
fn a_process_has_the_time_that_it_takes_to_say_goodbye() {
    let farewell = file("src/app.rs");
    let (_, farewell) = farewell.split_once("FAREWELL: Duration = Duration::from_secs(").unwrap();
    let farewell: u32 = farewell.split(')').next().unwrap().parse().unwrap();
    let compose = Compose::any();
    for name in compose.processes() {
        let grace = compose.service(name)["stop_grace_period"].as_str().unwrap();
        assert!(grace.strip_suffix('s').unwrap().parse::<u32>().unwrap() > 2 * farewell, "{name}: {grace}");
    }
}

/// It carries news and keeps nothing.
#[test]
fn redis_evicts_nothing_and_writes_nothing_down() {
    let words = strings(&Compose::any().service("redis")["command"]);
    let value = |flag: &str| {
        let at = words.iter().position(|word| word == flag).unwrap_or_else(|| panic!("{flag}: {words:?}"));
        words[at + 1].as_str()
    };
    assert_eq!(
        [value("--maxmemory-policy"), value("--save"), value("--appendonly")],
        ["noeviction", "", "no"]
    );
}

#[test]
fn postgresql_has_connections_for_every_process_and_one_more() {
    const EACH: usize = 16;
    let connect = file("src/store/connect.rs");
    for line in ["POSTGRES_WRITERS: u32 = 6;", "POSTGRES_READERS: u32 = 10;"] {
        assert!(connect.contains(line), "{line} makes {EACH} no more: count again here and in the docs");
    }
    let compose = Compose::any();
    let words = strings(&compose.service("postgres")["command"]);
    let most = words.iter().find_map(|word| word.strip_prefix("max_connections=")).unwrap();
    assert!(most.parse::<usize>().unwrap() >= (compose.processes().len() + 1) * EACH + 10, "{most}");
    assert!(!words.iter().any(|word| word.starts_with("synchronous_commit") || word.starts_with("fsync")));
}
