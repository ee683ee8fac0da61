//! Redis loses what it has, goes away for a while, or is out of reach of one process. It keeps nothing: everything goes on
//! at every process, and what one does is seen at the others a little later.

use serde_json::{Value, json};

use frontrow::clock::Clock;
use test_support::{
    Cluster, Date, Fan, Plan, Server, Watch, code_of, int, needs, now, redis::RedisServer, secs, until,
};

use crate::wire::Wire;

/// A sale on two processes with six fans, who joined at both in turn; two of them are admitted.
struct Sale {
    redis: RedisServer,
    wire: Wire,
    shared: Cluster,
    one: Server,
    /// Whose way to Redis can be cut.
    other: Server,
    fans: Vec<Fan>,
    date: Date,
}

impl Sale {
    async fn open() -> Self {
        let redis = RedisServer::start(&["--save", "", "--appendonly", "no"]);
        let wire = Wire::to(&redis.host()).await;
        let shared = Cluster::over(&format!("redis://{}", redis.host()), Clock::system()).await;
        let one = shared.server().await;
        let other = shared.server_at(&format!("redis://{}", wire.address)).await;
        let date = one.organizer().date(Plan::policy(json!({ "maxActive": 2 }))).await;
        let mut fans = Vec::new();
        for number in 0..6 {
            let server = if number % 2 == 0 { &one } else { &other };
            let mut fan = server.fan(&format!("fan{number}"));
            fan.join(&date.series).await;
            fan.charge(10_000, "points").await;
            fans.push(fan);
        }
        let sale = Self { redis, wire, shared, one, other, fans, date };
        assert_eq!(sale.places().await, ["A", "A", "1", "2", "3", "4"]);
        sale
    }

    /// Where everybody stands, each asked at the process of the own choice.
    async fn places(&self) -> Vec<String> {
        let mut places = Vec::new();
        for fan in &self.fans {
            places.push(place(&fan.heartbeat().await));
        }
        places
    }

    /// Fans hold, pay and join at both processes; whoever watches at the other one sees it within a second.
    async fn goes_on(&mut self) {
        let (at_one, at_other) = (watch(&self.one, &self.date).await, watch(&self.other, &self.date).await);
        let mut waits = self.fans[2].watch_place().await;
        assert_eq!(waits.next().await.unwrap()["position"], 1);
        let (first, second) = (self.fans[0].clone(), self.other.same(&self.fans[1]));
        let next = self.one.same(&self.fans[3]);
        for (fan, seat, (mut seats, known)) in [(&first, 0, at_other), (&second, 1, at_one)] {
            assert_eq!(code_of(&fan.hold(&self.date.seats[seat]).await), None);
            let held = now();
            seats.until(|news| int(&news["version"]) > known && has(news, seat, "HELD")).await;
            assert!(now() - held <= secs(1), "{}", now() - held);
            assert_eq!(fan.pay("ticket").await["payment"]["status"], "COMPLETE");
        }
        let paid = now();
        waits.until(|place| place["status"] == "ADMITTED").await;
        assert!(now() - paid <= secs(1), "{}", now() - paid);
        assert_eq!(next.heartbeat().await["status"], "ADMITTED", "who is next at the other process");
        let mut late = self.other.fan("late");
        assert_eq!(place(&late.join(&self.date.series).await["position"]), "3");
        assert_eq!(place(&self.one.same(&late).heartbeat().await), "3");
        assert_eq!(self.places().await[2..], ["A", "A", "1", "2"]);
        assert_eq!(self.one.audit().await, Vec::<String>::new());
    }

    async fn flush(&self) {
        self.redis.says::<()>("FLUSHALL").await.unwrap();
    }
}

/// `A` for ADMITTED, else the position.
fn place(token: &Value) -> String {
    if token["status"] == "ADMITTED" { "A".to_owned() } else { token["position"].to_string() }
}

fn has(news: &Value, seat: usize, status: &str) -> bool {
    news["seats"]
        .as_array()
        .unwrap()
        .iter()
        .any(|it| int(&it["number"]) == seat as i64 + 1 && it["status"] == status)
}

async fn watch(server: &Server, date: &Date) -> (Watch, i64) {
    let mut watch = server.stranger().watch_seats(&date.series, None).await;
    let version = int(&watch.next().await.unwrap()["version"]);
    (watch, version)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_loses_is_missed_by_nobody() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.flush().await;
    assert_eq!(sale.places().await, ["A", "A", "1", "2", "3", "4"]);
    sale.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_everything_goes_on_at_every_process() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.redis.kill();
    sale.goes_on().await;
    sale.redis.start_again();
    assert_eq!(sale.places().await[2..], ["A", "A", "1", "2"]);
}

/// It takes connections and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_stands_still_everything_goes_on_at_every_process() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.redis.signal("STOP");
    sale.goes_on().await;
    sale.redis.signal("CONT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_one_process_is_cut_off_from_redis_everything_goes_on_at_every_process() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.wire.cut();
    sale.goes_on().await;
    sale.wire.mend();
    assert_eq!(sale.places().await[2..], ["A", "A", "1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_while_redis_is_away_does_everything_and_then_joins_in() {
    needs!(Postgres, RedisServer);
    let mut sale = Sale::open().await;
    sale.fans[0].must_hold(&sale.date.seats[0]).await;
    sale.redis.kill();
    let late = sale.shared.server().await;
    assert_eq!(late.same(&sale.fans[0]).pay("ticket").await["payment"]["status"], "COMPLETE");
    assert_eq!(code_of(&late.same(&sale.fans[1]).hold(&sale.date.seats[1]).await), None);
    assert_eq!(place(&late.same(&sale.fans[2]).heartbeat().await), "A", "the slot is the next one's");
    assert_eq!(place(&late.same(&sale.fans[3]).heartbeat().await), "1");
    let date = late.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    sale.redis.start_again();
    assert_eq!(sale.places().await[1..], ["A", "A", "1", "2", "3"]);
    assert_eq!(late.audit().await, Vec::<String>::new());
    let mut early = sale.other.fan("early");
    assert!(early.join(&date.series).await["tokenId"].is_string());
    let list = "{ concerts(first: 9) { nodes { id } } }";
    until("the new concert is listed elsewhere", async || {
        let nodes = sale.one.stranger().get("concerts", list).await["nodes"].clone();
        nodes.as_array().unwrap().iter().any(|node| node["id"] == date.concert.as_str())
    })
    .await;
}
