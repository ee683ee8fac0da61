//! The link to Redis, against real servers: each test starts its own on free ports of this machine, with redis-server.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod cluster;
mod link;
mod sentinel;
mod single;
mod tls;
