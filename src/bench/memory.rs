//! Resident memory, as the kernel counts it. Linux only.

use std::fmt::Display;

/// What `process` (an id, or `self`) has in memory, in bytes; `None` where the kernel does not tell.
#[must_use]
pub fn resident_bytes(process: impl Display) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1_024)
}
