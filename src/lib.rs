//! Frontrow: concert tickets for more fans than there are seats.

pub mod domain;
pub mod graphql;
pub mod server;
