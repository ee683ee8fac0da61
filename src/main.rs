//! Parse, run, exit code.

use std::process::ExitCode;

/// The system's own keeps what a burst of long answers has needed; this one gives it back within seconds.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    frontrow::cli::main()
}
