//! The longest single steps of a date's life: while one runs, nobody else of the date is served.

use super::*;
use crate::domain::date::Batch;

/// Prints, for each size, the longest join on the way there, the longest tick on the way to half, and the draw.
pub(super) fn run(out: &mut impl Write, sizes: &[usize]) -> io::Result<()> {
    writeln!(out, "{:>10} {:>18} {:>18} {:>18}", "waiting", "longest join", "longest tick", "draw")?;
    for size in sizes {
        write!(out, "{size:>10}")?;
        for pause in [longest_join(*size), longest_tick(*size), draw(*size)] {
            write!(out, " {:>18}", format!("{:.1} us", pause.as_secs_f64() * 1e6))?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "longest join: the indexes of the places grow; longest tick: the line closes its gaps; \
         draw: the whole lobby is put into its order.\nThe best of {PAUSE_ROUNDS} rounds."
    )
}

fn longest_join(size: usize) -> Duration {
    best(|| {
        let mut sale = empty();
        (0..size).map(|n| timed(|command| run_all(&mut sale, &[command]), join(n))).max().unwrap_or_default()
    })
}

fn longest_tick(size: usize) -> Duration {
    best(|| {
        let mut sale = one_at_a_time(size);
        (0..=size / 2).map(|_| timed(tick, &mut sale)).max().unwrap_or_default()
    })
}

fn draw(size: usize) -> Duration {
    best(|| {
        let mut sale = open(places(size).collect(), false);
        timed(|batch| sale.apply(batch), &Batch { at: opens(), events: vec![Event::Drawn] })
    })
}

fn timed<T>(step: impl FnOnce(T), of: T) -> Duration {
    let start = Instant::now();
    step(of);
    start.elapsed()
}

fn best(round: impl FnMut() -> Duration) -> Duration {
    std::iter::repeat_with(round).take(PAUSE_ROUNDS).min().unwrap_or_default()
}
