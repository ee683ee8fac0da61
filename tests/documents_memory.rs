//! What the documents that are remembered take, measured in a process of its own: this file has one test.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::fmt::Write as _;

use async_graphql::Request;
use frontrow::graphql;

/// What docs/limits.md allows for, and half as much again for what an allocator does not give back.
const ALLOWED_BYTES: usize = 24 << 20;

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("this test needs Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("kB") << 10
}

/// Documents of one kind, each another one.
type Kind = (&'static str, usize, fn(usize) -> String);

const KINDS: [Kind; 5] = [
    ("many fields", 50, |n| {
        format!("query Q{n} {{ concerts {{ nodes {{ {} }} }} }}", "id title ".repeat(280))
    }),
    ("many sets of one field", 50, |n| {
        format!("query Q{n} {{ concerts {{ nodes {{ {} }} }} }}", "... { id } ".repeat(240))
    }),
    ("many values", 50, |n| {
        let ids: String = (0..1_500).map(|at| format!("\"{at}\" ")).collect();
        format!("mutation M{n} {{ holdSeats(input: {{ seatIds: [{ids}] }}) {{ problem {{ code }} }} }}")
    }),
    ("long and with few tokens", 700, |n| format!("# {n} {}\n{{ __typename }}", "x".repeat(32_000))),
    ("of the usual length", 2_500, |n| {
        format!(
            "mutation Hold{n}($input: HoldSeatInput!) {{ holdSeat(input: $input) {{ hold {{ id expiresAt }} problem {{ code }} }} }}"
        )
    }),
];

#[test]
fn documents_of_any_kind_take_no_more_than_their_room() {
    // What one has let go of would be taken by the next.
    let (mut told, mut intakes) = (String::new(), Vec::new());
    for (name, count, document) in KINDS {
        let intake = graphql::intake();
        // What is allocated for reading any of them.
        let _ = intake.prepare(Request::new(document(0)));
        let before = resident();
        for n in 0..count {
            let errors = intake.prepare(Request::new(document(n))).err().unwrap_or_default();
            assert!(errors.iter().all(|error| error.message.contains("is required")), "{name}: {errors:?}");
        }
        let taken = resident().saturating_sub(before);
        let _ = writeln!(told, "{name}: {} KiB", taken >> 10);
        assert!(taken < ALLOWED_BYTES, "{told}");
        intakes.push(intake);
    }
    println!("{told}");
}
