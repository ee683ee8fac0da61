//! The use cases: who may ask, load, decide, save, announce. One file a noun.
//!
//! [`Services`] is what a transport talks to; every rule about who may do what is asked here, so that every
//! transport has it.

pub mod catalog;
pub mod census;
pub mod changes;
pub mod draws;
pub mod failure;
pub mod identity;
pub mod load;
pub mod places;
pub mod queue;
pub mod sale;
pub mod seats;
pub mod services;
pub mod stats;
pub mod versions;
pub mod wallet;

mod building;
mod forgetting;
mod peers;
mod verified;

pub use failure::Failure;
pub use services::{Ready, Services, Settings};

/// The journal of dates in the database.
pub type Journal = crate::store::journal::Dates;

/// A date that is in use.
pub type Date = crate::sales::Date<Journal>;

/// The dates that are in use.
pub type Sales = crate::sales::Sales<Journal>;
