//! What is built into the program, by `cargo metadata`: under which licences, and that there is one of each kind where
//! two would be two things to keep safe. Known faults of dependencies are `make advisories`: that needs the internet.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// Licences under which a dependency may come: all of them let the program be given away under its own.
const LICENCES: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences that are allowed for these packages alone, and why.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "tiny-keccak",
        "CC0-1.0",
        "given to the public; named by an optional part of SeaORM that is not built here",
    ),
    (
        "webpki-roots",
        "CDLA-Permissive-2.0",
        "not code but Mozilla's list of certificates, which may be shared freely",
    ),
];

/// TLS and cryptography that may not come in beside rustls and ring. `openssl-probe` is none: it looks for certificates on disk.
const OTHER_STACKS: [&str; 15] = [
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "botan",
    "gnutls",
    "libressl",
    "mbedtls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "s2n-tls",
    "tokio-native-tls",
    "tokio-openssl",
    "wolfssl",
];

/// Of these there is one version: two of a protocol or of a store are two things to keep safe, and twice the build.
const ONE_OF: [&str; 20] = [
    "async-graphql",
    "axum",
    "http",
    "hyper",
    "jsonwebtoken",
    "libsqlite3-sys",
    "redis",
    "ring",
    "rustls",
    "rustls-native-certs",
    "rustls-pki-types",
    "rustls-webpki",
    "sea-orm",
    "sqlx-core",
    "tokio",
    "tokio-rustls",
    "tokio-tungstenite",
    "tracing",
    "tungstenite",
    "webpki-roots",
];

/// Those of [`ONE_OF`] that need not be there at all.
const NONE_WILL_DO: [&str; 1] = ["webpki-roots"];

/// Name, version and licence of each package of the build, for any machine, tests included.
fn packages() -> Vec<(String, String, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["metadata", "--locked", "--format-version", "1", "--manifest-path", manifest];
    let output = Command::new(cargo).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|p| (text(p, "name"), text(p, "version"), text(p, "license"))).collect()
}

/// Whether an SPDX expression is met by the licences that `has`. Some packages still write `/` for OR.
fn is_met(expression: &str, has: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&words, &mut at, has);
    met == Some(true) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, has: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = both(words, at, has)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, has)?;
    }
    Some(met)
}

fn both(words: &[&str], at: &mut usize, has: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = one(words, at, has)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, has)?;
    }
    Some(met)
}

/// A licence, or an expression in parentheses; `None` if there is neither.
fn one(words: &[&str], at: &mut usize, has: &dyn Fn(&str) -> bool) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    match word {
        "(" => {
            let met = either(words, at, has)?;
            *at += 1;
            (words.get(*at - 1) == Some(&")")).then_some(met)
        }
        ")" | "AND" | "OR" | "WITH" => None,
        licence if words.get(*at) == Some(&"WITH") => {
            *at += 2;
            Some(has(&format!("{licence} WITH {}", words.get(*at - 1)?)))
        }
        licence => Some(has(licence)),
    }
}

fn may_come(name: &str, expression: &str) -> bool {
    is_met(expression, &|licence| {
        LICENCES.contains(&licence)
            || EXCEPTIONS.iter().any(|(package, allowed, _)| (*package, *allowed) == (name, licence))
    })
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let packages = packages();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let wrong: Vec<_> = packages.iter().filter(|(name, _, licence)| !may_come(name, licence)).collect();
    assert!(wrong.is_empty(), "not among the licences that are allowed: {wrong:#?}");
    let unused: Vec<_> = EXCEPTIONS
        .iter()
        .filter(|(exception, ..)| !packages.iter().any(|(name, ..)| name == exception))
        .collect();
    assert!(unused.is_empty(), "exceptions for what is not there any more: {unused:?}");
}

#[test]
fn there_is_one_stack_for_tls_and_one_of_whatever_speaks_to_others() {
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, version, _) in packages() {
        versions.entry(name).or_default().insert(version);
    }
    let others: Vec<_> = OTHER_STACKS.iter().filter(|name| versions.contains_key(**name)).collect();
    assert!(others.is_empty(), "rustls and ring are what is used, and now there is {others:?} as well");
    for name in ONE_OF {
        let found = versions.get(name).map_or(0, BTreeSet::len);
        let fine = found == 1 || found == 0 && NONE_WILL_DO.contains(&name);
        assert!(fine, "of {name} there must be one version: {:?}", versions.get(name));
    }
}

#[test]
fn a_licence_that_is_not_allowed_is_found_out() {
    for allowed in ["MIT", "MIT OR GPL-3.0", "GPL-3.0 OR (MIT AND ISC)", "MIT/GPL-3.0", "(MIT OR X) AND ISC"]
    {
        assert!(may_come("x", allowed), "{allowed}");
    }
    let not =
        ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT OR", "(MIT", "MIT MIT", "CC0-1.0", "GPL-3.0 OR (MIT AND X)"];
    for refused in not {
        assert!(!may_come("x", refused), "{refused}");
    }
    assert!(may_come("x", "Apache-2.0 WITH LLVM-exception") && !may_come("x", "MIT WITH LLVM-exception"));
    assert!(may_come("webpki-roots", "CDLA-Permissive-2.0") && !may_come("x", "CDLA-Permissive-2.0"));
}
