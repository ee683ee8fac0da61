//! What was measured, as a table or as JSON, and whether the aims are met.

use std::io::{self, Write};

use serde::Serialize;

use super::questions::Question;
use crate::bench::sale::figures::{Spread, shown};

/// What was measured of one question in one round, a second each.
pub(super) struct Round {
    pub(super) health: f64,
    /// Of the handler that sends the same bytes.
    pub(super) bare: Option<f64>,
    pub(super) still: f64,
    pub(super) changing: Option<f64>,
    /// Processor time of the server for each answer, in microseconds.
    pub(super) server_us: Option<f64>,
    /// The same of the bare health handler.
    pub(super) health_us: Option<f64>,
}

/// A question.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    of: String,
    size: Option<usize>,
    per_second: Option<Spread>,
    server_us: Option<Spread>,
    /// That processor time beside what the bare health handler takes.
    server_beside_health: Option<Spread>,
    /// Beside the bare health handler of the same server.
    beside_health: Option<Spread>,
    /// Beside a handler that sends the same bytes.
    beside_its_bytes: Option<Spread>,
    changing_per_second: Option<Spread>,
    changing_beside_health: Option<Spread>,
    changing_beside_its_bytes: Option<Spread>,
    aim: Option<f64>,
    met: Option<bool>,
}

/// See the module.
#[derive(Serialize)]
pub(super) struct Report {
    notes: Vec<String>,
    health_per_second: Option<Spread>,
    health_server_us: Option<Spread>,
    rows: Vec<Row>,
    #[serde(skip)]
    rounds: Vec<(Question, Vec<Round>)>,
}

impl Row {
    fn new(question: &Question, rounds: &[Round]) -> Self {
        let spread = |of: fn(&Round) -> Option<f64>| Spread::of(rounds.iter().map(of));
        let beside_health = spread(|round| Some(round.still / round.health));
        let beside_its_bytes = spread(|round| Some(round.still / round.bare?));
        let changing_beside_health = spread(|round| Some(round.changing? / round.health));
        let changing_beside_its_bytes = spread(|round| Some(round.changing? / round.bare?));
        let counts = if question.is_beside_its_bytes() {
            [beside_its_bytes, changing_beside_its_bytes]
        } else {
            [beside_health, changing_beside_health]
        };
        // Also while something changes, where anything can.
        let met = question.aim.map(|aim| counts.into_iter().flatten().all(|found| found.median >= aim));
        Self {
            of: question.of.to_owned(),
            size: question.size,
            per_second: spread(|round| Some(round.still)),
            server_us: spread(|round| round.server_us),
            server_beside_health: spread(|round| Some(round.server_us? / round.health_us?)),
            beside_health,
            beside_its_bytes,
            changing_per_second: spread(|round| round.changing),
            changing_beside_health,
            changing_beside_its_bytes,
            aim: question.aim,
            met,
        }
    }
}

impl Report {
    pub(super) fn new(notes: Vec<String>) -> Self {
        Self { notes, health_per_second: None, health_server_us: None, rows: Vec::new(), rounds: Vec::new() }
    }

    /// A round of the question at that place.
    pub(super) fn add(&mut self, at: usize, question: &Question, round: Round) {
        if at == self.rounds.len() {
            self.rounds.push((question.clone(), Vec::new()));
        }
        self.rounds[at].1.push(round);
    }

    /// The figures of all rounds.
    pub(super) fn finished(mut self) -> Self {
        let health = |of: fn(&Round) -> Option<f64>| {
            self.rounds.first().and_then(|(_, rounds)| Spread::of(rounds.iter().map(of)))
        };
        (self.health_per_second, self.health_server_us) =
            (health(|round| Some(round.health)), health(|round| round.health_us));
        self.rows = self.rounds.iter().map(|(question, rounds)| Row::new(question, rounds)).collect();
        self
    }

    /// Whether every aim is met.
    pub(super) fn is_fine(&self) -> bool {
        self.rows.iter().all(|row| row.met != Some(false))
    }

    /// Prints it as one JSON object.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Prints the table, in Markdown.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        let (rate, us) = (shown(self.health_per_second), shown(self.health_server_us));
        writeln!(out, "the bare health handler: {rate} a second, {us} µs of the server's processor")?;
        let titles = [
            "",
            "size",
            "a second",
            "server, µs",
            "× that of health",
            "× health",
            "× its bytes",
            "changing: a second",
            "× health",
            "× its bytes",
            "aim",
        ];
        writeln!(out, "\n| {} |", titles.join(" | "))?;
        writeln!(out, "|{}", "---|".repeat(titles.len()))?;
        for row in &self.rows {
            let aim = match (row.aim, row.met) {
                (Some(aim), Some(met)) => format!("{aim}: {}", if met { "met" } else { "missed" }),
                _ => "-".to_owned(),
            };
            let figures = [
                row.per_second,
                row.server_us,
                row.server_beside_health,
                row.beside_health,
                row.beside_its_bytes,
                row.changing_per_second,
                row.changing_beside_health,
                row.changing_beside_its_bytes,
            ];
            let figures = figures.map(shown).join(" | ");
            writeln!(out, "| {} | {} | {figures} | {aim} |", row.of, shown(row.size))?;
        }
        Ok(())
    }
}
