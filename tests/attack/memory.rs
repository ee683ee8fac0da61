//! The memory of a process, looked at all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// KiB that a process has in memory, now and at most since it is watched.
pub(crate) struct Memory {
    process: u32,
    most: Arc<AtomicU64>,
}

impl Memory {
    pub(crate) fn watch(process: u32) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&most);
        // Ends when the process does.
        std::thread::spawn(move || {
            while let Some(now) = resident(process) {
                seen.fetch_max(now, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { process, most }
    }

    pub(crate) fn now(&self) -> u64 {
        resident(self.process).expect("the server lives")
    }

    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
