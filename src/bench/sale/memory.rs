//! What is resident for each waiting place and for each seat, in a process that has done both before.

use chrono::TimeDelta;

use super::{
    Options,
    processor::Meter,
    report::Memory,
    subject::{Setup, Subject},
};
use crate::clock::Clock;

/// The allocator gives back within about a second what is not used any more.
const SETTLING: TimeDelta = TimeDelta::milliseconds(1_500);

/// It has settled when it shrinks by less than this meanwhile.
const CALM: u64 = 1 << 17;

/// Joins until that many wait, and adds the largest date that there can be.
///
/// # Errors
/// If the server refuses a fan.
pub(super) async fn measure(setup: Setup, options: &Options) -> Result<Memory, String> {
    let mut subject = Subject::open(setup).await?;
    tracing::info!("{}: joining", subject.name);
    // What the first of everything takes belongs to none of them.
    subject.add_date(options.many).await?;
    subject.join(options.joins, &Meter::default()).await?;
    let before = settled(&subject).await;
    subject.join(options.waiting, &Meter::default()).await?;
    let joined = settled(&subject).await;
    subject.add_date(options.many).await?;
    let added = settled(&subject).await;
    Ok(Memory {
        of: subject.name,
        waiting: options.waiting,
        place_bytes: each(before, joined, options.waiting),
        seats: options.many,
        seat_bytes: each(joined, added, options.many),
    })
}

async fn settled(subject: &Subject) -> Option<u64> {
    let mut before = u64::MAX;
    loop {
        Clock::system().sleep(SETTLING).await;
        let now = subject.resident()?;
        if now.saturating_add(CALM) > before {
            return Some(now);
        }
        before = now;
    }
}

fn each(before: Option<u64>, after: Option<u64>, count: usize) -> Option<f64> {
    Some((after? as f64 - before? as f64) / count as f64)
}
