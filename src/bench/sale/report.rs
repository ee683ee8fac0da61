//! What was measured, as tables or as JSON, and whether the aims are met.

use std::io::{self, Write};

use serde::Serialize;

use super::figures::{Spread, shown};

/// Processor time in microseconds; `None` of whoever has no part in it or is on another machine.
#[derive(Debug, Serialize)]
pub(super) struct Processor {
    pub(super) server: Option<Spread>,
    pub(super) postgres: Option<Spread>,
    pub(super) redis: Option<Spread>,
    /// The benchmark's own, on the same machine.
    pub(super) load: Option<Spread>,
}

impl Processor {
    /// From the figures of each round, in this order.
    pub(super) fn of(rounds: &[[Option<f64>; 4]]) -> Self {
        let part = |part: usize| Spread::of(rounds.iter().map(|round| round[part]));
        Self { server: part(0), postgres: part(1), redis: part(2), load: part(3) }
    }

    fn cells(&self) -> String {
        [self.server, self.postgres, self.redis, self.load].map(shown).join(" | ")
    }
}

/// Hold and payment.
#[derive(Debug, Serialize)]
pub(super) struct Tickets {
    pub(super) of: String,
    pub(super) per_second: Option<Spread>,
    /// As a multiple of pgbench, one by one.
    pub(super) beside_pgbench: Option<Spread>,
    /// The same, in batches.
    pub(super) beside_pgbench_batches: Option<Spread>,
    /// Until half of the answers were there, and 99 of 100.
    pub(super) hold_ms: [Option<Spread>; 2],
    pub(super) pay_ms: [Option<Spread>; 2],
    pub(super) processor_us: Processor,
}

/// Joins of a line in which they wait.
#[derive(Debug, Serialize)]
pub(super) struct Joins {
    pub(super) of: String,
    pub(super) per_second: Option<Spread>,
    /// Requests a second of the bare health handler.
    pub(super) health_per_second: Option<Spread>,
    pub(super) beside_health: Option<Spread>,
    pub(super) processor_us: Processor,
    pub(super) health_processor_us: Processor,
}

/// A ticket when few and when many are sold.
#[derive(Debug, Serialize)]
pub(super) struct Depth {
    pub(super) of: String,
    /// How many are sold before the first round with few, and after the last one with many.
    pub(super) sold: [usize; 2],
    pub(super) per_second: [Option<Spread>; 2],
    /// Of server and database together.
    pub(super) processor_us: [Option<Spread>; 2],
}

impl Depth {
    /// How many times as much a ticket costs with many sold: by processor time, or else by time.
    pub(super) fn grows(&self) -> Option<f64> {
        let ratio = |[few, many]: [Option<Spread>; 2]| Some(many?.median / few?.median);
        ratio(self.processor_us).or_else(|| ratio(self.per_second).map(f64::recip))
    }
}

/// What it takes to follow what another process commits.
#[derive(Debug, Serialize)]
pub(super) struct Follow {
    pub(super) of: String,
    pub(super) joins_per_second: f64,
    /// Of the process that follows, for each join.
    pub(super) processor_us: Option<f64>,
    /// The part of a core, at 2,000 joins a second.
    pub(super) core: Option<f64>,
}

/// What is resident for each of many.
#[derive(Debug, Serialize)]
pub(super) struct Memory {
    pub(super) of: String,
    pub(super) waiting: usize,
    pub(super) place_bytes: Option<f64>,
    pub(super) seats: usize,
    pub(super) seat_bytes: Option<f64>,
}

/// A process.
#[derive(Debug, Serialize)]
pub(super) struct Process {
    pub(super) of: String,
    pub(super) start_ms: f64,
    /// Resident memory, when it has just started and when it has sold.
    pub(super) memory_mib: [Option<f64>; 2],
}

/// A bound that should hold on any machine.
#[derive(Debug, Serialize)]
pub(super) struct Aim {
    pub(super) what: String,
    pub(super) found: f64,
    pub(super) bound: f64,
    pub(super) met: bool,
}

impl Aim {
    /// It should be at least this; nothing if it was not measured.
    pub(super) fn at_least(bound: f64, what: String, found: Option<f64>) -> Option<Self> {
        found.map(|found| Self { what, found, bound, met: found >= bound })
    }

    /// It should be at most this; nothing if it was not measured.
    pub(super) fn at_most(bound: f64, what: String, found: Option<f64>) -> Option<Self> {
        found.map(|found| Self { what, found, bound, met: found <= bound })
    }
}

/// See the module.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Machine and method, a sentence each.
    pub(super) notes: Vec<String>,
    pub(super) tickets: Vec<Tickets>,
    pub(super) joins: Vec<Joins>,
    pub(super) depth: Vec<Depth>,
    pub(super) follow: Vec<Follow>,
    pub(super) memory: Option<Memory>,
    pub(super) processes: Vec<Process>,
    pub(super) aims: Vec<Aim>,
}

impl Report {
    /// Whether every aim is met.
    pub(super) fn is_fine(&self) -> bool {
        self.aims.iter().all(|aim| aim.met)
    }

