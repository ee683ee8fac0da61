//! One server: names, logins, its death and its return, and who is too slow to listen.

use frontrow::{
    domain::id::SeriesId,
    store::redis::{Heard, Redis, is_away},
};

use test_support::{
    needs,
    redis::{RedisServer, run},
    until,
};

use crate::link::{fails, next, publish, text, works_again};

#[tokio::test]
async fn keys_of_a_series_share_a_slot_and_the_database_is_the_one_that_was_named() {
    needs!(RedisServer);
    let server = RedisServer::start(&["--requirepass", "se/cret"]);
    let redis = Redis::connect(&format!("redis://:se%2Fcret@{}/3", server.host()), "p").await.unwrap();
    let series = SeriesId(uuid::Uuid::nil());
    assert_eq!(redis.key(series, "line"), format!("p:{{{series}}}:line"));
    assert_eq!(redis.channel("seats"), "p:seats");
    let mut link = redis.connection();
    run::<()>(&mut link, &format!("SET {} 1", redis.key(series, "line"))).await.unwrap();
    assert_eq!(run::<i64>(&mut link, "DBSIZE").await.unwrap(), 1);
    let info: String = run(&mut link, "CLIENT INFO").await.unwrap();
    assert!(info.contains(" db=3 "), "{info}");
    let shown = format!("{redis:?} {link:?}");
    assert!(!shown.contains("cret"), "{shown}");
}

#[tokio::test]
async fn who_is_refused_or_finds_nobody_gets_an_error_without_the_password() {
    needs!(RedisServer);
    let mut server = RedisServer::start(&[
        "--user", "ann", "on", ">right", "~*", "&*", "+@all", "--user", "default", "off",
    ]);
    Redis::connect(&format!("redis://ann:right@{}", server.host()), "p").await.unwrap().ping().await.unwrap();
    let wrong = Redis::connect(&format!("redis://ann:wrong-one@{}", server.host()), "p").await.unwrap_err();
    assert!(!wrong.to_string().contains("wrong-one") && !is_away(&wrong), "{wrong}");
    server.kill();
    let nobody = Redis::connect(&format!("redis://ann:right@{}", server.host()), "p").await.unwrap_err();
    assert!(is_away(&nobody), "{nobody}");
    let mistake = Redis::connect("redis://ann:secret@h:x", "p").await.unwrap_err().to_string();
    assert!(mistake.contains("a host and a port") && !mistake.contains("secret"), "{mistake}");
}

#[tokio::test]
async fn a_server_that_was_killed_and_started_again_is_found_again() {
    needs!(RedisServer);
    let mut server = RedisServer::start(&[]);
    let redis = Redis::connect(&format!("redis://{}", server.host()), "p").await.unwrap();
    let mut heard = redis.subscribe(vec![redis.channel("a"), redis.channel("b")]);
    assert_eq!(next(&mut heard).await, Heard::Missed, "with the first subscription too");
    publish(&redis, "a", "one").await.unwrap();
    let expected = Heard::Message { channel: "p:a".into(), payload: b"one".into() };
    assert_eq!(next(&mut heard).await, expected);
    server.kill();
    fails(&redis).await;
    fails(&redis).await;
    server.start_again();
    works_again(&redis).await;
    assert_eq!(next(&mut heard).await, Heard::Missed);
    publish(&redis, "b", "two").await.unwrap();
    assert_eq!(text(&mut heard).await, "two");
}

#[tokio::test]
async fn a_server_that_is_silent_gives_errors_until_it_answers() {
    needs!(RedisServer);
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(&format!("redis://{}", server.host()), "p").await.unwrap();
    server.signal("STOP");
    let calls = (0..50).map(|_| fails(&redis));
    futures_util::future::join_all(calls).await;
    fails(&redis).await;
    server.signal("CONT");
    works_again(&redis).await;
}

#[tokio::test]
async fn a_subscriber_whose_connection_is_cut_is_told_that_it_missed_something() {
    needs!(RedisServer);
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(&format!("redis://{}", server.host()), "p").await.unwrap();
    let mut heard = redis.subscribe(vec![redis.channel("a")]);
    assert_eq!(next(&mut heard).await, Heard::Missed);
    for n in 0..3 {
        let cut: i64 = server.says("CLIENT KILL TYPE pubsub").await.unwrap();
        assert_eq!(cut, 1, "the subscription has a connection of its own");
        assert_eq!(next(&mut heard).await, Heard::Missed);
        publish(&redis, "a", &n.to_string()).await.unwrap();
        assert_eq!(text(&mut heard).await, n.to_string());
    }
    drop(heard);
    let quiet = async || server.says::<i64>("PUBLISH p:a x").await.unwrap() == 0;
    until("nobody listens any more", quiet).await;
}

#[tokio::test]
async fn a_subscriber_that_is_too_slow_loses_messages_and_is_told() {
    needs!(RedisServer);
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(&format!("redis://{}", server.host()), "p").await.unwrap();
    let mut heard = redis.subscribe(vec![redis.channel("a")]);
    assert_eq!(next(&mut heard).await, Heard::Missed);
    for _ in 0..20 {
        let mut many = redis::pipe();
        (0..500).for_each(|_| {
            many.publish(redis.channel("a"), "x").ignore();
        });
        many.query_async::<()>(&mut redis.connection()).await.unwrap();
    }
    let mut messages = 0;
    while next(&mut heard).await != Heard::Missed {
        messages += 1;
    }
    assert!(messages < 10_000, "{messages}");
    publish(&redis, "a", "last").await.unwrap();
    loop {
        if let Heard::Message { payload, .. } = next(&mut heard).await
            && payload == b"last"
        {
            return;
        }
    }
}
