//! Redis loses what it has, or goes away for a while. The waiting rooms come back from their journal, and from the
//! tokens that fans show.

use futures_util::future::join_all;
use serde_json::{Value, json};

use test_support::{Cluster, Fan, Options, Plan, Server, Watch, code_of, needs, redis::RedisServer, until};

/// A sale on two processes with six fans, who joined at both in turn; two of them are admitted.
struct Sale {
    redis: RedisServer,
    shared: Cluster,
    one: Server,
    other: Server,
    fans: Vec<Fan>,
    seats: Vec<String>,
    series: String,
}

impl Sale {
    async fn open() -> Self {
        let redis = RedisServer::start(&["--save", "", "--appendonly", "no"]);
        let shared = Cluster::over(&format!("redis://{}", redis.host()), Options::default().clock).await;
        let (one, other) = (shared.server().await, shared.server().await);
        let date = one.organizer().date(Plan::policy(json!({ "maxActive": 2 }))).await;
        let mut fans = Vec::new();
        for number in 0..6 {
            let server = if number % 2 == 0 { &one } else { &other };
            let mut fan = server.fan(&format!("fan{number}"));
            fan.join(&date.series).await;
            fan.charge(10_000, "points").await;
            fans.push(fan);
        }
        let sale = Self { redis, shared, one, other, fans, seats: date.seats, series: date.series };
        assert_eq!(sale.places().await, ["A", "A", "1", "2", "3", "4"]);
        sale
    }

    /// Where everybody stands, each asked at the process of the own choice.
    async fn places(&self) -> Vec<String> {
        let mut places = Vec::new();
        for fan in &self.fans {
            places.push(place(&asked(fan).await));
        }
        places
    }

    async fn flush(&self) {
        self.redis.says::<()>("FLUSHALL").await.unwrap();
    }
}

/// `A` for ADMITTED, else the position.
fn place(token: &Value) -> String {
    if token["status"] == "ADMITTED" { "A".to_owned() } else { token["position"].to_string() }
}

/// A heartbeat, sent again as long as the answer is that it is safe to try again.
async fn asked(fan: &Fan) -> Value {
    let mut place = Value::Null;
    until("the room is back", async || {
        let reply = fan.ask("mutation { heartbeat { status position } }", json!({})).await;
        if reply.0.get("errors").is_some() {
            unavailable(&reply.0);
            return false;
        }
        place = reply.field("heartbeat");
        true
    })
    .await;
    place
}

/// Reads on until the place is ADMITTED. A stream may be told that its place cannot be seen now, and goes on.
async fn admitted(watch: &mut Watch) {
    loop {
        let message = watch.message().await;
        let payload = &message["payload"];
        if payload.get("errors").is_some() {
            assert_eq!(message["type"], "next");
            unavailable(payload);
        } else if payload["data"]["queuePosition"]["status"] == "ADMITTED" {
            return;
        }
    }
}

