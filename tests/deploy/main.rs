//! What is written for operators, held against what it speaks of: compose.yaml, the Dockerfile and the proxy's settings.
//! There is no container engine here, so [`image`] builds from the files that the image is built from, and [`whole`] runs
//! the same programs with the same settings on the loopback instead; `scripts/deploy-check` starts both.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod compose;
mod dockerfile;
mod hosts;
mod image;
mod page;
mod proxy;
mod settings;
mod whole;

/// Says what was checked, to whom `scripts/deploy-check` talks.
fn told(what: &str) {
    use std::io::Write;
    // Nobody reads it if that fails.
    let _ = writeln!(std::io::stderr(), "deploy-check: {what}");
}
