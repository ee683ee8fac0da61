//! Frontrow: concert tickets for more fans than there are seats.
//!
//! The rooms of the house, and who may import whom (a test holds the rule):
//!
//! ```text
//! cli, app, demo      the only places that know which concrete parts run
//! server              HTTP, WebSocket, health, pages            -> graphql, service, clock
//! graphql             one file a noun: types, queries, payloads -> service, domain
//! service             use cases: who may ask, and what          -> sales, domain, store, clock
//! sales               every date in use, in memory at a version -> domain, store, clock
//! store               everything that remembers                 -> domain, clock, files, redis_url, the tables
//! config              the settings, checked as a whole          -> redis_url
//! domain (a crate), clock, files, redis_url                     -> none of the others
//! ```
//!
//! Everything that changes a date goes through [`sales`]: the date's row is locked, [`domain::date`] decides upon what this
//! process has in memory, the events become rows and a line of the date's log in one transaction, and only then anybody
//! hears of it. See docs/architecture.md, which ends in three walkthroughs.

pub mod app;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub use domain;
pub mod files;
pub mod graphql;
pub mod log;
pub mod open_files;
pub mod redis_url;
pub mod sales;
pub mod server;
pub mod service;
pub mod store;
