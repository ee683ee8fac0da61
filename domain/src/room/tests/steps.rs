//! What can happen to a waiting room.

use proptest::{prelude::*, sample::select};

use super::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Joins (`true`) and leaves of users, in one batch, decided with all that has come due in so many milliseconds;
    /// `false`: it is not persisted.
    Batch(i64, Vec<(bool, usize)>, bool),
    Hear(usize),
    OpenStream(usize),
    CloseStream(usize),
    /// Paid or given up in the sale.
    Ended(usize),
    /// Until so many milliseconds from now.
    Pin(usize, Option<i64>),
    /// The sale ends all sessions that are over.
    Settle,
    Advance(i64),
    /// The server stands still for so long, and decides first thing.
    StandStill(i64),
    Policy(QueuePolicy),
    Pause(bool),
    SoldOut,
    Restart,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..14usize;
    let exact = select(vec![0i64, 1, 999, 1_000, 1_001, 4_999, 5_000, 9_999, 10_000, 20_000]);
    let policy = (prop::option::of(0..5u32), prop::option::of(1..5u32), 1..12u32, 5..15u32, 5..30u32)
        .prop_map(
            |(
                max_active,
                admit_per_interval,
                interval_seconds,
                heartbeat_timeout_seconds,
                session_seconds,
            )| {
                QueuePolicy {
                    max_active,
                    admit_per_interval,
                    interval_seconds,
                    heartbeat_timeout_seconds,
                    session_seconds,
                    ..QueuePolicy::default()
                }
            },
        );
    let batch = prop::collection::vec((prop::bool::weighted(0.8), who.clone()), 0..8);
    let after = prop_oneof![2 => Just(0), 3 => exact.clone(), 3 => 0..4_000i64];
    let step = prop_oneof![
        8 => (after, batch, prop::bool::weighted(0.7))
            .prop_map(|(after, batch, kept)| Step::Batch(after, batch, kept)),
        6 => who.clone().prop_map(Step::Hear),
        2 => who.clone().prop_map(Step::OpenStream),
        2 => who.clone().prop_map(Step::CloseStream),
        3 => who.clone().prop_map(Step::Ended),
        3 => (who, prop::option::of(0..20_000i64)).prop_map(|(who, until)| Step::Pin(who, until)),
        2 => Just(Step::Settle),
        5 => exact.prop_map(Step::Advance),
        5 => (0..4_000i64).prop_map(Step::Advance),
        2 => (0..15_000i64).prop_map(Step::StandStill),
        2 => policy.prop_map(Step::Policy),
        2 => any::<bool>().prop_map(Step::Pause),
        1 => prop::bool::weighted(0.1).prop_map(|out| if out { Step::SoldOut } else { Step::Settle }),
        2 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..160)
}
