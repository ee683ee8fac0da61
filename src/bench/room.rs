//! What the waiting room costs as it grows: join, position, tick, restore, and memory.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    hint::black_box,
    io::{self, Write},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    bench::memory::resident_bytes,
    domain::{
        id::{TokenId, UserId},
        lobby::DrawSecret,
        policy::QueuePolicy,
        room::{Command, Event, Restored, RestoredState, Room, SaleState},
    },
};

/// Small rooms are measured repeatedly, until this many operations are counted.
const OPERATIONS: usize = if cfg!(test) { 400 } else { 200_000 };
/// Below this size the resident memory says more about pages than about places.
const MEMORY_FROM: usize = 100_000;

/// Measures rooms of these sizes and prints a table: nanoseconds an operation, with the ratio to the first size, and
/// bytes of resident memory a waiting place (user ids of 36 bytes; Linux only).
///
/// # Errors
/// When `out` cannot be written to.
pub fn run(out: &mut impl Write, sizes: &[usize]) -> io::Result<()> {
    // Memory first, while little is on the heap that a later room could reuse.
    let start = resident_bytes("self");
    let memory: Vec<_> = sizes.iter().map(|size| bytes_per_place(*size, start)).collect();
    writeln!(
        out,
        "{:>10} {:>18} {:>18} {:>18} {:>18} {:>12}",
        "waiting", "join", "position", "tick", "restore", "memory"
    )?;
    let mut first: Option<[f64; 4]> = None;
    for (size, memory) in sizes.iter().zip(memory) {
        let costs = [joins(*size), positions(*size), ticks(*size), restores(*size)];
        let base = *first.get_or_insert(costs);
        write!(out, "{size:>10}")?;
        for (cost, base) in costs.iter().zip(base) {
            write!(out, " {:>18}", format!("{cost:.0} ns ({:.1}x)", cost / base))?;
        }
        writeln!(out, " {:>12}", memory.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes} B")))?;
    }
    Ok(())
}

/// Runs `round` (which says what it took, and for how many operations) until enough is counted; ns an operation.
fn measure(mut round: impl FnMut() -> (Duration, usize)) -> f64 {
    let (mut took, mut operations) = (Duration::ZERO, 0);
    while operations < OPERATIONS {
        let (time, count) = round();
        took += time;
        operations += count;
    }
    took.as_secs_f64() * 1e9 / operations as f64
}

fn joins(size: usize) -> f64 {
    measure(|| {
        let mut room = empty();
        let commands: Vec<_> = (0..size).map(join).collect();
        let start = Instant::now();
        for batch in commands.chunks(100) {
            let decision = room.decide(batch, opens());
            decision.events.iter().for_each(|event| room.apply(event));
        }
        (start.elapsed(), size)
    })
}

fn positions(size: usize) -> f64 {
    let room = full(size);
    let asked: Vec<_> = (0..OPERATIONS).map(|n| token(mix(n as u64) as usize % size)).collect();
    let once = || {
        let start = Instant::now();
        for token in &asked {
            black_box(room.view(*token, opens()));
        }
        (start.elapsed(), asked.len())
    };
    // The first pass warms the caches as far as they reach.
    once();
    measure(once)
}

fn ticks(size: usize) -> f64 {
    measure(|| {
        let mut room = full(size);
        room.set_policy(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() });
        let count = (size / 2).min(OPERATIONS);
        let start = Instant::now();
        for _ in 0..count {
            for event in room.decide(&[], opens()).events {
                room.apply(&event);
                if let Event::Admitted { token, .. } = event {
                    room.ended(token);
                }
            }
        }
        (start.elapsed(), count)
    })
}

fn restores(size: usize) -> f64 {
    measure(|| {
        let rows: Vec<_> = rows(size).collect();
        let start = Instant::now();
        let room = restore(rows.into_iter());
        let took = start.elapsed();
        black_box(room.counts());
        (took, size)
    })
}

/// What a room built by joins adds to the resident memory since `start`.
fn bytes_per_place(size: usize, start: Option<u64>) -> Option<u64> {
    if size < MEMORY_FROM {
        return None;
    }
    let mut room = empty();
    for n in 0..size {
        let decision = room.decide(&[join(n)], opens());
        decision.events.iter().for_each(|event| room.apply(event));
    }
    let bytes = resident_bytes("self")?.saturating_sub(start?);
    black_box(room.counts());
    Some(bytes / size as u64)
}

fn opens() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn sale() -> SaleState {
    let closes_at = opens() + TimeDelta::days(1);
    SaleState { opens_at: opens(), closes_at, paused: false, sold_out: false }
}

/// Nobody is admitted until a measurement lifts the limit.
fn policy() -> QueuePolicy {
    QueuePolicy { max_active: Some(0), ..QueuePolicy::default() }
}

fn empty() -> Room {
    restore(std::iter::empty())
}

fn full(size: usize) -> Room {
    restore(rows(size))
}

fn restore(rows: impl Iterator<Item = Restored>) -> Room {
    Room::restore(sale(), policy(), DrawSecret::new([7; 32]), true, rows, std::iter::empty(), opens())
}

/// The whole lobby, so that a restore has all of the draw to do again.
fn rows(size: usize) -> impl Iterator<Item = Restored> {
    (0..size).map(|n| Restored {
        token: token(n),
        user: user(n),
        seq: n as u64,
        lobby: true,
        state: RestoredState::Waiting,
    })
}

fn join(n: usize) -> Command {
    Command::Join { token: token(n), user: user(n) }
}

fn token(n: usize) -> TokenId {
    TokenId(Uuid::from_u64_pair(n as u64, mix(n as u64)))
}

/// As long as a UUID, which is what identity providers usually call people.
fn user(n: usize) -> UserId {
    UserId::from_stored(&Uuid::from_u64_pair(mix(n as u64), n as u64).to_string())
}

/// SplitMix64: numbers without a pattern, the same in every run.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_size() {
        let mut out = Vec::new();
        run(&mut out, &[100, 200]).unwrap();
        let text = String::from_utf8(out).unwrap();
        let sizes: Vec<_> = text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(sizes, ["100", "200"]);
        assert!(text.contains("(1.0x)"), "{text}");
    }
}