    /// Prints it as one JSON object.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Prints the tables, in Markdown.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        self.write_tickets(out)?;
        self.write_joins(out)?;
        self.write_depth(out)?;
        self.write_follow(out)?;
        self.write_processes(out)?;
        if let Some(Memory { of, waiting, place_bytes, seats, seat_bytes }) = &self.memory {
            let bytes = |bytes: &Option<f64>| shown(bytes.map(|bytes| format!("{bytes:.0}")));
            head(out, &["Memory", "how many", "bytes of each"])?;
            writeln!(out, "| {of}, waiting places | {waiting} | {} |", bytes(place_bytes))?;
            writeln!(out, "| {of}, seats | {seats} | {} |", bytes(seat_bytes))?;
        }
        if self.aims.is_empty() {
            return Ok(());
        }
        head(out, &["Aim", "found", "bound", ""])?;
        for Aim { what, found, bound, met } in &self.aims {
            writeln!(out, "| {what} | {found:.2} | {bound} | {} |", if *met { "met" } else { "missed" })?;
        }
        Ok(())
    }

    fn write_tickets(&self, out: &mut impl Write) -> io::Result<()> {
        head(
            out,
            &[
                "Hold and pay",
                "tickets a second",
                "× pgbench",
                "× batches",
                "hold, ms",
                "99 of 100",
                "pay, ms",
                "99 of 100",
            ],
        )?;
        for row in &self.tickets {
            let figures = [row.per_second, row.beside_pgbench, row.beside_pgbench_batches];
            let cells = [&figures[..], &row.hold_ms, &row.pay_ms].concat();
            writeln!(
                out,
                "| {} | {} |",
                row.of,
                cells.into_iter().map(shown).collect::<Vec<_>>().join(" | ")
            )?;
        }
        head(out, &["Processor, µs a ticket", "server", "PostgreSQL", "Redis", "the load"])?;
        for row in &self.tickets {
            writeln!(out, "| {} | {} |", row.of, row.processor_us.cells())?;
        }
        Ok(())
    }

    fn write_joins(&self, out: &mut impl Write) -> io::Result<()> {
        if self.joins.is_empty() {
            return Ok(());
        }
        head(out, &["Joins", "a second", "bare requests a second", "ratio", "processor a bare request, µs"])?;
        for row in &self.joins {
            let cells =
                [row.per_second, row.health_per_second, row.beside_health, row.health_processor_us.server];
            writeln!(out, "| {} | {} |", row.of, cells.map(shown).join(" | "))?;
        }
        head(out, &["Processor, µs a join", "server", "PostgreSQL", "Redis", "the load"])?;
        for row in &self.joins {
            writeln!(out, "| {} | {} |", row.of, row.processor_us.cells())?;
        }
        Ok(())
    }

    fn write_depth(&self, out: &mut impl Write) -> io::Result<()> {
        if self.depth.is_empty() {
            return Ok(());
        }
        head(
            out,
            &["Sold", "", "tickets a second", "processor of server and database, µs a ticket", "ratio"],
        )?;
        for row in &self.depth {
            for (at, sold) in row.sold.into_iter().enumerate() {
                let (rate, processor) = (shown(row.per_second[at]), shown(row.processor_us[at]));
                let grows = row.grows().filter(|_| at == 1).map(|ratio| format!("{ratio:.2}"));
                writeln!(
                    out,
                    "| {} | {sold} | {rate} | {processor} | {} |",
                    row.of,
                    grows.unwrap_or_default()
                )?;
            }
        }
        Ok(())
    }

    fn write_follow(&self, out: &mut impl Write) -> io::Result<()> {
        if self.follow.is_empty() {
            return Ok(());
        }
        head(
            out,
            &[
                "A process that follows",
                "joins a second elsewhere",
                "processor a join, µs",
                "of a core at 2,000 a second",
            ],
        )?;
        for Follow { of, joins_per_second, processor_us, core } in &self.follow {
            let [us, core] =
                [processor_us, core].map(|figure| shown(figure.map(|figure| format!("{figure:.3}"))));
            writeln!(out, "| {of} | {joins_per_second:.0} | {us} | {core} |")?;
        }
        Ok(())
    }

    fn write_processes(&self, out: &mut impl Write) -> io::Result<()> {
        if self.processes.is_empty() {
            return Ok(());
        }
        head(out, &["Process", "start, ms", "memory at the start, MiB", "memory at the end, MiB"])?;
        for row in &self.processes {
            let [idle, end] =
                row.memory_mib.map(|memory| shown(memory.map(|mebibytes| format!("{mebibytes:.0}"))));
            writeln!(out, "| {} | {:.0} | {idle} | {end} |", row.of, row.start_ms)?;
        }
        Ok(())
    }
}

fn head(out: &mut impl Write, titles: &[&str]) -> io::Result<()> {
    writeln!(out, "\n| {} |", titles.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(titles.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(figure: f64) -> Option<Spread> {
        Spread::of([Some(figure)])
    }

    fn depth(processor_us: [Option<Spread>; 2]) -> Depth {
        let per_second = [spread(1_000.0), spread(500.0)];
        Depth { of: "SQLite".to_owned(), sold: [1, 100], per_second, processor_us }
    }

    #[test]
    fn a_ticket_grows_by_processor_time_or_else_by_time() {
        assert_eq!(depth([spread(100.0), spread(110.0)]).grows(), Some(1.1));
        assert_eq!(depth([None, None]).grows(), Some(2.0));
    }

    #[test]
    fn one_missed_aim_is_not_fine() {
        let mut report = Report::default();
        report.aims.extend(Aim::at_least(4.0, "a".to_owned(), Some(4.0)));
        report.aims.extend(Aim::at_least(4.0, "not measured".to_owned(), None));
        assert!(report.is_fine());
        report.aims.extend(Aim::at_most(1.2, "b".to_owned(), Some(1.3)));
        assert!(!report.is_fine());
        let mut out = Vec::new();
        report.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("| a | 4.00 | 4 | met |") && text.contains("| b | 1.30 | 1.2 | missed |"),
            "{text}"
        );
    }
}
