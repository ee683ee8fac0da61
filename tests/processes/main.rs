//! Several processes over one PostgreSQL and one Redis, and what becomes of them when those stop. Needs services:
//! `make test`, or `scripts/with-services cargo test --test processes`.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[expect(dead_code, reason = "its own tests use all of it")]
#[path = "../process/api.rs"]
mod api;
mod claim;
mod conflict;
mod fan;
mod frozen;
mod houses;
mod journal;
mod journaled;
mod live;
mod looks;
mod money;
mod own_postgres;
mod paging;
mod pair;
mod quiet;
mod redis_lost;
mod restart;
mod sale;
#[path = "../process/seed.rs"]
mod seed;
#[expect(dead_code, reason = "its own tests use all of it")]
#[path = "../process/server.rs"]
mod server;
#[expect(dead_code, reason = "these tests need only some of what those of the link have")]
#[path = "../redis/servers.rs"]
mod servers;
mod services;
mod sessions;
#[expect(dead_code, unused_imports, reason = "these tests need only some of what the suite has")]
#[path = "../suite/support/mod.rs"]
mod support;
mod three;
mod unsure;
