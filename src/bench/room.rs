//! What a line costs as it grows: join, position, tick, opening, and memory.

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
        attendance::Absence,
        date::{
            Command, Drawn, Event, Known, LobbyHash, Opened, OpenedPlace, OpenedState, Sale, Settings, decide,
        },
        id::{SeatId, SeriesId, TokenId, UserId},
        lobby::DrawSecret,
        policy::{PolicyPatch, QueuePolicy},
        presence::Presence,
        sale::{Seat, SeatState},
        text::PersonName,
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
position/token  all that a date has to say of a place, found by its token: a part of position/query, no aim by itself
position/query  a whole queuePosition query by the token, through the router: all that a fan pays but the network
tick            admits one who then ends, until half of the line is gone and the gaps have been closed
open            one place of a date that is opened anew, the draw included
memory          resident bytes a place, with user ids of 36 bytes
Positions are asked for in random order, each question waiting for the answer before it.";

const COLUMNS: [&str; 5] = ["join", "position/token", "position/query", "tick", "open"];

/// Those of the columns that a client can pay for. A look-up by token never comes without its query; a single read that
/// misses the caches costs more than the whole of it does with a thousand waiting.
const AIMED: [usize; 1] = [2];

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
        let token = by_token(*size);
        costs.push([joins(*size), token, query::measure(*size).await?, ticks(*size), opens_anew(*size)]);
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
        let mut sale = empty();
        let commands: Vec<_> = (0..size).map(join).collect();
        let start = Instant::now();
        for batch in commands.chunks(100) {
            run_all(&mut sale, batch);
        }
        (start.elapsed(), size)
    })
}

fn by_token(size: usize) -> f64 {
    let sale = full(size);
    positions(size, token, |token: &TokenId| sale.position(*token).and_then(|place| place.position))
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
        let mut sale = one_at_a_time(size);
        let count = size / 2 + 1;
        let start = Instant::now();
        for _ in 0..count {
            tick(&mut sale);
        }
        (start.elapsed(), count)
    })
}

fn one_at_a_time(size: usize) -> Sale {
    let mut sale = full(size);
    let patch = PolicyPatch { max_active: Some(Some(1)), ..PolicyPatch::default() };
    run_all(&mut sale, &[Command::PatchPolicy(patch)]);
    sale
}

/// Admits the next in line, whose place then ends.
fn tick(sale: &mut Sale) {
    let decision = decide(sale, &[], Known::default(), opens(), &mut Uuid::nil);
    sale.apply(&decision.batch());
    let admitted = decision.events.iter().filter_map(|event| match event {
        Event::Admitted { token, .. } => Some(*token),
        _ => None,
    });
    let leave = |token| Some(Command::Leave { user: sale.owner(token)?.clone(), token });
    let leaves: Vec<_> = admitted.filter_map(leave).collect();
    run_all(sale, &leaves);
}

fn opens_anew(size: usize) -> f64 {
    measure(|| {
        let places: Vec<_> = places(size).collect();
        let start = Instant::now();
        let sale = open(places, true);
        let took = start.elapsed();
        black_box(sale.counts());
        (took, size)
    })
}

/// What a date that is filled by joins, and who is known to be there, add to the resident memory since `start`.
fn bytes_per_place(size: usize, start: Option<u64>) -> Option<u64> {
    if size < MEMORY_FROM {
        return None;
    }
    let mut sale = empty();
    (0..size).for_each(|n| run_all(&mut sale, &[join(n)]));
    let presence = Presence::of(&sale, Absence::default(), opens());
    let bytes = resident_bytes("self")?.saturating_sub(start?);
    black_box((sale.counts(), presence));
    Some(bytes / size as u64)
}

fn run_all(sale: &mut Sale, commands: &[Command]) {
    let mut new = sale.counts().waiting as usize;
    let decision = decide(sale, commands, Known::default(), opens(), &mut || {
        new += 1;
        token(new - 1).0
    });
    sale.apply(&decision.batch());
}

fn opens() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// Nobody is admitted until a measurement lifts the limit.
fn policy() -> QueuePolicy {
    QueuePolicy { max_active: Some(0), ..QueuePolicy::default() }
}

fn empty() -> Sale {
    open(Vec::new(), true)
}

fn full(size: usize) -> Sale {
    open(places(size).collect(), true)
}

/// A date of no seats but one, so that it is not sold out.
fn open(places: Vec<OpenedPlace>, drawn: bool) -> Sale {
    let settings = Settings {
        start_at: opens() + TimeDelta::days(2),
        opens_at: opens(),
        closes_at: opens() + TimeDelta::days(1),
        paused: false,
        policy: policy(),
    };
    let opened = Opened {
        id: SeriesId(Uuid::nil()),
        settings,
        secret: DrawSecret::new([7; 32]),
        last: opens(),
        drawn: drawn.then_some(Drawn::With(LobbyHash([7; 32]))),
        closed: false,
        next_seq: 0,
        seats_version: 0,
    };
    let seat = Seat {
        id: SeatId(Uuid::nil()),
        series: SeriesId(Uuid::nil()),
        number: 1,
        section: "A".to_owned(),
        row: 1,
        col: 1,
        price: 1,
        state: SeatState::Free,
    };
    let mut sale = Sale::open(opened, vec![seat]);
    sale.put_lobby(places.iter().map(|place| place.token));
    sale.put_places(places.into_iter());
    sale.opened()
}

/// The whole lobby, so that the draw has to be done again.
fn places(size: usize) -> impl Iterator<Item = OpenedPlace> {
    (0..size).map(|n| OpenedPlace {
        token: token(n),
        user: user(n),
        seq: n as u64,
        lobby: true,
        state: OpenedState::Waiting,
    })
}

fn join(n: usize) -> Command {
    Command::Join { user: user(n), name: PersonName::none() }
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
        let judge = |query: f64, bytes: u64| {
            let costs = [[1.0; 5], [9.0, 9.0, query, 9.0, 9.0]];
            within_aim(&mut Vec::new(), &[1, 2], &costs, &[None, Some(bytes)]).unwrap()
        };
        assert!(judge(2.0, 256));
        assert!(!judge(2.1, 256));
        assert!(!judge(1.0, 257));
    }
}