fn unavailable(reply: &Value) {
    let error = &reply["errors"][0]["extensions"];
    assert_eq!(error["code"], "UNAVAILABLE", "{reply}");
    assert!(error["retryAfterMs"].as_i64().is_some_and(|ms| ms > 0), "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_redis_has_lost_is_as_it_was() {
    needs!(Postgres, RedisServer);
    let sale = Sale::open().await;
    sale.fans[0].must_hold(&sale.seats[0]).await;
    let mut watch = sale.fans[2].watch_place().await;
    assert_eq!(watch.next().await.unwrap()["position"], 1);
    sale.flush().await;
    assert_eq!(sale.places().await, ["A", "A", "1", "2", "3", "4"]);
    // Who held a seat pays for it, and the slot is the next one's, whose stream has stayed open.
    assert_eq!(sale.fans[0].pay("ticket").await["payment"]["status"], "COMPLETE");
    admitted(&mut watch).await;
    // And again, with nobody to tell the other process of it.
    sale.flush().await;
    assert_eq!(sale.places().await[1..], ["A", "A", "1", "2", "3"]);
    assert_eq!(sale.one.audit().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_the_journal_has_lost_too_comes_back_with_its_token() {
    needs!(Postgres, RedisServer);
    let sale = Sale::open().await;
    let lost = &sale.fans[3];
    sale.shared.run(&format!("DELETE FROM token WHERE id = '{}'", lost.token)).await;
    sale.flush().await;
    // Those behind have moved up, and somebody new has joined at the end.
    assert_eq!(asked(&sale.fans[5]).await["position"], 3);
    let mut late = sale.other.fan("late");
    until("the room is back", async || late.join(&sale.series).await["tokenId"].is_string()).await;
    let late_token = late.token.clone();
    assert_eq!(asked(&late).await["position"], 4);
    // By a heartbeat, by joining again, at whichever process: the same place, and nobody was overtaken.
    assert_eq!(asked(lost).await["position"], 2);
    let mut again = sale.other.same(lost);
    again.join(&sale.series).await;
    assert_eq!(again.token, lost.token);
    assert_eq!(sale.places().await, ["A", "A", "1", "2", "3", "4"]);
    assert_eq!((asked(&late).await["position"].clone(), late.token), (json!(5), late_token));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_holders_pay_and_nobody_is_admitted() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.fans[0].must_hold(&sale.seats[0]).await;
    let mut watch = sale.fans[2].watch_place().await;
    assert_eq!(watch.next().await.unwrap()["position"], 1);
    sale.redis.kill();
    for query in ["mutation { heartbeat { status } }", "{ queuePosition { position } }"] {
        unavailable(&sale.fans[4].ask(query, json!({})).await.0);
    }
    let late = sale.one.fan("late");
    unavailable(&late.try_act("issueToken", json!({ "seriesId": sale.series }), "token").await.0);
    // The sale itself goes on: holds are paid for, and who is admitted may still hold.
    assert_eq!(sale.fans[0].pay("ticket").await["payment"]["status"], "COMPLETE");
    assert_eq!(code_of(&sale.fans[1].hold(&sale.seats[1]).await), None);
    // Who waits cannot: and where they stand, which belongs to that answer, nobody knows now.
    let wait = json!({ "seatId": sale.seats[2] });
    unavailable(&sale.fans[2].try_act("holdSeat", wait, "hold { id }").await.0);
    // It comes back empty; the slot that was paid for meanwhile is given to the next in line, and no other.
    sale.redis.start_again();
    admitted(&mut watch).await;
    assert_eq!(sale.places().await[1..], ["A", "A", "1", "2", "3"]);
    assert_eq!(sale.other.audit().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_while_redis_is_away_takes_payments_and_then_joins_in() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.fans[0].must_hold(&sale.seats[0]).await;
    sale.redis.kill();
    let late = sale.shared.server().await;
    assert_eq!(late.same(&sale.fans[0]).pay("ticket").await["payment"]["status"], "COMPLETE");
    assert_eq!(code_of(&late.same(&sale.fans[1]).hold(&sale.seats[1]).await), None);
    // It does not know the room, and all who want to see it are told so at once.
    let waiting: Vec<_> = sale.fans[2..].iter().map(|fan| late.same(fan)).collect();
    for answer in
        join_all(waiting.iter().map(|fan| fan.ask("mutation { heartbeat { status } }", json!({})))).await
    {
        unavailable(&answer.0);
    }
    let date = late.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    sale.redis.start_again();
    // The slot that was paid for is given to the next in line, and no other.
    until("the slot is given", async || place(&asked(&waiting[0]).await) == "A").await;
    assert_eq!(sale.places().await[1..], ["A", "A", "1", "2", "3"]);
    assert_eq!(late.audit().await, Vec::<String>::new());
    let mut early = sale.other.fan("early");
    assert!(early.join(&date.series).await["tokenId"].is_string(), "the date has its room");
}
