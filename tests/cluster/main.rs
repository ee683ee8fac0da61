//! Several processes over one PostgreSQL and one Redis, and what becomes of them when those stop. Needs services:
//! `make test`, or `scripts/with-services cargo test --test cluster`.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod chaos;
mod clocks;
mod conflict;
mod failover;
mod fresh;
mod frozen;
mod half_said;
mod houses;
mod indexes;
mod journaled;
mod live;
mod money;
mod paging;
mod presence;
mod processes;
mod promoted;
mod quiet;
mod redis_lost;
mod restart;
mod restored;
mod sale;
mod sessions;
mod stuck;
mod traffic;
mod unsure;
mod wire;
