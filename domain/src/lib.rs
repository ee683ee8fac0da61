//! The rules, pure: no async, no I/O, no clock, no database, no GraphQL.
//!
//! Whoever adds a rule adds it here, with the time passed in, and tests it with plain values.

pub mod address;
pub mod attendance;
pub mod bucket;
pub mod catalog;
pub mod claims;
pub mod date;
pub mod id;
pub mod identity;
mod line;
pub mod lobby;
pub mod mistake;
pub mod pace;
pub mod page;
mod places;
pub mod policy;
pub mod presence;
pub mod quota;
pub mod sale;
pub mod seat_map;
pub mod text;
pub mod time;
mod wallet;
