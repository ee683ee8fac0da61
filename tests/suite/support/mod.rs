//! A server to start, and the people who use it.

pub(crate) mod backend;
pub(crate) mod lists;
mod people;
mod reply;
mod server;
mod watch;

pub(crate) use backend::Fresh;
pub(crate) use people::{Date, Fan, Organizer, PLACE, Plan};
pub(crate) use reply::{Reply, code_of, int, text};
pub(crate) use server::{Options, Server, ms, secs, until};
pub(crate) use watch::Watch;
