//! Frontrow: concert tickets for more fans than there are seats.
//!
//! The rooms of the house, and who may import whom (a test holds the rule):
//!
//! ```text
//! cli, app, demo      the only places that know which concrete parts run
//! server              HTTP, WebSocket, health, pages            -> graphql, service, clock
//! graphql             one file a noun: types, queries, payloads -> service, domain
//! service             use cases: who may ask, decide, announce  -> domain, store, clock
//! store               everything that remembers                 -> domain, clock, files, redis_url, the tables
//! config              the settings, checked as a whole          -> redis_url
//! domain (a crate), clock, files, redis_url                     -> none of the others
//! ```
//!
//! Everything that changes a sale goes through [`service::committer`], which runs the pure rules of
//! [`domain::sale`] over a batch of rows and commits once. Every place in line lives in [`service::rooms`], which
//! journals what [`domain::room`] decides before anyone hears of it.

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
pub mod server;
pub mod service;
pub mod store;
