//! PostgreSQL and Redis, where the environment has them. A test that needs one says so in its first line, and is left out
//! with a word where there is none; where they were promised ([`PROMISED`], which scripts/with-services sets) it fails.

use std::{env, io::Write};

/// Set to `required` by whoever has started the services: then nothing is left out.
const PROMISED: &str = "FRONTROW_TEST_SERVICES";

/// What a test may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A PostgreSQL database whose user may create others, or the programs of one.
    Postgres,
    /// A Redis in which a test may write.
    Redis,
    /// The program redis-server, of which a test starts its own.
    RedisServer,
}

/// Ends a test that needs what is not there: `needs!(Postgres, Redis);`.
#[macro_export]
macro_rules! needs {
    ($($service:ident),+) => {
        if !$crate::Service::are_there(&[$($crate::Service::$service),+]) {
            return;
        }
    };
}

impl Service {
    /// Whether all of these are there; says which is not. Panics if that one was promised.
    #[doc(hidden)]
    #[track_caller]
    pub fn are_there(services: &[Self]) -> bool {
        let promised = env::var(PROMISED).is_ok_and(|value| value == "required");
        let Some(missing) = missing(services, promised, Self::is_there) else { return true };
        let thread = std::thread::current();
        // Not captured with the rest of what a test says: who reads that all is well should see what was not tried.
        let _ = writeln!(
            std::io::stderr(),
            "{}: skipped, needs {}: make services-test",
            thread.name().unwrap_or("a test"),
            missing.name()
        );
        false
    }

    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "FRONTROW_TEST_DATABASE_URL",
            Self::Redis => "FRONTROW_TEST_REDIS_URL",
            Self::RedisServer => "redis-server on the PATH",
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Postgres => variable(self.name()).is_some_and(|url| url.starts_with("postgres")),
            Self::Redis => variable(self.name()).is_some(),
            Self::RedisServer => {
                let path = env::var_os("PATH").unwrap_or_default();
                env::split_paths(&path).any(|folder| folder.join("redis-server").is_file())
            }
        }
    }
}

/// The first that is not there.
#[track_caller]
fn missing(services: &[Service], promised: bool, is_there: impl Fn(Service) -> bool) -> Option<Service> {
    let missing = services.iter().copied().find(|service| !is_there(*service))?;
    assert!(!promised, "{PROMISED}=required, but there is no {}", missing.name());
    Some(missing)
}

/// The URL of a PostgreSQL database whose user may create others.
pub fn postgres_url() -> String {
    variable(Service::Postgres.name()).expect("the test has said `needs!(Postgres)`")
}

/// The URL of a Redis in which a test may write.
pub fn redis_url() -> String {
    variable(Service::Redis.name()).expect("the test has said `needs!(Redis)`")
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Service; 2] = [Service::Postgres, Service::Redis];

    #[test]
    fn what_is_missing_is_left_out_unless_it_was_promised() {
        assert_eq!(missing(&BOTH, false, |_| true), None);
        assert_eq!(missing(&BOTH, true, |_| true), None);
        assert_eq!(missing(&BOTH, false, |service| service == Service::Postgres), Some(Service::Redis));
    }

    #[test]
    #[should_panic(expected = "FRONTROW_TEST_SERVICES=required, but there is no FRONTROW_TEST_REDIS_URL")]
    fn nothing_that_was_promised_is_left_out() {
        missing(&BOTH, true, |service| service == Service::Postgres);
    }
}
