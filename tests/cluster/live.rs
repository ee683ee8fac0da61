//! What is committed by one process is seen by who watches at another (rules 12 and 20).

use std::sync::Arc;

use frontrow::clock::Clock;
use serde_json::{Value, json};

use test_support::{
    Cluster, Date, Fan, Mortal, Options, Plan, Server, Watch, int, needs, now, redis::RedisServer, secs,
    text, until,
};

/// Commits on each of two processes.
const COMMITS: usize = 20;

async fn watch(server: &Server, date: &Date) -> (Watch, i64) {
    let mut watch = server.stranger().watch_seats(&date.series, None).await;
    let snapshot = watch.next().await.unwrap();
    assert_eq!(snapshot["snapshot"], true);
    (watch, int(&snapshot["version"]))
}

fn seats(news: &Value) -> Vec<(i64, String)> {
    let seats = news["seats"].as_array().unwrap();
    seats.iter().map(|seat| (int(&seat["number"]), text(&seat["status"]))).collect()
}

/// Everybody is let in at once.
fn open_house() -> Plan {
    Plan::policy(json!({ "maxActive": 1_000, "maxSeatsPerUser": 50 }))
}

/// With Redis, or without: then what others do is found by a look from time to time.
async fn clusters() -> [Cluster; 2] {
    [Cluster::new().await, Cluster::without_redis(Options::default().clock).await]
}

#[tokio::test]
async fn commits_that_race_on_two_processes_are_heard_in_order_without_a_gap() {
    needs!(Postgres, Redis);
    for shared in clusters().await {
        commits_are_heard_in_order(&shared).await;
    }
}

async fn commits_are_heard_in_order(shared: &Cluster) {
    let (a, b) = (shared.server().await, shared.server().await);
    let date = a.organizer().date(open_house()).await;
    let (mut ann, mut bob) = (a.fan("ann"), b.fan("bob"));
    ann.join(&date.series).await;
    bob.join(&date.series).await;
    let (mut at_a, known) = watch(&a, &date).await;
    let (mut at_b, same) = watch(&b, &date).await;
    assert_eq!(known, same);
    let buys = async |fan: &Fan, seats: &[String]| {
        for seat in seats {
            fan.must_hold(seat).await;
        }
    };
    let (first, second) = date.seats[..2 * COMMITS].split_at(COMMITS);
    tokio::join!(buys(&ann, first), buys(&bob, second));
    for watch in [&mut at_a, &mut at_b] {
        let (mut held, mut version) = (Vec::new(), known);
        while version < known + 2 * COMMITS as i64 {
            let news = watch.next().await.unwrap();
            // Commits that come close together are told together.
            assert_eq!((int(&news["since"]), &news["snapshot"]), (version, &json!(false)));
            version = int(&news["version"]);
            held.extend(seats(&news).into_iter().map(|(number, _)| number));
        }
        assert_eq!(version, known + 2 * COMMITS as i64);
        held.sort_unstable();
        assert_eq!(held, (1..=2 * COMMITS as i64).collect::<Vec<_>>());
    }
}

/// Rule 20: within a second, of which a busy machine may need most. How long it takes with Redis is measured by
/// `frontrow bench processes`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_that_is_held_on_one_process_is_shown_on_the_other_within_a_second() {
    needs!(Postgres, Redis);
    for shared in clusters().await {
        let (a, b) = (shared.server().await, shared.server().await);
        let date = a.organizer().date(open_house()).await;
        let mut ann = a.fan("ann");
        ann.join(&date.series).await;
        let (mut at_b, known) = watch(&b, &date).await;
        for n in 0..5_i64 {
            ann.must_hold(&date.seats[n as usize]).await;
            let held = now();
            let news = at_b.next().await.unwrap();
            let took = now() - held;
            let seat = (n + 1, "HELD".to_owned());
            assert_eq!((int(&news["version"]), seats(&news)), (known + n + 1, vec![seat]));
            assert!(took <= secs(1), "{took}");
        }
    }
}

/// A process that commits and dies before it has told anybody, or whose word is lost.
#[tokio::test]
async fn a_commit_that_nobody_tells_of_is_found_all_the_same() {
    needs!(Postgres, Redis);
    let shared = Cluster::with(Clock::system()).await;
    let (silent, b) = (shared.silent_server().await, shared.server().await);
    let date = b.organizer().date(open_house()).await;
    let mut ann = b.fan("ann");
    ann.join(&date.series).await;
    let (mut at_b, known) = watch(&b, &date).await;
    silent.same(&ann).must_hold(&date.seats[0]).await;
    let news = at_b.next().await.unwrap();
    assert_eq!((&news["snapshot"], int(&news["version"])), (&json!(false), known + 1));
    assert_eq!(seats(&news), [(1, "HELD".to_owned())]);
    // And what is told later is heard as ever.
    ann.must_hold(&date.seats[1]).await;
    let news = at_b.next().await.unwrap();
    assert_eq!((&news["snapshot"], int(&news["version"])), (&json!(false), known + 2));
}

