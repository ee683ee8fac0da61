//! The table of the settings, against what the server reads.

use std::path::Path;

use clap::{Args, Command};
use frontrow::config::Layer;

/// Where the table is.
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

/// Flag, environment variable, key in the file and default of each row.
fn table() -> Vec<[&'static str; 4]> {
    let rows = CONFIGURATION.lines().filter(|line| line.starts_with("| `--"));
    let bare = |cell: &'static str| cell.trim().trim_matches('`');
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').skip(1).map(bare).collect();
        [cells[0], cells[1], cells[2], cells[3]]
    })
    .collect()
}

#[test]
fn the_table_has_every_setting_in_the_order_of_the_help() {
    let command = Layer::augment_args(Command::new("frontrow"));
    let real: Vec<_> = command
        .get_arguments()
        .map(|arg| {
            let flag = format!("--{}", arg.get_long().unwrap());
            (flag, arg.get_env().unwrap().to_str().unwrap().to_owned())
        })
        .collect();
    let told: Vec<_> = table().iter().map(|[flag, env, ..]| ((*flag).into(), (*env).into())).collect();
    assert_eq!(told, real);
}

#[test]
fn the_file_takes_the_keys_of_the_table_and_no_others() {
    let reads = |key: &str| {
        ["true", "\"x\"", "1", "[\"x\"]"]
            .iter()
            .any(|value| toml::from_str::<Layer>(&format!("{key} = {value}")).is_ok())
    };
    for [flag, _, key, _] in table() {
        let named = flag.trim_start_matches('-').replace('-', "_");
        if flag == "--config" {
            assert!(key.is_empty() && !reads(&named));
        } else {
            assert_eq!(key, named);
            assert!(reads(key), "{key}");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_table() {
    let default = |flag: &str| table().into_iter().find(|row| row[0] == flag).unwrap()[3];
    let config = Layer::default().resolve().unwrap();
    assert_eq!(default("--listen"), config.listen.to_string());
    assert_eq!(Path::new(default("--data")), config.data);
    assert_eq!(default("--demo"), config.demo.to_string());
    let shared = Layer {
        database_url: Some("postgres://x/y".into()),
        redis_url: Some("redis://x".into()),
        ..Layer::default()
    };
    assert_eq!(default("--redis-prefix"), shared.resolve().unwrap().redis.unwrap().prefix);
    assert_eq!(default("--signing-key"), "signing.key` in the data folder");
    assert_eq!(config.signing_key, config.data.join("signing.key"));
    assert_eq!(default("--max-connections"), config.max_connections.to_string());
    assert_eq!(default("--max-connections-per-address"), config.max_connections_per_address.to_string());
    assert_eq!(default("--max-outgoing-mib"), (config.max_outgoing >> 20).to_string());
    assert!(config.trusted_proxies.is_empty());
    assert_eq!(default("--rate-limits"), "on`, with `demo` `off");
    assert_eq!([config.rate_limits, with_demo().rate_limits], [true, false]);
    for (flag, number) in [
        ("--organiser-concerts-per-hour", config.organiser_concerts_per_hour),
        ("--organiser-dates-per-hour", config.organiser_dates_per_hour),
        ("--organiser-seats-per-hour", config.organiser_seats_per_hour),
        ("--idempotency-days", config.idempotency_days),
    ] {
        assert_eq!(default(flag), number.to_string());
    }
    for (flag, off, on) in [
        ("--open-identities", config.open_identities, with_demo().open_identities),
        ("--self-service-charging", config.self_service_charging, with_demo().self_service_charging),
    ] {
        assert_eq!((default(flag), off, on), ("as `demo", false, true));
    }
}

fn with_demo() -> frontrow::config::Config {
    Layer { demo: Some(true), ..Layer::default() }.resolve().unwrap()
}
