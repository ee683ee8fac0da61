//! The link to Redis, against real servers: each test starts its own on free ports of this machine.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod cluster;
mod sentinel;
mod servers;
mod single;
mod tls;
