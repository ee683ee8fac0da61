//! Rules 20 and 21: what subscribers hear. A change of one's own status is in `waiting` and in the journey.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use test_support::{Plan, Server, Watch, int, ms};

/// Two changes each; more than the server keeps for a subscriber that is behind.
const FLICKERS: usize = 40;

fn statuses(news: &Value) -> Vec<(i64, String)> {
    let seats = news["seats"].as_array().unwrap();
    seats.iter().map(|seat| (int(&seat["number"]), seat["status"].as_str().unwrap().to_owned())).collect()
}

/// Rule 20: every change, in events that follow each other; and what changed since a version that one knows.
#[tokio::test]
async fn a_watcher_of_seats_hears_of_every_change_without_a_gap() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    let mut watch = server.stranger().watch_seats(&date.series, None).await;
    let snapshot = watch.next().await.unwrap();
    assert_eq!((&snapshot["snapshot"], statuses(&snapshot).len()), (&json!(true), 50));
    let known = int(&snapshot["version"]);

    let first = ann.must_hold(&date.seats[0]).await;
    ann.must_hold(&date.seats[1]).await;
    ann.release(&first).await;
    let mut seats = Seats::of(&snapshot);
    while seats.version < known + 3 {
        seats.hear(&watch.next().await.unwrap());
    }
    assert_eq!((seats.status(1), seats.status(2)), ("AVAILABLE", "HELD"));
    let since = server.stranger().watch_seats(&date.series, Some(known + 1)).await.next().await.unwrap();
    assert_eq!((int(&since["version"]), &since["snapshot"]), (known + 3, &json!(false)));
    assert_eq!(statuses(&since), [(1, "AVAILABLE".to_owned()), (2, "HELD".to_owned())]);
    // A version that the server does not know is answered by a snapshot.
    let unknown =
        server.stranger().watch_seats(&date.series, Some(known + 1_000)).await.next().await.unwrap();
    assert_eq!((&unknown["snapshot"], int(&unknown["version"])), (&json!(true), known + 3));
}

/// The seats as a watcher knows them.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seats {
    version: i64,
    statuses: BTreeMap<i64, String>,
}

impl Seats {
    fn of(snapshot: &Value) -> Self {
        assert_eq!(snapshot["snapshot"], true);
        Self { version: int(&snapshot["version"]), statuses: statuses(snapshot).into_iter().collect() }
    }

    /// Takes in an event, which must follow what is known.
    fn hear(&mut self, news: &Value) {
        if news["snapshot"] == true {
            *self = Self::of(news);
            return;
        }
        let (since, version) = (int(&news["since"]), int(&news["version"]));
        assert!(
            since <= self.version && self.version < version,
            "{since} to {version} after {}",
            self.version
        );
        self.version = version;
        self.statuses.extend(statuses(news));
    }

    fn status(&self, seat: i64) -> &str {
        &self.statuses[&seat]
    }
}

/// Subscriptions that share one socket.
const EACH: usize = 16;

/// Rule 20: where many watch, what changes within a while is told together, to all of them alike, whatever they select; who
/// comes meanwhile misses nothing.
#[tokio::test]
async fn many_watchers_are_told_together() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    let queries = [
        "since version snapshot seats { number status }",
        "version snapshot since seats { status number id }",
    ]
    .map(|fields| format!("subscription($id: ID!) {{ seatAvailability(seriesId: $id) {{ {fields} }} }}"));
    // So many of each that changes are collected for five milliseconds.
    let mut sockets = Vec::new();
    for n in 0..200 * 2 / EACH {
        let query = &queries[n % 2];
        let mut socket = server.stranger().watch(query, json!({ "id": date.series })).await;
        for more in 2..=EACH {
            socket.subscribe_as(&more.to_string(), query, json!({ "id": date.series })).await;
        }
        let first = told_all(&mut socket).await;
        assert!(first.iter().all(|seats| seats["snapshot"] == true));
        sockets.push((socket, Seats::of(&first[0])));
    }
    for seat in &date.seats[..3] {
        ann.must_hold(seat).await;
    }
    for (socket, _) in &mut sockets {
        socket.is_quiet().await;
    }
    let mut late = server.stranger().watch(&queries[0], json!({ "id": date.series })).await;
    let mut late_seats = Seats::of(&late.next().await.unwrap());
    server.advance(ms(5), &date.series).await;
    for (socket, seats) in &mut sockets {
        let told = told_all(socket).await;
        assert!(told.iter().all(|news| news == &told[0]), "{told:?}");
        assert_eq!(statuses(&told[0]).len(), 3);
        seats.hear(&told[0]);
        assert_eq!((seats.status(1), seats.status(3), seats.status(4)), ("HELD", "HELD", "AVAILABLE"));
    }
    while late_seats.version < sockets[0].1.version {
        late_seats.hear(&late.next().await.unwrap());
    }
    assert_eq!(late_seats, sockets[0].1);
}

/// One answer of each subscription of a socket.
async fn told_all(socket: &mut Watch) -> Vec<Value> {
    let mut told = BTreeMap::new();
    while told.len() < EACH {
        let message = socket.message().await;
        assert_eq!(message["type"], "next", "{message}");
        let before =
            told.insert(message["id"].to_string(), message["payload"]["data"]["seatAvailability"].clone());
        assert_eq!(before, None);
    }
    told.into_values().collect()
}

