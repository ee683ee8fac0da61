//! A master that dies, its replica that follows it, and the sentinel that says so.

use frontrow::store::redis::{Heard, Redis};

use test_support::{
    needs,
    redis::{RedisServer, run},
    until,
};

use crate::link::{next, publish, text, works_again};

#[tokio::test]
async fn the_link_follows_the_sentinels_to_the_new_master() {
    needs!(RedisServer);
    let mut master = RedisServer::start(&[]);
    let port = master.port.to_string();
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
    let in_step = async || {
        let info: String = replica.says("INFO replication").await.unwrap();
        info.contains("master_link_status:up")
    };
    until("the replica is in step", in_step).await;
    let sentinel = RedisServer::sentinel(&master, &[]);
    let sentinel_knows = async || {
        let replicas: String = sentinel.says("INFO sentinel").await.unwrap();
        replicas.contains("slaves=1")
    };
    until("the sentinel knows the replica", sentinel_knows).await;

    // Not every sentinel that is named has to be there.
    let url = format!("redis+sentinel://127.0.0.1:1,{}/main/1", sentinel.host());
    assert!(Redis::connect(&url.replace("/main", "/other"), "p").await.is_err());
    let redis = Redis::connect(&url, "p").await.unwrap();
    let mut heard = redis.subscribe(vec![redis.channel("a")]);
    assert_eq!(next(&mut heard).await, Heard::Missed);
    run::<()>(&mut redis.connection(), "SET x 1").await.unwrap();
    let copied = async || replica.says::<String>("INFO keyspace").await.unwrap().contains("db1:keys=1");
    until("the replica has it", copied).await;

    master.kill();
    works_again(&redis).await;
    let at: String = run(&mut redis.connection(), "INFO server").await.unwrap();
    assert!(at.contains(&format!("tcp_port:{}", replica.port)), "{at}");
    assert_eq!(run::<i64>(&mut redis.connection(), "INCR x").await.unwrap(), 2, "it may be written to");
    assert_eq!(next(&mut heard).await, Heard::Missed);
    publish(&redis, "a", "here I am").await.unwrap();
    assert_eq!(text(&mut heard).await, "here I am");
}
