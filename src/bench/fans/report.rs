//! What was measured, as a table.

use std::io::{self, Write};

use super::Admission;

/// The aim: 99 of 100 fans hear of their admission within this many milliseconds.
const AIM_MS: u64 = 1_000;

/// The least part of the admissions asked for that must have taken place, in percent: a server that admits more slowly
/// than it was asked to would make it easy for itself.
const LEAST_RATE_PERCENT: f64 = 90.0;

/// See the module.
pub(super) struct Report {
    pub(super) sockets: u32,
    pub(super) subscriptions: u32,
    pub(super) per_second: u32,
    pub(super) join_seconds: f64,
    pub(super) open_seconds: f64,
    /// Resident memory of the server in bytes: after the joins, with every subscription open, and at the end.
    pub(super) memory: [Option<u64>; 3],
    pub(super) messages: u64,
    pub(super) run_seconds: f64,
    /// Microseconds of the server's processor: for a message, with all that belongs to it, and for a request that asks for
    /// nothing.
    pub(super) processor: [Option<f64>; 2],
    pub(super) admissions: Vec<Admission>,
}

impl Report {
    /// Whether the aim is met.
    pub(super) fn is_fine(&self) -> bool {
        let late = self.delay(99).is_none_or(|delay| delay > AIM_MS);
        !late && self.rate() * 100.0 >= f64::from(self.per_second) * LEAST_RATE_PERCENT
    }

    /// Prints the table.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = |name: &str, value: String| line(out, name, value);
        line("sockets, one a fan", self.sockets.to_string())?;
        line("open subscriptions", self.subscriptions.to_string())?;
        line("joined in", format!("{:.1} s", self.join_seconds))?;
        line("subscribed in", format!("{:.1} s", self.open_seconds))?;
        let [before, open, after] = self.memory;
        line("server memory, all joined", mebibytes(before))?;
        line("server memory, all subscribed", mebibytes(open))?;
        line("server memory, at the end", mebibytes(after))?;
        line("  a subscription, quiet", self.each(before, open))?;
        line("  a subscription, at the end", self.each(before, after))?;
        line("admitted", self.admissions.len().to_string())?;
        line("admissions a second", format!("{:.0} of {}", self.rate(), self.per_second))?;
        line("messages a second", format!("{:.0}", self.messages as f64 / self.run_seconds))?;
        let [message, bare] = self.processor;
        line("processor, a message", microseconds(message))?;
        line("processor, a bare request", microseconds(bare))?;
        let ratio = message.zip(bare).map(|(message, bare)| message / bare);
        line("  a message in requests", ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")))?;
        for (name, percent) in [("50%", 50), ("99%", 99), ("longest", 100)] {
            let delay = self.delay(percent).map_or_else(|| "-".to_owned(), |delay| format!("{delay} ms"));
            line(&format!("admission to message, {name}"), delay)?;
        }
        line("aim (99% within 1,000 ms)", if self.is_fine() { "met" } else { "missed" }.to_owned())
    }

    /// What so many of a hundred did not exceed, in milliseconds.
    fn delay(&self, percent: usize) -> Option<u64> {
        let mut delays: Vec<_> = self.admissions.iter().map(|admission| admission.delay).collect();
        delays.sort_unstable();
        rank(&delays, percent)
    }

    /// Admissions a second, by the server's own times. The first group opens the first interval.
    fn rate(&self) -> f64 {
        let times = || self.admissions.iter().map(|admission| admission.at);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return 0.0 };
        if first == last {
            return self.admissions.len() as f64;
        }
        let later = times().filter(|at| *at > first).count();
        later as f64 * 1_000.0 / (last - first) as f64
    }

    fn each(&self, before: Option<u64>, then: Option<u64>) -> String {
        let more = before.zip(then).map(|(before, then)| then.saturating_sub(before));
        more.map_or_else(
            || "-".to_owned(),
            |more| format!("{:.1} KiB", more as f64 / 1_024.0 / f64::from(self.subscriptions)),
        )
    }
}

/// One line of a table.
pub(super) fn line(out: &mut impl Write, name: &str, value: impl ToString) -> io::Result<()> {
    writeln!(out, "{name:<34} {:>14}", value.to_string())
}

/// What so many of a hundred do not exceed, of numbers in ascending order.
pub(super) fn rank<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

pub(super) fn microseconds(spent: Option<f64>) -> String {
    spent.map_or_else(|| "-".to_owned(), |spent| format!("{spent:.1} µs"))
}

pub(super) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 500 a second for three seconds; `late` of them took 1,500 ms, the others 10.
    fn report(late: usize) -> Report {
        let admission =
            |n: usize| Admission { at: n as i64 / 500 * 1_000, delay: if n < late { 1_500 } else { 10 } };
        Report {
            sockets: 1_500,
            subscriptions: 1_500,
            per_second: 500,
            join_seconds: 1.0,
            open_seconds: 1.0,
            memory: [Some(1 << 20), Some(16 << 20), None],
            messages: 3_000,
            run_seconds: 3.0,
            processor: [Some(18.0), Some(10.0)],
            admissions: (0..1_500).map(admission).collect(),
        }
    }

    #[test]
    fn one_in_a_hundred_may_be_late_and_no_more() {
        assert!(report(15).is_fine());
        assert!(!report(16).is_fine());
    }

    #[test]
    fn slow_admissions_miss_the_aim() {
        assert!(!Report { per_second: 600, ..report(0) }.is_fine());
        assert!(!Report { admissions: Vec::new(), ..report(0) }.is_fine());
    }

    #[test]
    fn the_table_states_delay_and_memory() {
        let mut out = Vec::new();
        report(1).write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("10.2 KiB")
                && text.contains("1.80")
                && text.contains("1500 ms")
                && text.contains("500 of 500"),
            "{text}"
        );
    }
}
