//! Remembered answers of processes that share a database: one's own commits are in them at once, those of others within a
//! second, with news of them or without (rule 27).

use chrono::TimeDelta;
use frontrow::clock::Clock;
use serde_json::{Value, json};
use test_support::{Cluster, Date, Fan, Options, Plan, Server};

const LISTS: [&str; 2] = [
    "{ concerts(first: 50) { nodes { title series { id status availableCount endAt queuePolicy { maxActive } } } } }",
    "{ concerts(first: 50) { nodes { id series(bookableOnly: true) { id seats(availableOnly: true) { number } } } } }",
];
const SEATS: &str =
    "query ($id: ID!) { seats(seriesId: $id) { number status series { status concert { title } } } }";

/// A process, and whoever asks it.
struct At {
    server: Server,
    anybody: Fan,
    asked: u64,
}

impl At {
    async fn new(cluster: &Cluster) -> Self {
        let server = cluster.server().await;
        let anybody = server.stranger();
        Self { server, anybody, asked: 0 }
    }

    /// Everything, in the same bytes each time, or in bytes that nobody has sent before.
    async fn all(&mut self, date: &Date, anew: bool) -> Vec<Value> {
        let mut mark = String::new();
        if anew {
            self.asked += 1;
            mark = format!("# {}", self.asked);
        }
        let mut answers = Vec::new();
        for list in LISTS {
            answers.push(self.anybody.ask(&format!("{list}{mark}"), json!({})).await.data().clone());
        }
        let of = json!({ "id": date.series });
        answers.push(self.anybody.ask(&format!("{SEATS}{mark}"), of).await.data().clone());
        answers
    }
}

/// What is done at one process is seen there at once, and at the other within a second.
async fn seen(here: &mut At, there: &mut At, date: &Date, what: &str) {
    let real = Clock::system();
    let done = real.now();
    let anew = here.all(date, true).await;
    assert_eq!(here.all(date, false).await, anew, "{what}: at home");
    loop {
        let asked = real.now() - done;
        let remembered = there.all(date, false).await;
        if remembered == anew {
            return;
        }
        // Half a second for what this machine has to do beside.
        assert!(asked < TimeDelta::milliseconds(1_500), "{what}: {remembered:?} instead of {anew:?}");
        real.sleep(TimeDelta::milliseconds(20)).await;
    }
}

async fn told_in_time(cluster: Cluster) {
    let (mut one, mut other) = (At::new(&cluster).await, At::new(&cluster).await);
    let organizer = one.server.organizer();
    let date = organizer.date(Plan::small(2, 5, json!({ "maxActive": 50 }))).await;
    seen(&mut one, &mut other, &date, "a date").await;
    for round in 0..3 {
        let mut fan = one.server.fan(&format!("fan {round}"));
        fan.join(&date.series).await;
        fan.charge(10_000, "charge").await;
        let hold = fan.must_hold(&date.seats[round]).await;
        seen(&mut one, &mut other, &date, "a hold").await;
        fan.release(&hold).await;
        seen(&mut one, &mut other, &date, "a hold that was given back").await;
        other.server.same(&fan).must_hold(&date.seats[round + 3]).await;
        seen(&mut other, &mut one, &date, "a hold elsewhere").await;
        fan.pay("pay").await;
        seen(&mut one, &mut other, &date, "a payment").await;
        other.server.organizer().turn("pauseSale", &date.series).await;
        seen(&mut other, &mut one, &date, "a pause").await;
        organizer.turn("resumeSale", &date.series).await;
        seen(&mut one, &mut other, &date, "the end of a pause").await;
        let concert = other.server.organizer().concert(&format!("Concert {round}")).await;
        seen(&mut other, &mut one, &date, "a concert").await;
        organizer.series(&concert, Plan::small(1, 2, json!({}))).await;
        seen(&mut one, &mut other, &date, "another date").await;
    }
    assert_eq!(one.server.audit().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_commit_is_in_every_answer_within_a_second() {
    told_in_time(Cluster::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_so_it_is_without_redis() {
    told_in_time(Cluster::without_redis(Options::default().clock).await).await;
}

/// A title is not a matter of any date: whoever changes it, by whatever way, is noticed by the number of the catalogue. What
/// nobody counts is not noticed, which shows that the answer was remembered.
#[tokio::test]
async fn the_catalogue_is_counted_by_the_database_itself() {
    let cluster = Cluster::new().await;
    let mut one = At::new(&cluster).await;
    let date = one.server.organizer().date(Plan::small(1, 2, json!({}))).await;
    let real = Clock::system();
    let end = |all: &[Value]| all[0]["concerts"]["nodes"][0]["series"][0]["endAt"].clone();
    let before = one.all(&date, false).await;
    let mut is_remembered = false;
    for hour in 1..100 {
        real.sleep(TimeDelta::milliseconds(50)).await;
        one.all(&date, false).await;
        // Past the server, and counted by nobody.
        cluster.run(&format!("UPDATE series SET end_at = end_at + interval '{hour} hours'")).await;
        is_remembered = end(&one.all(&date, false).await) != end(&one.all(&date, true).await);
        if is_remembered {
            break;
        }
    }
    assert!(is_remembered, "nothing was remembered: {before:?}");
    cluster.run("UPDATE concert SET title = 'Changed'").await;
    test_support::until("the title has changed everywhere", async || {
        one.all(&date, false).await[0]["concerts"]["nodes"][0]["title"] == "Changed"
    })
    .await;
    assert_eq!(one.all(&date, false).await, one.all(&date, true).await);
}
