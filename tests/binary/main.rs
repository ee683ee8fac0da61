//! The real binary as a process: its command line, how it stops, and what a `kill -9` leaves behind.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod absence;
mod bench;
mod broken;
mod claim;
mod cli;
mod crash;
mod draw;
mod draw_memory;
mod files;
mod log;
mod shutdown;
mod transport;
