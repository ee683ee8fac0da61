//! Several processes over one PostgreSQL and one Redis, and what becomes of them when those stop. Needs services:
//! `make test`, or `scripts/with-services cargo test --test cluster`.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod claim;
mod conflict;
mod frozen;
mod houses;
mod journal;
mod journaled;
mod live;
mod looks;
mod money;
mod paging;
mod quiet;
mod redis_lost;
mod restart;
mod sale;
mod sessions;
mod three;
mod unsure;
