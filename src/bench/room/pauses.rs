//! The longest single steps of a room's life: while one runs, nobody else of the room is served.

use super::*;

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
        let mut room = empty();
        (0..size).map(|n| timed(|command| cycle(&mut room, command), &join(n))).max().unwrap_or_default()
    })
}

fn longest_tick(size: usize) -> Duration {
    best(|| {
        let mut room = full(size);
        room.set_policy(QueuePolicy { max_active: Some(1), ..QueuePolicy::default() });
        (0..=size / 2).map(|_| timed(tick, &mut room)).max().unwrap_or_default()
    })
}

fn draw(size: usize) -> Duration {
    best(|| {
        let mut room = restore(rows(size), false);
        timed(|event| room.apply(event), &[Event::Drawn { at: opens() }])
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
