//! What one request may still read: counted while it runs, in case that a price was wrong or the data has grown since.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Context, Error};

use crate::graphql::over_limit::OverLimit;

/// Seats in all lists of seats of one request, and of all dates whose seat maps it reads, and of one answer of a subscription: one house of the largest size, and not
/// a second one.
pub const SEATS: usize = 110_000;

/// Seats of all dates that one request looks at: for lists of seats, and for as much of seat maps.
const LOOKED_AT: usize = 2 * SEATS;

/// What the seats of all dates are called whose seat maps are read.
pub const MAPPED: &str = "seats of the dates whose seats are read";

/// Rows in all other lists of one request.
const ROWS: usize = 20_000;

/// Bytes of an answer, and of each answer of a subscription: a list of 100,000 seats with all that they show has 14 MB.
pub const ANSWER_BYTES: usize = 20 << 20;

/// What they are called.
pub const ANSWER: &str = "bytes of an answer";

/// What is left of a request's budget. A subscription has none: each of its answers is small or a list of seats, which
/// has its own bound.
#[derive(Debug)]
pub struct Budget {
    seats: AtomicUsize,
    /// Of the dates whose seats were looked at.
    mapped: AtomicUsize,
    rows: AtomicUsize,
    /// Of what is written before the answer is: lists of seats.
    bytes: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { seats: SEATS.into(), mapped: LOOKED_AT.into(), rows: ROWS.into(), bytes: ANSWER_BYTES.into() }
    }
}

impl Budget {
    /// Takes the seats of a list.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX if so many are not left.
    pub(super) fn take_seats(&self, n: usize) -> Result<(), Error> {
        take(&self.seats, n, "seats", SEATS)
    }

    /// Takes the seats of a date that is looked at, whatever is told of them.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX if so many are not left.
    pub(super) fn take_map(&self, n: usize) -> Result<(), Error> {
        take(&self.mapped, n, MAPPED, LOOKED_AT)
    }

    /// Takes the bytes of a list that was written.
    ///
    /// # Errors
    /// QUERY_TOO_COMPLEX if all lists together are longer than an answer may be.
    pub(super) fn take_bytes(&self, n: usize) -> Result<(), Error> {
        take(&self.bytes, n, ANSWER, ANSWER_BYTES)
    }
}

/// Takes the rows of any other list.
///
/// # Errors
/// QUERY_TOO_COMPLEX if the request has no budget for so many any more.
pub(super) fn take_rows(ctx: &Context<'_>, n: usize) -> Result<(), Error> {
    match ctx.data_opt::<Budget>() {
        Some(budget) => take(&budget.rows, n, "rows", ROWS),
        None => Ok(()),
    }
}

fn take(left: &AtomicUsize, n: usize, of: &'static str, allowed: usize) -> Result<(), Error> {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n));
    taken.map(|_| ()).map_err(|left| OverLimit { of, asked: allowed - left + n, allowed }.into())
}
