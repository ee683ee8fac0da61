//! Redis and the journal do not tell the same story, or one of those who write it was only slow.

use frontrow::{
    domain::room::Command,
    store::room::{Journaled, Standing, Taken},
};

use super::{Pair, blob};
use test_support::needs;

use crate::steps::{Step, USERS};

impl Pair {
    async fn standing(&self) -> Standing {
        self.shared.standing(&self.journal).await.unwrap()
    }

    async fn journal(&self, taken: &Taken) -> Journaled {
        self.journal.journal_decision(self.series.id, taken).await.unwrap()
    }

    /// Somebody joins; that is decided, and not journaled yet.
    async fn take_a_join(&mut self, who: usize) -> Taken {
        let join = self.commands(&[(true, who)]);
        assert!(matches!(join[0], Command::Join { .. }));
        self.take(&join).await
    }

    /// Redis becomes again what the journal says.
    async fn join_again(&mut self) {
        let id = self.dice.id(self.clock.now());
        self.shared.rebuild_anyway(&self.journal, id).await.unwrap();
        self.as_journaled().await;
        assert_eq!(self.standing().await, Standing::True);
        self.compare().await;
    }
}

async fn some_wait() -> Pair {
    let mut pair = Pair::new().await;
    pair.step(&Step::Batch(0, (0..USERS / 2).map(|who| (true, who)).collect())).await;
    pair
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_only_slow_spoils_nothing() {
    needs!(Redis);
    let mut pair = some_wait().await;
    let slow = pair.take_a_join(10).await;
    pair.end_the_lease().await;
    let late = pair.take(&[]).await;
    pair.take_in(&late, Journaled::Now).await;
    pair.step(&Step::Batch(0, vec![(true, 11)])).await;
    assert_eq!(pair.journal(&slow).await, Journaled::Overtaken);
    assert!(!pair.shared.is_pending(&slow).await.unwrap(), "nobody has to rebuild the room");
    assert_eq!(pair.shared.apply(&slow).await.unwrap(), None);
    assert_eq!(pair.standing().await, Standing::True);
    pair.compare().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_nobody_has_journaled_is_never_shown() {
    needs!(Redis);
    let mut pair = some_wait().await;
    let replica = pair.dump().await;
    let journaled = pair.take_a_join(10).await;
    assert_eq!(pair.journal(&journaled).await, Journaled::Now);
    // The new master has not heard of it, and somebody else decides there.
    pair.restore(&replica).await;
    let other = pair.take_a_join(11).await;
    assert_eq!((other.epoch, other.number), (journaled.epoch, journaled.number));
    assert_eq!(pair.standing().await, Standing::Apart);
    assert_eq!(pair.shared.apply(&journaled).await.unwrap(), None);
    pair.compare().await;
    // Whoever decided finds out as well.
    assert_eq!(pair.journal(&other).await, Journaled::Overtaken);
    assert!(pair.shared.is_pending(&other).await.unwrap());
    pair.join_again().await;
    let joined = journaled.names.keys().next().unwrap();
    assert!(pair.pure.view(*joined, pair.clock.now()).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_has_lost_the_latest_does_not_stop_the_room_for_good() {
    needs!(Redis);
    let mut pair = some_wait().await;
    // Two epochs later it is restored to what it was before the room was ever built.
    pair.join_again().await;
    pair.write("DELETE FROM room").await;
    assert_eq!(pair.standing().await, Standing::Apart);
    let refused = pair.take_a_join(10).await;
    assert_eq!(pair.journal(&refused).await, Journaled::Overtaken);
    assert!(pair.shared.is_pending(&refused).await.unwrap());
    pair.join_again().await;
    assert_eq!(pair.journal(&refused).await, Journaled::Stale);
    pair.step(&Step::Batch(0, vec![(true, 10)])).await;
    assert!(pair.last.contains_key(&10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_has_lost_the_last_decisions_of_the_epoch_is_noticed() {
    needs!(Redis);
    let mut pair = some_wait().await;
    for who in [10, 11] {
        pair.step(&Step::Batch(0, vec![(true, who)])).await;
    }
    // A standby takes over that has not heard of the last two joins.
    for who in [10, 11] {
        let lost = blob(pair.token(who));
        pair.write(&format!("DELETE FROM token WHERE id = {lost}")).await;
    }
    pair.write("UPDATE room SET decision = decision - 2").await;
    assert_eq!(pair.standing().await, Standing::Apart);
    let next = pair.take_a_join(12).await;
    assert_eq!(pair.journal(&next).await, Journaled::Overtaken, "nothing is written over the gap");
    assert!(pair.shared.is_pending(&next).await.unwrap());
    pair.join_again().await;
}
