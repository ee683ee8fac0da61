//! What can happen to a waiting room.

use frontrow::domain::policy::QueuePolicy;
use proptest::{prelude::*, sample::select};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Joins (`true`) and leaves of users, in one batch, decided with all that has come due in so many milliseconds.
    Batch(i64, Vec<(bool, usize)>),
    /// The same, and its process does not live to journal it; another one takes it over as many milliseconds later.
    Orphan(i64, Vec<(bool, usize)>),
    Hear(usize),
    /// Paid or given up in the sale.
    Ended(usize),
    /// Until so many milliseconds from now.
    Pin(usize, Option<i64>),
    Advance(i64),
    Policy(QueuePolicy),
    Pause(bool),
    /// Every seat is reserved, or a ticket was given back.
    SoldOut(bool),
    /// Redis has lost everything: the room is rebuilt from its journal.
    Flush,
    /// Redis has lost its latest decision only, which is like that of a batch.
    Failover(i64, Vec<(bool, usize)>),
    /// The journal has lost the place of this user too, and the token is shown.
    ComeBack(usize),
}

pub(crate) const USERS: usize = 14;

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..USERS;
    let exact = select(vec![1i64, 999, 1_000, 1_001, 4_999, 5_000, 9_999, 10_000, 20_000]);
    let after = prop_oneof![2 => Just(0), 3 => exact.clone(), 3 => 0..4_000i64];
    let batch = || (after.clone(), prop::collection::vec((prop::bool::weighted(0.8), 0..USERS), 0..8));
    let step = prop_oneof![
        6 => batch().prop_map(|(after, batch)| Step::Batch(after, batch)),
        3 => batch().prop_map(|(after, batch)| Step::Orphan(after, batch)),
        6 => who.clone().prop_map(Step::Hear),
        3 => who.clone().prop_map(Step::Ended),
        3 => (who.clone(), prop::option::of(0..20_000i64)).prop_map(|(who, until)| Step::Pin(who, until)),
        5 => exact.prop_map(Step::Advance),
        5 => (0..4_000i64).prop_map(Step::Advance),
        2 => policy().prop_map(Step::Policy),
        2 => any::<bool>().prop_map(Step::Pause),
        1 => prop::bool::weighted(0.3).prop_map(Step::SoldOut),
        1 => Just(Step::Flush),
        2 => batch().prop_map(|(after, batch)| Step::Failover(after, batch)),
        1 => who.prop_map(Step::ComeBack),
    ];
    prop::collection::vec(step, 1..80)
}

fn policy() -> impl Strategy<Value = QueuePolicy> {
    (prop::option::of(1..5u32), prop::option::of(1..5u32), 1..12u32, 5..15u32, 5..30u32).prop_map(
        |(max_active, admit_per_interval, interval_seconds, heartbeat_timeout_seconds, session_seconds)| {
            QueuePolicy {
                max_active,
                admit_per_interval,
                interval_seconds,
                heartbeat_timeout_seconds,
                session_seconds,
                ..QueuePolicy::default()
            }
        },
    )
}
