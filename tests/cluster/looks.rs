//! What it costs Redis when the line moves up: everybody who watches looks anew, and not each in a round trip of the own.

use serde_json::json;

use chrono::TimeDelta;
use futures_util::future::join_all;

use test_support::{Cluster, Options, Plan, needs, redis::RedisServer};

const WATCHING: i64 = 100;

/// How many scripts Redis has run.
async fn scripts_run(redis: &RedisServer) -> u64 {
    let stats: String = redis.says("INFO commandstats").await.unwrap();
    let calls = |line: &str| {
        let (command, numbers) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let is_script = ["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"].contains(&command);
        is_script.then(|| numbers.split(',').next()?.parse::<u64>().ok()).flatten()
    };
    stats.lines().filter_map(calls).sum()
}

#[tokio::test]
async fn a_hundred_who_watch_their_places_see_them_in_a_few_round_trips() {
    needs!(Postgres, RedisServer);
    let redis = RedisServer::start(&[]);
    let shared = Cluster::over(&format!("redis://{}", redis.host()), Options::default().clock).await;
    let server = shared.server().await;
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let (mut admitted, mut front) = (server.fan("admitted"), server.fan("front"));
    admitted.join(&date.series).await;
    front.join(&date.series).await;
    let mut watches = Vec::new();
    for number in 0..WATCHING {
        let mut fan = server.fan(&format!("fan{number}"));
        fan.join(&date.series).await;
        let mut watch = fan.watch_place().await;
        assert_eq!(watch.next().await.unwrap()["position"], number + 2);
        watches.push(watch);
    }

    let before = scripts_run(&redis).await;
    front.leave().await;
    // Those far back do not look at once.
    server.advance(TimeDelta::seconds(1), &date.series).await;
    join_all(
        watches
            .iter_mut()
            .zip(1..)
            .map(|(watch, position)| watch.until(move |seen| seen["position"] == position)),
    )
    .await;
    let run = scripts_run(&redis).await - before;
    assert!(0 < run && run < 30, "{run} scripts for {WATCHING} who watch");
}
