//! What is written for operators, held against what it speaks of: compose.yaml, the Dockerfile and the proxy's settings.
//! There is no container engine here, so [`whole`] runs the same programs with the same settings on the loopback
//! instead; `scripts/deploy-check` starts it.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[path = "../process/api.rs"]
mod api;
mod compose;
mod dockerfile;
mod hosts;
mod proxy;
#[expect(dead_code, reason = "its own tests use all of it")]
#[path = "../process/server.rs"]
mod server;
mod settings;
#[path = "../process/socket.rs"]
mod socket;
mod whole;
