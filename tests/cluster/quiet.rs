//! What nobody says aloud.

use frontrow::clock::Clock;
use serde_json::json;

use test_support::{Cluster, Fan, Plan, Server, needs, now, secs};

/// A date that lets in one at a time, and these fans in its line.
async fn line<const N: usize>(server: &Server, names: [&str; N]) -> (String, [Fan; N]) {
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let mut fans = names.map(|name| server.fan(name));
    for fan in &mut fans {
        fan.join(&date.series).await;
    }
    (date.series, fans)
}

/// Rule 20: a process that has committed and says nothing of it, or whose word is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_line_that_nobody_was_told_of_is_seen_all_the_same() {
    needs!(Postgres, Redis);
    let shared = Cluster::with(Clock::system()).await;
    let (silent, server) = (shared.silent_server().await, shared.server().await);
    let (_, [first, ahead, ann]) = line(&server, ["admitted", "ahead", "ann"]).await;
    let mut watch = ann.watch_place().await;
    watch.until(|place| place["position"] == 2).await;
    silent.same(&ahead).leave().await;
    let left = now();
    watch.until(|place| place["position"] == 1).await;
    silent.same(&first).leave().await;
    watch.until(|place| place["status"] == "ADMITTED").await;
    assert!(now() - left <= secs(2), "{}", now() - left);
}
