//! What the waiting room costs as it grows: join, position, tick, restore, and memory.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod pauses;
mod query;

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
        room::{Command, Event, Restored, RestoredState, Room, SaleState, Ticket},
    },
};

/// Small rooms are measured repeatedly, until this many operations are counted.
const OPERATIONS: usize = if cfg!(test) { 400 } else { 200_000 };
/// Below this size the resident memory says more about pages than about places.
const MEMORY_FROM: usize = 100_000;

/// Positions are asked for in so many rounds, and the quickest is shown: the others had company on the machine.
const POSITION_ROUNDS: usize = if cfg!(test) { 1 } else { 5 };

/// The aim: a position with the most waiting costs at most so many times what it costs with the fewest.
const AIM: f64 = 2.0;
/// The aim: a waiting place takes at most so much memory.
const AIM_BYTES: u64 = 256;

/// The longest of many steps also catches what else the machine had to do: the shortest of so many rounds is shown.
const PAUSE_ROUNDS: usize = if cfg!(test) { 1 } else { 3 };

const LEGEND: &str = "\
join            one of a batch of 100, decided and applied
position/token  all that the room has to say of a place, found by its token: a part of position/query, no aim by itself
position/ticket the position alone, by the ticket that an open subscription keeps
position/query  a whole queuePosition query by the token, through the router: all that a fan pays but the network
tick            admits one who then ends, until half of the line is gone and the gaps have been closed
restore         one place read back from the journal, the draw included
memory          resident bytes a place, with user ids of 36 bytes
Positions are asked for in random order, each question waiting for the answer before it.";

const COLUMNS: [&str; 6] = ["join", "position/token", "position/ticket", "position/query", "tick", "restore"];

/// Those of the columns that a client can pay for. A look-up by token never comes without its query; a single read that
/// misses the caches costs more than the whole of it does with a thousand waiting.
const AIMED: [usize; 2] = [2, 3];

/// Measures rooms of these sizes and prints two tables. The first has nanoseconds an operation, with the ratio to the
/// first size, and bytes of resident memory a waiting place (user ids of 36 bytes; Linux only). The second has the
/// longest single steps in microseconds. Says whether the aims are met.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(out: &mut impl Write, sizes: &[usize]) -> Result<bool, String> {
    // Memory first, while little is on the heap that a later room could reuse.
    let start = resident_bytes("self");
    let memory: Vec<_> = sizes.iter().map(|size| bytes_per_place(*size, start)).collect();
    let mut costs = Vec::new();
    for size in sizes {
        let (token, ticket) = (by_token(*size), by_ticket(*size));
        costs.push([
            joins(*size),
            token,
            ticket,
            query::measure(*size).await?,
            ticks(*size),
            restores(*size),
        ]);
    }
    write(out, sizes, &costs, &memory).map_err(|error| error.to_string())?;
    let fine = within_aim(out, sizes, &costs, &memory).map_err(|error| error.to_string())?;
    pauses::run(out, sizes).map_err(|error| error.to_string())?;
    Ok(fine)
}

fn write(
    out: &mut impl Write,
    sizes: &[usize],
    costs: &[[f64; COLUMNS.len()]],
    memory: &[Option<u64>],
) -> io::Result<()> {
    write!(out, "{:>10}", "waiting")?;
    for name in COLUMNS {
        write!(out, " {name:>18}")?;
    }
    writeln!(out, " {:>12}", "memory")?;
    for ((size, row), memory) in sizes.iter().zip(costs).zip(memory) {
        write!(out, "{size:>10}")?;
        for (cost, base) in row.iter().zip(costs[0]) {
            write!(out, " {:>18}", format!("{cost:.1} ns ({:.1}x)", cost / base))?;
        }
        writeln!(out, " {:>12}", memory.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes} B")))?;
    }
    writeln!(out, "{LEGEND}")
}

