//! The log: what is told, and what never is.

use std::io;

use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

/// What is told unless `FRONTROW_LOG` says otherwise.
const USUAL: &str = "info,sea_orm_migration=warn";

/// Tells standard error what `FRONTROW_LOG` asks for, up to everything of ours.
pub fn start() {
    let filter = EnvFilter::try_from_env("FRONTROW_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(filter).with(filter_fn(may_be_told)).with(lines).init();
}

/// At the finest level libraries tell what they have read from a wire, byte by byte, tokens and all; whoever reads a log
/// could act for whom it is about. So that level is for our own words alone, which have no token in them.
fn may_be_told(line: &Metadata<'_>) -> bool {
    let ours = line.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    ours || *line.level() < Level::TRACE
}
