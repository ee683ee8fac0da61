//! The server room: HTTP and WebSocket in front of the GraphQL schema.

pub mod endpoint;
pub mod finish;
mod graphql_http;
mod graphql_ws;
pub mod nulls;
mod params;
