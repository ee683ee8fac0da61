//! What a subscriber of a place is told.

use std::task::Waker;

use chrono::{DateTime, Utc};

use crate::domain::{
    catalog::SeriesStatus,
    date::WaitEstimate,
    id::{SeriesId, TokenId},
    sale::TokenStatus,
};

/// What its owner is told of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The place.
    pub token: TokenId,
    /// Its date.
    pub series: SeriesId,
    /// Where it stands.
    pub status: TokenStatus,
    /// See [`crate::domain::date::Position::position`]; 0 once it is over.
    pub position: Option<u32>,
    /// How many wait.
    pub waiting: u32,
    /// How long it will wait; `None` where nothing is known that would not be wrong.
    pub estimate: Option<WaitEstimate>,
    /// While admitted: until when seats may be chosen.
    pub admitted_until: Option<DateTime<Utc>>,
    /// Seats that can be held.
    pub available_seats: usize,
    /// How the sale stands.
    pub series_status: SeriesStatus,
}

/// Why nothing can be said of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The database is away, or this process is cut off from it.
    Unavailable,
    /// The token that allowed the stream has ended (rule 1).
    Lapsed,
    /// There is no such place.
    NotFound,
    /// Something broke here, which is for the log.
    Broken(String),
}

/// What a subscriber is told. Of what was not sent yet, only the last counts.
#[derive(Clone, Copy, Debug)]
pub enum Update<'a> {
    /// Where the place stands.
    Place(&'a Place),
    /// How it ended; nothing comes after it.
    Over(&'a Place),
    /// Nothing is known for now.
    Away(&'a Trouble),
    /// Nothing is known, and nothing comes after it.
    Failed(&'a Trouble),
}

/// Whoever is told of a place. It keeps what it is told and sends it later: telling never waits.
pub trait Subscriber: std::fmt::Debug + Send + Sync {
    /// Returned is who has to be woken, once for all that is told at a time.
    fn tell(&self, update: Update<'_>) -> Option<Waker>;
}
