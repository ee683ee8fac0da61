//! Several processes over one PostgreSQL, and what becomes of them when it stops. Needs services: `make test`, or
//! `scripts/with-services cargo test --test processes`.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[expect(dead_code, reason = "its own tests use all of it")]
#[path = "../process/api.rs"]
mod api;
#[expect(dead_code, reason = "the suite may also do without PostgreSQL")]
#[path = "../suite/support/backend.rs"]
mod backend;
mod claim;
mod houses;
mod journal;
mod money;
mod own_postgres;
mod restart;
mod sale;
#[expect(dead_code, reason = "its own tests use all of it")]
#[path = "../process/server.rs"]
mod server;
mod services;
mod unsure;
