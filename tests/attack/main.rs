//! Nobody can hurt a sale by asking: the real server under a memory cap, everything that a caller could think of at once,
//! and another fan's holds and payments meanwhile.
//!
//! The attackers are a process of their own, at the lowest priority, so that it is the server that is measured and not
//! the machine that they share with it. They come from another address than the fan, as they would.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]
#![expect(clippy::print_stdout, reason = "what was tried and measured is worth seeing when the test fails")]

mod attackers;
mod latencies;
mod memory;
mod stage;

use std::process::{Command, Stdio};
use std::time::Duration;

use latencies::Latencies;
use memory::Memory;
use stage::Stage;

/// Address space that the server may have, in KiB.
const CAP: u64 = 3 << 20;

/// By how much its memory may grow under attack, in KiB.
const GROWTH: u64 = 300 << 10;

/// Of a hundred holds and payments ninety-nine.
const MOST: Duration = Duration::from_millis(400);
const ALL: Duration = Duration::from_secs(1);

#[test]
#[cfg_attr(debug_assertions, ignore = "measures: `make attack-test` runs it with an optimised build")]
fn a_sale_goes_on_whatever_is_asked() {
    let stage = Stage::set(CAP);
    let memory = Memory::watch(stage.server_id());
    let quiet = stage.sell(latencies::BEFORE);
    let before = memory.now();
    let mut attack = Command::new("nice")
        .args(["-n", "19"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "attackers", "--ignored", "--nocapture"])
        .env(attackers::TARGET, stage.target())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let latencies = stage.sell_while(|| attack.try_wait().unwrap().is_none());
    let output = attack.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let grown = memory.most().saturating_sub(before);
    let Latencies { median, p99, most, count } = latencies.figures();
    println!("before the attack: {:?}", quiet.figures());
    println!(
        "under attack: {count} holds and payments: median {median:?}, 99 of 100 {p99:?}, the longest {most:?}"
    );
    println!("memory: {before} KiB before, at most {grown} KiB more\n{report}");
    assert!(output.status.success(), "the attackers failed: {report}");
    stage.is_alive_and_in_order();
    assert!(count >= 100, "only {count} holds and payments");
    assert!(grown < GROWTH, "{grown} KiB more");
    assert!(p99 < MOST, "99 of 100 within {p99:?}");
    assert!(most < ALL, "the longest took {most:?}");
}

/// What the other process runs.
#[test]
#[ignore = "run by the other test, in a process of its own"]
fn attackers() {
    attackers::run();
}
