//! GraphQL over HTTP and WebSocket, through the real routes on a real socket.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod clients;
mod door;
mod http;
mod slow;
mod ws;
mod ws_bounds;
mod ws_frames;

mod raw;
mod toy;
