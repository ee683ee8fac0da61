//! The keys of a room share one hash slot: the scripts do in a cluster what they do in one server.

use test_support::{needs, redis::cluster};

use crate::{pair::Pair, steps::Step};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_works_in_a_cluster() {
    needs!(Redis, RedisServer);
    let nodes = cluster(&[]).await;
    let url = format!("redis+cluster://{},{}", nodes[0].host(), nodes[1].host());
    // Several rooms, so that they are not all with the same master.
    for _ in 0..4 {
        let mut pair = Pair::over(&url).await;
        let everybody = |joins| (0..14).map(|who| (joins, who)).collect();
        for step in [
            Step::Batch(0, everybody(true)),
            Step::Advance(20_000),
            Step::Hear(3),
            Step::Pin(0, Some(30_000)),
            Step::Ended(1),
            Step::Pause(true),
            Step::Advance(5_000),
            Step::Pause(false),
            Step::SoldOut(true),
            Step::SoldOut(false),
            Step::Orphan(5_000, vec![(false, 5), (true, 5)]),
            Step::Flush,
            Step::ComeBack(7),
            Step::Advance(5_000),
            Step::Batch(0, everybody(false)),
        ] {
            pair.step(&step).await;
        }
    }
}
