//! The database is put back to what it was, by an older backup or by a replica that was promoted without the last commits,
//! while processes go on. None of them ever decides on what it knew (rules 8, 9 and 20).

use frontrow::clock::Clock;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};

use test_support::{Cluster, Date, Fan, Plan, Server, Watch, code_of, int, needs, until};

/// Past the servers: what is put aside, and comes back.
struct Backup(DatabaseConnection);

impl Backup {
    /// Puts everything aside as it is now.
    async fn of(shared: &Cluster) -> Self {
        let backup = Self(sea_orm::Database::connect(shared.database_url()).await.unwrap());
        let mut put_aside = "BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE SCHEMA backup;".to_owned();
        for table in backup.tables().await {
            put_aside += &format!("CREATE TABLE backup.{table} AS TABLE public.{table};");
        }
        backup.run(&(put_aside + "COMMIT")).await;
        backup
    }

    async fn tables(&self) -> Vec<String> {
        let query = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' \
                     AND table_type = 'BASE TABLE' AND table_name NOT IN ('seaql_migrations', 'presence')";
        let rows = self.0.query_all_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// Everything is as it was; `after`: in the same instant.
    async fn comes_back(&self, after: &str) {
        let mut restore = "BEGIN; SET LOCAL session_replication_role = replica;".to_owned();
        let tables = self.tables().await;
        let all: Vec<_> = tables.iter().map(|table| format!("public.{table}")).collect();
        restore += &format!("LOCK TABLE {} IN EXCLUSIVE MODE;", all.join(", "));
        for table in tables {
            restore += &format!(
                "DELETE FROM public.{table}; INSERT INTO public.{table} SELECT * FROM backup.{table};"
            );
        }
        self.run(&(restore + after + "; COMMIT")).await;
    }

    async fn run(&self, statements: &str) {
        self.0.execute_unprepared(statements).await.unwrap();
    }

    async fn version(&self, date: &Date) -> i64 {
        let query = format!("SELECT version FROM sale_head WHERE series_id = '{}'", date.series);
        let row = self.0.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    }
}

/// Two processes, and a date with two admitted and a line.
struct Sale {
    shared: Cluster,
    one: Server,
    other: Server,
    date: Date,
    fans: Vec<Fan>,
}

impl Sale {
    async fn open() -> Self {
        // Only what is looked up in the database is known of others.
        let shared = Cluster::without_redis(Clock::system()).await;
        let (one, other) = (shared.server().await, shared.server().await);
        let plan = Plan::small(1, 10, json!({ "maxActive": 2, "maxSeatsPerUser": 10 }));
        let date = one.organizer().date(plan).await;
        let mut sale = Self { shared, one, other, date, fans: Vec::new() };
        for _ in 0..4 {
            sale.joins().await;
        }
        sale
    }

    /// One more joins, at both processes in turn.
    async fn joins(&mut self) {
        let number = self.fans.len();
        let server = if number.is_multiple_of(2) { &self.one } else { &self.other };
        let mut fan = server.fan(&format!("fan{number}"));
        fan.join(&self.date.series).await;
        fan.charge(100_000, "charge").await;
        self.fans.push(fan);
    }

    async fn positions(&self) -> Vec<Value> {
        let mut positions = Vec::new();
        for fan in &self.fans {
            positions.push(fan.heartbeat().await["position"].take());
        }
        positions
    }
}

async fn watch(server: &Server, date: &Date) -> (Watch, i64) {
    let mut watch = server.stranger().watch_seats(&date.series, None).await;
    let version = int(&watch.next().await.unwrap()["version"]);
    (watch, version)
}

fn statuses(news: &Value) -> Vec<String> {
    news["seats"].as_array().unwrap().iter().map(|seat| seat["status"].as_str().unwrap().to_owned()).collect()
}

/// Everybody comes back to where they were, also who had joined after the backup, and nobody is overtaken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_older_backup_has_come_back_everybody_is_where_they_were() {
    needs!(Postgres);
    let mut sale = Sale::open().await;
    sale.fans[0].must_hold(&sale.date.seats[0]).await;
    let backup = Backup::of(&sale.shared).await;
    for _ in 0..3 {
        sale.joins().await;
    }
    // What is sold after the backup is lost with it.
    sale.fans[1].must_hold(&sale.date.seats[1]).await;
    let before = sale.positions().await;
    assert_eq!(before[2..], [1, 2, 3, 4, 5].map(|n| json!(n)));
    let (mut seats, known) = watch(&sale.one, &sale.date).await;
    let (mut there, known_there) = watch(&sale.other, &sale.date).await;

