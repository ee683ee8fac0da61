//! What the tests share: servers to start, those who use them, and the databases and machines that they stand on.
//!
//! | to have | write |
//! |---|---|
//! | a server in this process, whose clock stands still | `Server::start().await`, then `server.advance(secs(5), &series).await` |
//! | the same with other settings or on the system's clock | `Server::with(Options { … }).await`, `Server::on_system_clock().await` |
//! | several over one database | `let cluster = Cluster::new().await`, then `cluster.server().await` for each |
//! | the real binary as a process | `Process::open(folder)`, `Process::start(folder, &["--flag"])`, `Process::listening(command)` |
//! | somebody at the API | `server.fan("ann")`, `server.organizer()`; at any address `Fan::new(Client::new(address), "ann", token)` |
//! | a date on sale | `server.organizer().date(Plan::small(1, 10, json!({}))).await`; at a process `create_series(…)` |
//! | news | `fan.watch(…).await`, or a [`Socket`] where the server may be killed |
//! | a PostgreSQL or a Redis to be killed | `PostgresServer::start()`, `redis::RedisServer::start(&[])` |
//!
//! A test that cannot do without PostgreSQL or Redis begins with [`needs!`].

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod client;
mod cluster;
mod database;
mod fan;
pub mod lists;
mod moments;
mod node;
mod organizer;
mod postgres;
pub mod process;
pub mod redis;
mod reply;
mod seed;
mod server;
mod services;
mod socket;
mod wait;
mod watch;
mod witness;

pub use client::{Client, Unanswered};
pub use cluster::{Cluster, Mortal};
pub use database::FreshDatabase;
pub use fan::{Fan, PLACE};
pub use moments::Moments;
pub use node::Project;
pub use organizer::{Date, Organizer, Plan, create_house, create_series};
pub use postgres::{Frozen, PostgresServer};
pub use process::{Process, Victim};
pub use reply::{Reply, code_of, ids, int, text};
pub use seed::{entropy, some_of};
pub use server::{Options, Server};
pub use services::{Service, postgres_url, redis_url};
pub use socket::{Incoming, Socket};
pub use wait::{ms, now, secs, until};
pub use watch::Watch;
pub use witness::{CHARGE, Call, Seen, Witness};
