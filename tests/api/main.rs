//! The behaviour of the whole server: through the real router, on real sockets, over a real database.
//!
//! `test_support` has a server to start and the people who use it, by the public API only. One module a subject.
//! With `FRONTROW_TEST_DATABASE_URL` the same tests run on another database; see `test_support::FreshDatabase`.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod authorisation;
mod bounds;
mod broken_rows;
mod building;
mod clients;
mod clock;
mod coercion;
mod contract;
mod cost;
mod draw;
mod errors;
mod journey;
mod n_plus_one;
mod outgoing;
mod overload;
mod paging;
mod race;
mod rules;
mod search;
mod text;
mod times;
mod upgrade;
mod web;
