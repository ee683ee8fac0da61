//! The waiting room that processes share in Redis, held against the pure one of `domain::room`: after any sequence of
//! steps both have decided the same and show the same.
//!
//! Needs a Redis in which it may write: `make services-test` starts one.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod away;
mod cluster;
mod date;
mod pair;
mod steps;
mod walk;
