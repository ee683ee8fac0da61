//! Nobody is held silent for the time in which no process was there to hear (rule 9).

use test_support::needs;

use crate::{
    pair::Pair,
    steps::{Step, USERS},
};

/// The heartbeat timeout of the pair's room, in milliseconds.
const TIMEOUT: i64 = 10_000;

async fn waiting() -> Pair {
    let mut pair = Pair::new().await;
    pair.step(&Step::Batch(0, (0..USERS).map(|who| (true, who)).collect())).await;
    pair
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_all_processes_were_away_everybody_has_a_full_timeout_again() {
    needs!(Redis);
    assert_eq!(waiting().await.expiries_after(TIMEOUT, false).await, USERS);
    let mut pair = waiting().await;
    assert_eq!(pair.expiries_after(TIMEOUT, true).await, 0);
    assert_eq!(pair.expiries_after(TIMEOUT - 1, false).await, 0);
    assert_eq!(pair.expiries_after(1, false).await, USERS);
}
