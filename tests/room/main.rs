//! The waiting room that processes share in Redis, held against the pure one of `domain::room`: after any sequence of
//! steps both have decided the same and show the same.
//!
//! Needs a Redis in which it may write: `FRONTROW_TEST_REDIS_URL`. `make test` starts one and sets it.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod away;
mod cluster;
mod date;
mod pair;
#[expect(dead_code, reason = "these tests need only some of what those of the link have")]
#[path = "../redis/servers.rs"]
mod servers;
mod steps;
mod walk;
