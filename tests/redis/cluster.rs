//! A cluster of three masters.

use frontrow::{
    domain::id::SeriesId,
    redis_url::RedisUrl,
    store::redis::{Heard, Redis, is_away},
};
use redis::Script;

use test_support::{
    needs,
    redis::{cluster, healthy, run},
    until,
};

use crate::link::{fails, next, publish, text, works_again};

#[tokio::test]
async fn a_cluster_is_one_store_and_one_channel() {
    needs!(RedisServer);
    let mut nodes = cluster(&[]).await;
    // Not every node that is named has to be there.
    let url = format!("redis+cluster://127.0.0.1:1,{},{}", nodes[0].host(), nodes[1].host());
    let redis = Redis::connect(&url, "p").await.unwrap();
    redis.ping().await.unwrap();
    let script = Script::new(
        "redis.call('SET', KEYS[1], ARGV[1]) redis.call('SET', KEYS[2], ARGV[1]) return redis.call('GET', KEYS[1])",
    );
    let series: Vec<_> = (0..30).map(|n| SeriesId(uuid::Uuid::from_u128(n))).collect();
    for id in &series {
        let mut call = script.key(redis.key(*id, "line"));
        call.key(redis.key(*id, "names")).arg(id.to_string());
        let got: String = call.invoke_async(&mut redis.connection()).await.unwrap();
        assert_eq!(got, id.to_string());
    }
    for node in &nodes {
        assert!(node.says::<i64>("DBSIZE").await.unwrap() > 0, "each master has a part");
    }

    let mut heard = redis.subscribe(vec![redis.channel("a")]);
    assert_eq!(next(&mut heard).await, Heard::Missed);
    publish(&redis, "a", "by the link").await.unwrap();
    assert_eq!(text(&mut heard).await, "by the link");
    for node in &nodes {
        node.says::<()>(&format!("PUBLISH p:a {}", node.port)).await.unwrap();
        assert_eq!(text(&mut heard).await, node.port.to_string(), "every node passes it on");
    }

    // The death of the node to which the subscription leads, and its return.
    nodes[0].kill();
    assert_eq!(next(&mut heard).await, Heard::Missed);
    nodes[0].start_again();
    for node in &nodes {
        healthy(node, 3).await;
    }
    let all_work = async || {
        for id in &series {
            let key = redis.key(*id, "line");
            if run::<()>(&mut redis.connection(), &format!("SET {key} 2")).await.is_err() {
                return false;
            }
        }
        true
    };
    until("every slot works again", all_work).await;
    let mut said = 0;
    let heard_again = async || {
        said += 1;
        let _ = publish(&redis, "a", &format!("again {said}")).await;
        matches!(heard.try_recv(), Ok(Heard::Message { .. }))
    };
    until("messages are heard again", heard_again).await;
}

/// What is asked is answered by an error, and by the cluster once it is there.
#[tokio::test]
async fn a_cluster_that_is_not_there_yet_is_found_when_it_is() {
    needs!(RedisServer);
    let mut nodes = cluster(&[]).await;
    for node in &mut nodes {
        node.kill();
    }
    let url = format!("redis+cluster://{},{}", nodes[0].host(), nodes[1].host());
    let redis = Redis::to(&RedisUrl::parse(&url).unwrap(), "p");
    assert!(is_away(&redis.check().await.unwrap_err()));
    fails(&redis).await;
    for node in &mut nodes {
        node.start_again();
    }
    works_again(&redis).await;
}
