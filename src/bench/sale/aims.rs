//! The bounds that should hold on any machine, because they are ratios of what was measured on it in the same run.

use super::{
    ONE_PROCESS, SQLITE,
    figures::Spread,
    report::{Aim, Depth, Follow, Memory, Report},
    rounds::Contender,
};

/// Tickets beside those of pgbench, one by one.
const ON_SQLITE: f64 = 3.0;
const ON_POSTGRES: f64 = 4.0;

/// Tickets on PostgreSQL beside those of pgbench in batches.
const BESIDE_BATCHES: f64 = 0.25;

/// Tickets of several processes beside those of one without Redis.
const SHARED: f64 = 0.7;

/// Joins beside requests that ask for nothing.
const JOINS: f64 = 0.35;

/// What a ticket costs when many are sold, beside when few are.
const GROWTH: f64 = 1.2;

/// The part of a core that it takes to follow 2,000 joins a second of another process.
const FOLLOWING: f64 = 0.1;

/// Bytes of a waiting place, and of a seat.
const PLACE: f64 = 256.0;
const SEAT: f64 = 160.0;

/// What the rounds have to say.
pub(super) fn of_rounds(report: &Report, contenders: &[Contender]) -> Vec<Aim> {
    let one = contenders.iter().find(|contender| contender.name() == ONE_PROCESS).map(Contender::rates);
    let several = contenders.iter().filter(|contender| ![SQLITE, ONE_PROCESS].contains(&contender.name()));
    let shared = several.map(|contender| {
        let beside = one.as_ref().and_then(|one| Spread::of_ratios(contender.rates(), one.iter().copied()));
        Aim::at_least(SHARED, format!("{}: beside one on PostgreSQL", contender.name()), median(beside))
    });
    let tickets = report.tickets.iter().flat_map(|row| {
        let pgbench =
            |bound| Aim::at_least(bound, format!("{}: beside pgbench", row.of), median(row.beside_pgbench));
        let batches = || {
            let what = format!("{}: beside pgbench in batches", row.of);
            Aim::at_least(BESIDE_BATCHES, what, median(row.beside_pgbench_batches))
        };
        match row.of.as_str() {
            SQLITE => [pgbench(ON_SQLITE), None],
            ONE_PROCESS => [pgbench(ON_POSTGRES), batches()],
            _ => [None, None],
        }
    });
    let joins = report.joins.iter().map(|row| {
        let what = format!("{}: joins beside bare requests", row.of);
        Aim::at_least(JOINS, what, median(row.beside_health))
    });
    tickets.chain(shared).chain(joins).flatten().collect()
}

/// What a full house has to say.
pub(super) fn of_depth(depths: &[Depth]) -> impl Iterator<Item = Aim> {
    depths.iter().filter_map(|depth| {
        let [few, many] = depth.sold;
        Aim::at_most(GROWTH, format!("{}: a ticket with {many} sold, beside {few}", depth.of), depth.grows())
    })
}

/// What a process has to say that follows another.
pub(super) fn of_follow(follow: &[Follow]) -> impl Iterator<Item = Aim> {
    follow
        .iter()
        .filter_map(|row| Aim::at_most(FOLLOWING, format!("{}: of a core, to follow", row.of), row.core))
}

/// What many have to say who wait.
pub(super) fn of_memory(memory: &Memory) -> impl Iterator<Item = Aim> + use<> {
    let of = |what| format!("{}: bytes of {what}", memory.of);
    let place = Aim::at_most(PLACE, of("a waiting place"), memory.place_bytes);
    place.into_iter().chain(Aim::at_most(SEAT, of("a seat"), memory.seat_bytes))
}

fn median(spread: Option<Spread>) -> Option<f64> {
    spread.map(|spread| spread.median)
}
