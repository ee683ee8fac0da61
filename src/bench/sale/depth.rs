//! Whether a ticket costs more when many are sold: the same processes, from an empty database to a full house.

use super::{
    Options,
    figures::Spread,
    processor::Meter,
    report::Depth,
    subject::{Part, Setup, Subject},
};

/// Seats that stay unsold: what happens with the last one happens once.
const UNSOLD: usize = 100;

/// Sells `few` seats, then a house, and measures behind the one and before the end of the other.
///
/// # Errors
/// If the server refuses a fan.
pub(super) async fn measure(setup: Setup, options: &Options, meter: &Meter<'_>) -> Result<Depth, String> {
    let (few, many) = (options.few, options.many);
    let measured = options.rounds * few;
    let Some(between) = many.checked_sub(few + 2 * measured + UNSOLD) else {
        return Err(format!("--many must be at least {}", few + 2 * measured + UNSOLD));
    };
    let mut subject = Subject::open(Setup { seats: many, ..setup }).await?;
    let meter = Meter { postgres: meter.postgres, redis: meter.redis, ..subject.meter() };
    subject.sell(few, &meter).await?;
    let first = rounds(&mut subject, options, &meter).await?;
    tracing::info!("{}: filling the house", subject.name);
    subject.fill(between).await?;
    let last = rounds(&mut subject, options, &meter).await?;
    let parts = [first, last];
    let rate = |parts: &[Part<(), 2>]| Spread::of(parts.iter().map(|part| Some(part.driven.per_second())));
    Ok(Depth {
        of: subject.name,
        sold: [few, many - UNSOLD],
        per_second: [rate(&parts[0]), rate(&parts[1])],
        processor_us: [cost(&parts[0]), cost(&parts[1])],
    })
}

async fn rounds(
    subject: &mut Subject,
    options: &Options,
    meter: &Meter<'_>,
) -> Result<Vec<Part<(), 2>>, String> {
    let mut parts = Vec::with_capacity(options.rounds);
    for _ in 0..options.rounds {
        parts.push(subject.sell(options.few, meter).await?);
    }
    Ok(parts)
}

/// Of server and database; the load costs what it costs.
fn cost(parts: &[Part<(), 2>]) -> Option<Spread> {
    Spread::of(parts.iter().map(|part| {
        let [server, postgres, ..] = part.processor_us();
        Some(server? + postgres.unwrap_or_default())
    }))
}
