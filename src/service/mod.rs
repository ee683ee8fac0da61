//! The use cases: who may ask, load, decide, save, announce. One file a noun.
//!
//! [`House`] is what a transport talks to; every rule about who may do what is asked here, so that every
//! transport has it.

pub mod catalog;
pub mod census;
pub mod committer;
pub mod draws;
pub mod failure;
pub mod house;
pub mod identity;
pub mod load;
pub mod queue;
pub mod rooms;
pub mod sale;
pub mod seat_maps;
pub mod stats;
pub mod wallet;

mod building;
mod forgetting;
mod neighbours;
mod sweeper;
mod watchdog;

pub use failure::Failure;
pub use house::{House, Ready, Settings};
