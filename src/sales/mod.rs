//! Every date that is in use, in memory at a version.
//!
//! Whatever changes a date goes through its committer: it locks the date's row, brings memory up to what that says, decides
//! by the rules of [`domain::date`], makes the events durable in one transaction, and only then takes them into memory,
//! tells who watches and the other processes, and answers. Nobody owns a date: whoever has the lock decides, on a state
//! that version and head prove to be the latest.
//!
//! [`Sales`] has the dates of this process, and whoever wants one asks it. A [`Date`] is asked to run commands, and to
//! show what this process knows.

mod committer;
mod date;
mod due;
mod job;
mod lane;
mod memory;
pub mod news;
mod parts;
mod presence;
mod registry;
mod replica;
mod seats;
mod stream;
pub mod subscribers;
#[cfg(test)]
mod tests;
pub mod versions;
mod wallets;
mod watchers;
mod wheel;

pub use self::{
    date::{Date, Seen},
    job::{Answer, Refused},
    parts::{Committed, News, NoNews, Parts, Peers},
    registry::Sales,
    seats::{SeatCounts, SeatNews, SeatWatch},
    stream::{Here, Stream},
    wallets::Wallets,
};