#[tokio::test]
async fn a_sale_that_is_paused_on_one_process_is_paused_on_the_other() {
    needs!(Postgres, Redis);
    let shared = Cluster::new().await;
    let (a, b) = (shared.server().await, shared.server().await);
    let organizer = a.organizer();
    let date = organizer.date(open_house()).await;
    let mut bob = b.fan("bob");
    bob.join(&date.series).await;
    let mut place = bob.watch_place().await;
    assert_eq!(place.next().await.unwrap()["seriesStatus"], "ON_SALE");
    organizer.turn("pauseSale", &date.series).await;
    place.until(|place| place["seriesStatus"] == "PAUSED").await;
    organizer.turn("resumeSale", &date.series).await;
    place.until(|place| place["seriesStatus"] == "ON_SALE").await;
}

/// Rule 12, whoever has taken the hold.
#[tokio::test]
async fn a_hold_lapses_on_the_process_that_is_left() {
    needs!(Postgres, Redis);
    let shared = Arc::new(Cluster::new().await);
    let b = shared.server().await;
    let date = b.organizer().date(open_house()).await;
    let (mut at_b, known) = watch(&b, &date).await;
    let (seat, series) = (date.seats[0].clone(), date.series.clone());
    let mortal = Mortal::new();
    let act = async move |a: &Server| {
        let mut ann = a.fan("ann");
        ann.join(&series).await;
        ann.must_hold(&seat).await;
    };
    mortal.serves(&shared, act).await;
    let news = at_b.next().await.unwrap();
    assert_eq!((int(&news["version"]), seats(&news)), (known + 1, vec![(1, "HELD".to_owned())]));
    mortal.dies();
    b.clock.advance(secs(300));
    let news = at_b.until(|news| int(&news["version"]) > known + 1).await;
    assert_eq!(seats(&news)[0], (1, "AVAILABLE".to_owned()));
    assert_eq!(b.audit().await, [""; 0]);
}

/// Rule 5, whoever has created the date, and whether or not anybody comes.
#[tokio::test]
async fn the_draw_is_made_by_the_process_that_is_left() {
    needs!(Postgres, Redis);
    let shared = Arc::new(Cluster::new().await);
    let b = shared.server().await;
    let mortal = Mortal::new();
    let plan = Plan { opens: secs(3_600), ..open_house() };
    let create = async move |a: &Server| a.organizer().date(plan).await;
    let date = mortal.serves(&shared, create).await;
    mortal.dies();
    let page = format!("/draw/{}", date.series);
    assert_eq!(b.get(&page).await["secret"], Value::Null);
    b.clock.advance(secs(3_600));
    until("the draw is made", async || b.get(&page).await["secret"].is_string()).await;
}

/// Redis makes things fast, and nothing else rests on it.
#[tokio::test]
async fn without_redis_commits_go_on_and_are_still_seen() {
    needs!(Postgres, RedisServer);
    let mut redis = RedisServer::start(&[]);
    let shared = Cluster::over(&format!("redis://{}", redis.host()), Clock::system()).await;
    let (a, b) = (shared.server().await, shared.server().await);
    let date = a.organizer().date(open_house()).await;
    let mut ann = a.fan("ann");
    ann.join(&date.series).await;
    let (mut at_b, mut known) = watch(&b, &date).await;
    redis.kill();
    for seat in &date.seats[..3] {
        ann.must_hold(seat).await;
        known += 1;
        let news = at_b.next().await.unwrap();
        assert_eq!((int(&news["version"]), &news["snapshot"]), (known, &json!(false)));
    }
    redis.start_again();
    for seat in &date.seats[3..10] {
        ann.must_hold(seat).await;
        known += 1;
        let news = at_b.next().await.unwrap();
        assert_eq!((int(&news["version"]), &news["snapshot"]), (known, &json!(false)));
    }
}

/// Rules 11 and 14: whoever is slower is offered other seats, although its process has not heard yet which ones
/// are gone.
#[tokio::test]
async fn the_best_seats_are_those_that_are_left_and_not_those_that_are_shown() {
    needs!(Postgres, Redis);
    let shared = Cluster::new().await;
    let (silent, b) = (shared.silent_server().await, shared.server().await);
    let date = b.organizer().date(open_house()).await;
    let (mut ann, mut bob) = (b.fan("ann"), b.fan("bob"));
    ann.join(&date.series).await;
    bob.join(&date.series).await;
    let ann = silent.same(&ann);
    for seat in &date.seats[..10] {
        ann.must_hold(seat).await;
    }
    let held = bob.act("holdBestSeats", json!({ "count": 2 }), "holds { seat { number } }").await;
    assert_eq!(held["problem"], Value::Null, "{held}");
    let numbers: Vec<_> =
        held["holds"].as_array().unwrap().iter().map(|hold| int(&hold["seat"]["number"])).collect();
    assert_eq!(numbers, [15, 16], "the middle of the second row");
}
