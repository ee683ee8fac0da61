//! Several processes over one PostgreSQL database and one Redis: here two servers in one test process, which know
//! nothing of each other but what those two tell them.
//!
//! `make test` sets `FRONTROW_TEST_DATABASE_URL`, a PostgreSQL database whose user may create others, and
//! `FRONTROW_TEST_REDIS_URL`.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[expect(dead_code, unused_imports, reason = "these tests need only some of what the suite has")]
#[path = "../suite/support/mod.rs"]
mod support;

#[expect(dead_code, reason = "these tests need only some of what those of the link have")]
#[path = "../redis/servers.rs"]
mod servers;

mod live;
mod pair;