/// Says of each aim whether it is met.
fn within_aim(
    out: &mut impl Write,
    sizes: &[usize],
    costs: &[[f64; COLUMNS.len()]],
    memory: &[Option<u64>],
) -> io::Result<bool> {
    let ([first, .., last], [fewest, .., most]) = (costs, sizes) else { return Ok(true) };
    let met = |fine| if fine { "met" } else { "missed" };
    let mut all = true;
    for column in AIMED {
        let (name, ratio) = (COLUMNS[column], last[column] / first[column]);
        let fine = ratio <= AIM;
        writeln!(
            out,
            "aim ({name} at {most} at most {AIM} times that at {fewest}): {}, {ratio:.2}",
            met(fine)
        )?;
        all &= fine;
    }
    if let Some(bytes) = memory.last().copied().flatten() {
        let fine = bytes <= AIM_BYTES;
        writeln!(out, "aim (memory of a waiting place at most {AIM_BYTES} B): {}", met(fine))?;
        all &= fine;
    }
    writeln!(out)?;
    Ok(all)
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
            room.apply(&decision.events);
        }
        (start.elapsed(), size)
    })
}

fn by_token(size: usize) -> f64 {
    let room = full(size);
    positions(size, token, |token: &TokenId| room.view(*token, opens()).and_then(|view| view.position))
}

fn by_ticket(size: usize) -> f64 {
    let room = full(size);
    let ticket = |n| room.ticket(token(n)).expect("everyone waits, and nobody has left");
    positions(size, ticket, |ticket: &Ticket| room.position_of(ticket))
}

/// Asks at random; which key is next depends on the answer, so that questions cannot overlap.
fn positions<K>(size: usize, key: impl Fn(usize) -> K, ask: impl Fn(&K) -> Option<u32>) -> f64 {
    let asked: Vec<_> = (0..OPERATIONS).map(|n| key(mix(n as u64) as usize % size)).collect();
    let once = || {
        let start = Instant::now();
        let mut at = 0;
        while let Some(key) = asked.get(at) {
            let position = ask(key).expect("everyone waits");
            // Positions are below 2^31: the next one, but only once this answer is there.
            at += 1 + (position >> 31) as usize;
        }
        black_box(at);
        (start.elapsed(), asked.len())
    };
    // The first pass warms the caches as far as they reach.
    once();
    (0..POSITION_ROUNDS).map(|_| measure(once)).fold(f64::INFINITY, f64::min)
}

fn ticks(size: usize) -> f64 {
    measure(|| {
        let mut room = full(size);
        room.set_policy(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() });
        let count = size / 2 + 1;
        let start = Instant::now();
        for _ in 0..count {
            tick(&mut room);
        }
        (start.elapsed(), count)
    })
}

/// Admits the next in line, whose place then ends.
fn tick(room: &mut Room) {
    let events = room.decide(&[], opens()).events;
    room.apply(&events);
    for event in events {
        if let Event::Admitted { token, .. } = event {
            room.ended(token);
        }
    }
}

fn restores(size: usize) -> f64 {
    measure(|| {
        let rows: Vec<_> = rows(size).collect();
        let start = Instant::now();
        let room = restore(rows.into_iter(), true);
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
    (0..size).for_each(|n| cycle(&mut room, &join(n)));
    let bytes = resident_bytes("self")?.saturating_sub(start?);
    black_box(room.counts());
    Some(bytes / size as u64)
}

fn cycle(room: &mut Room, command: &Command) {
    let decision = room.decide(std::slice::from_ref(command), opens());
    room.apply(&decision.events);
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
    restore(std::iter::empty(), true)
}

fn full(size: usize) -> Room {
    restore(rows(size), true)
}

fn restore(rows: impl Iterator<Item = Restored>, drawn: bool) -> Room {
    Room::restore(sale(), policy(), DrawSecret::new([7; 32]), drawn, rows, std::iter::empty(), opens())
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

    #[tokio::test]
    async fn each_table_has_a_line_for_each_size() {
        let mut out = Vec::new();
        run(&mut out, &[100, 200]).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
        let sizes: Vec<_> = first_words.filter(|word| word.parse::<usize>().is_ok()).collect();
        assert_eq!(sizes, ["100", "200", "100", "200"], "{text}");
        assert!(text.contains("(1.0x)"), "{text}");
    }

    #[test]
    fn the_aims_are_missed_by_what_a_client_pays_for_and_by_memory() {
        let judge = |ticket: f64, query: f64, bytes: u64| {
            let costs = [[1.0; 6], [9.0, 9.0, ticket, query, 9.0, 9.0]];
            within_aim(&mut Vec::new(), &[1, 2], &costs, &[None, Some(bytes)]).unwrap()
        };
        assert!(judge(2.0, 2.0, 256));
        assert!(!judge(2.1, 1.0, 256));
        assert!(!judge(1.0, 2.1, 256));
        assert!(!judge(1.0, 1.0, 257));
    }
}
