//! What the README and the page about the draw say, tried out.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod draw;
mod journey;
mod running;
mod services;
mod settings;
mod steps;
