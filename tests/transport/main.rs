//! GraphQL over HTTP and WebSocket, through the real routes on a real socket.

mod clients;
mod http;
mod ws;
mod ws_bounds;

pub mod raw;
pub mod toy;
