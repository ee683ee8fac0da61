//! What nobody says aloud: that a fan is still there, and a message that is lost with no connection.

use frontrow::{
    clock::Clock,
    store::{
        Database,
        redis::{Redis, RedisError},
    },
};
use redis::{FromRedisValue, cmd};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::json;

use test_support::{Cluster, Fan, Plan, Server, needs, redis_url, secs, until};

/// A room in Redis, past the servers.
struct Keys {
    redis: Redis,
    series: String,
}

impl Keys {
    async fn of(server: &Server, series: &str) -> Self {
        let redis = server.config.redis.as_ref().unwrap();
        let url = redis_url();
        Self { redis: Redis::connect(&url, &redis.prefix).await.unwrap(), series: series.to_owned() }
    }

    async fn run<T: FromRedisValue>(&self, name: &str, key: &str, words: &[&str]) -> Result<T, RedisError> {
        let key = self.redis.key(self.series.parse().unwrap(), key);
        cmd(name).arg(key).arg(words).query_async(&mut self.redis.connection()).await
    }
}

/// A date that lets in one at a time, and these fans in its line.
async fn line<const N: usize>(server: &Server, names: [&str; N]) -> (String, [Fan; N]) {
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let mut fans = names.map(|name| server.fan(name));
    for fan in &mut fans {
        fan.join(&date.series).await;
    }
    (date.series, fans)
}

/// Who waits for the table of the rooms.
async fn waiters(database: &DatabaseConnection) -> i64 {
    let query = "SELECT count(*) AS n FROM pg_locks WHERE relation = 'room'::regclass AND NOT granted";
    let statement = Statement::from_string(database.get_database_backend(), query);
    database.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
}

/// Rule 7: the keeper of the room waits for the database, and another process could expire whom it does not vouch for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_vouches_for_its_streams_while_its_database_does_not_answer() {
    needs!(Postgres, Redis);
    let shared = Cluster::new().await;
    let server = shared.server().await;
    let (series, [_, ann]) = line(&server, ["admitted", "ann"]).await;
    let mut watch = ann.watch_place().await;
    watch.next().await.unwrap();
    let url = server.config.database_url.as_deref().unwrap();
    let database = Database::connect(url).await.unwrap();
    let locked = database.begin().await.unwrap();
    locked.execute_unprepared("LOCK TABLE room IN ACCESS EXCLUSIVE MODE").await.unwrap();
    until("the keeper waits for the database", async || waiters(database.reader()).await > 0).await;
    server.clock.advance(secs(25));
    let now = server.clock.now().timestamp_millis();
    let keys = Keys::of(&server, &series).await;
    let heard =
        async || keys.run::<Option<i64>>("ZSCORE", "silences", &[&ann.token]).await.unwrap() == Some(now);
    until("the process vouches for her", heard).await;
    locked.rollback().await.unwrap();
}

/// Rule 7: a process that has died had yet to report it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_has_ended_in_the_sale_and_not_in_the_line_frees_its_slot() {
    needs!(Postgres, Redis);
    let shared = Cluster::new().await;
    let server = shared.server().await;
    let (_, [paid, ann]) = line(&server, ["paid", "ann"]).await;
    let mut watch = ann.watch_place().await;
    shared.run(&format!("UPDATE token SET status = 'COMPLETED' WHERE id = '{}'", paid.token)).await;
    watch.until(|place| place["status"] == "ADMITTED").await;
}

/// Rule 20.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_line_that_nobody_was_told_of_is_seen_all_the_same() {
    needs!(Postgres, Redis);
    let shared = Cluster::with(Clock::system()).await;
    let server = shared.server().await;
    let (series, [_, ahead, ann]) = line(&server, ["admitted", "ahead", "ann"]).await;
    let mut watch = ann.watch_place().await;
    watch.until(|place| place["position"] == 2).await;
    // As if somebody had left and the message was lost on its way here.
    let keys = Keys::of(&server, &series).await;
    for (name, key) in [("ZREM", "line"), ("ZREM", "silences"), ("HDEL", "places")] {
        assert_eq!(keys.run::<i64>(name, key, &[ahead.token.as_str()]).await.unwrap(), 1, "{key}");
    }
    keys.run::<i64>("HINCRBY", "room", &["told", "1"]).await.unwrap();
    watch.until(|place| place["position"] == 1).await;
}
