//! Frontrow: concert tickets for more fans than there are seats.

pub mod bench;
pub mod clock;
pub mod domain;
pub mod graphql;
pub mod server;
pub mod service;
pub mod store;