    backup.comes_back("").await;
    // At once, and before anybody has looked: this is decided on what is there now.
    assert_eq!(code_of(&sale.other.same(&sale.fans[1]).hold(&sale.date.seats[1]).await), None);
    assert_eq!(sale.fans[1].hold(&sale.date.seats[0]).await["problem"]["code"], "SEAT_TAKEN");
    // Those who had joined after the backup come back in any order, at any process.
    for number in [6, 4, 5] {
        let fan = if number == 5 { sale.one.same(&sale.fans[5]) } else { sale.fans[number].clone() };
        let place = fan.heartbeat().await;
        assert_eq!(place["status"], "WAITING", "{number}: {place}");
    }
    assert_eq!(sale.positions().await[2..], before[2..]);
    for (watch, known) in [(&mut seats, known), (&mut there, known_there)] {
        let first = watch.next().await.unwrap();
        assert!(first["snapshot"] == true && int(&first["version"]) > known, "{known}, then {first}");
        let mut last = first;
        while statuses(&last)[..2] != ["HELD", "HELD"] {
            last = watch.next().await.unwrap();
            assert_eq!(last["snapshot"], false);
            if statuses(&last) == ["HELD"] {
                break;
            }
        }
    }
    assert_eq!(sale.one.audit().await, Vec::<String>::new());
}

/// Another history that is just as long: the number of the version says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_of_the_same_number_with_another_head_is_another_one() {
    needs!(Postgres);
    let sale = Sale::open().await;
    let first = sale.fans[0].must_hold(&sale.date.seats[0]).await;
    let backup = Backup::of(&sale.shared).await;
    // As this process knows it, the first seat is free and the second is held.
    sale.fans[0].release(&first).await;
    sale.fans[1].must_hold(&sale.date.seats[1]).await;
    for server in [&sale.one, &sale.other] {
        until("both know it", async || {
            sale.date.look(&server.stranger()).await[..2] == ["AVAILABLE", "HELD"]
        })
        .await;
    }
    let (number, id) = (backup.version(&sale.date).await, &sale.date.series);
    let (mut seats, known) = watch(&sale.one, &sale.date).await;
    // As many commits as there were, of which nobody knows what they did.
    let another = format!(
        "INSERT INTO sale_log SELECT series_id, n, gen_random_uuid(), last_at, 1, '' FROM sale_head, \
         generate_series(version + 1, {number}) AS n WHERE series_id = '{id}'; \
         UPDATE sale_head SET version = {number}, head = (SELECT head FROM sale_log \
         WHERE series_id = '{id}' AND version = {number}) WHERE series_id = '{id}'"
    );
    backup.comes_back(&another).await;
    let (one, other) = (&sale.one, sale.other.same(&sale.fans[1]));
    assert_eq!(other.hold(&sale.date.seats[0]).await["problem"]["code"], "SEAT_TAKEN");
    assert_eq!(code_of(&one.same(&sale.fans[1]).hold(&sale.date.seats[1]).await), None);
    let news = seats.next().await.unwrap();
    assert!(news["snapshot"] == true && int(&news["version"]) > known, "{known}, then {news}");
    // The hold of before is there again, and is its owner's.
    let holds = sale.fans[0].get("holds", "{ holds { id } }").await;
    assert_eq!(holds[0]["id"], first.as_str());
    assert_eq!(code_of(&sale.fans[0].pay("pay").await), None);
    assert_eq!(sale.one.audit().await, Vec::<String>::new());
}

/// What a process that has fallen asleep for longer than the log goes back, or that was cut off, knew: it is as wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_for_which_the_log_has_been_pruned_opens_the_date_anew() {
    needs!(Postgres);
    let sale = Sale::open().await;
    sale.fans[0].must_hold(&sale.date.seats[0]).await;
    let (mut seats, known) = watch(&sale.one, &sale.date).await;
    // Three commits that nobody can follow one by one.
    let backup = Backup::of(&sale.shared).await;
    let id = &sale.date.series;
    backup
        .run(&format!(
            "BEGIN; UPDATE sale_head SET version = version + 3, head = gen_random_uuid() WHERE series_id = '{id}'; \
             DELETE FROM sale_log WHERE series_id = '{id}'; \
             INSERT INTO sale_log SELECT series_id, version, head, last_at, 1, '\\x' FROM sale_head \
             WHERE series_id = '{id}'; \
             UPDATE hold SET status = 'RELEASED' WHERE series_id = '{id}'; COMMIT"
        ))
        .await;
    assert_eq!(code_of(&sale.fans[1].hold(&sale.date.seats[0]).await), None);
    let news = seats.until(|news| news["snapshot"] == true).await;
    assert!(int(&news["version"]) > known, "{known}, then {news}");
    assert_eq!(sale.one.audit().await, Vec::<String>::new());
}