/// Rule 20: dates on a list, each by itself.
#[tokio::test]
async fn dates_on_a_list_follow() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let (one, other) = (organizer.date(Plan::default()).await, organizer.date(Plan::default()).await);
    let query = "subscription($ids: [ID!]!) { seriesChanged(ids: $ids) { id status availableCount } }";
    let ids = json!({ "ids": [one.series, other.series, one.series] });
    let mut watch = server.stranger().watch(query, ids.clone()).await;
    let mut known = BTreeMap::new();
    let mut hear = async |watch: &mut Watch| {
        let news = watch.next().await.unwrap();
        known.insert(news["id"].to_string(), (news["status"].clone(), int(&news["availableCount"])));
        known
            .get(&json!(one.series).to_string())
            .cloned()
            .zip(known.get(&json!(other.series).to_string()).cloned())
    };
    let on_sale = |free| (json!("ON_SALE"), free);
    assert_eq!(hear(&mut watch).await, None);
    assert_eq!(hear(&mut watch).await, Some((on_sale(50), on_sale(50))));
    let mut ann = server.fan("ann");
    ann.join(&one.series).await;
    ann.must_hold(&one.seats[0]).await;
    // Who joins the line, and what happens within half a second, is no news of its own.
    server.advance(ms(500), &one.series).await;
    assert_eq!(hear(&mut watch).await, Some((on_sale(49), on_sale(50))));
    organizer.turn("pauseSale", &other.series).await;
    server.advance(ms(500), &one.series).await;
    assert_eq!(hear(&mut watch).await, Some((on_sale(49), (json!("PAUSED"), 50))));
    watch.is_quiet().await;
    // Who comes later is told how they are now.
    let mut late = server.stranger().watch(query, ids).await;
    let mut told =
        [late.next().await.unwrap(), late.next().await.unwrap()].map(|news| int(&news["availableCount"]));
    told.sort_unstable();
    assert_eq!(told, [49, 50]);
    for (ids, code) in [
        (json!(["0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f"]), "NOT_FOUND"),
        (json!(vec![one.series.clone(); 51]), "BAD_USER_INPUT"),
    ] {
        let mut refused = server.stranger().watch(query, json!({ "ids": ids })).await;
        assert_eq!(refused.refusal().await, code);
    }
}

/// Rule 20: the organiser's figures follow.
#[tokio::test]
async fn the_organizer_watches_the_sale() {
    let server = Server::on_system_clock().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::default()).await;
    let query =
        "subscription($id: ID!) { saleStats(seriesId: $id) { waiting admitted held reserved revenue } }";
    let mut watch = organizer.fan.watch(query, json!({ "id": date.series })).await;
    assert_eq!(int(&watch.next().await.unwrap()["admitted"]), 0);
    let mut ann = server.fan("ann");
    ann.buy(&date, 0).await;
    let expected = json!({ "waiting": 0, "admitted": 0, "held": 0, "reserved": 1, "revenue": 10_000 });
    watch.until(|stats| *stats == expected).await;
    let mut fan = server.fan("fan").watch(query, json!({ "id": date.series })).await;
    assert_eq!(fan.refusal().await, "FORBIDDEN");
}

/// Rule 21: a subscriber that does not read delays nobody: others hear of every change, and the calls go on. When
/// it reads again it sees by a new snapshot that it has missed something (rule 20), or it has been cut off.
#[tokio::test]
async fn a_subscriber_that_does_not_read_costs_nobody_anything() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(10, 10, json!({ "maxSeatsPerUser": 100 }))).await;
    let mut ann = server.fan("ann");
    // Wordy, so that a few changes of the whole house fill every buffer on the way.
    let state: String =
        (0..24).map(|n| format!("a_long_name_for_it_{n}: seats {{ id number status }} ")).collect();
    let query =
        format!("subscription {{ seatAvailability(seriesId: \"{}\") {{ snapshot {state} }} }}", date.series);
    let mut deaf = Watch::narrow(server.address, &query, json!({})).await;
    assert_eq!(deaf.next().await.unwrap()["snapshot"], true);
    let mut watch = server.stranger().watch_seats(&date.series, None).await;
    let mut version = int(&watch.next().await.unwrap()["version"]);
    let mut hears = async |seats: usize| {
        let news = watch.next().await.unwrap();
        assert_eq!((int(&news["since"]), &news["snapshot"]), (version, &json!(false)));
        version += 1;
        assert_eq!((int(&news["version"]), statuses(&news).len()), (version, seats));
    };
    for _ in 0..10 {
        ann.join(&date.series).await;
        let all = ann.act("holdSeats", json!({ "seatIds": date.seats }), "holds { id }").await;
        assert_eq!(all["holds"].as_array().unwrap().len(), 100);
        hears(100).await;
        ann.leave().await;
        hears(100).await;
    }
    ann.join(&date.series).await;
    for _ in 0..FLICKERS {
        let hold = ann.must_hold(&date.seats[0]).await;
        hears(1).await;
        ann.release(&hold).await;
        hears(1).await;
    }
    assert!(deaf.misses_something(|news| news["snapshot"] == true).await);
}
