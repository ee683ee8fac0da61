//! What the documents say, tried out: the journey, the settings, and how a draw is verified.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod draw;
mod journey;
mod services;
mod settings;
mod steps;
