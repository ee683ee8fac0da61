//! What the tests of this binary need, by the environment.

/// The URL of a PostgreSQL database whose user may create others.
pub(crate) fn postgres() -> String {
    named("FRONTROW_TEST_DATABASE_URL")
}

fn named(variable: &str) -> String {
    match std::env::var(variable) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!("{variable} is not set: run this by `make test`, or by scripts/with-services"),
    }
}
