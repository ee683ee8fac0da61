//! Rules 20 and 21: what subscribers hear. A change of one's own status is in `waiting` and in the journey.

use serde_json::{Value, json};

use test_support::{Plan, Server, Watch, int};

/// Two changes each; more than the server keeps for a subscriber that is behind.
const FLICKERS: usize = 40;

fn statuses(news: &Value) -> Vec<(i64, String)> {
    let seats = news["seats"].as_array().unwrap();
    seats.iter().map(|seat| (int(&seat["number"]), seat["status"].as_str().unwrap().to_owned())).collect()
}

/// Rule 20: every change, each with the next version; and what changed since a version that one knows.
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
    let expected = [(1, "HELD"), (2, "HELD"), (1, "AVAILABLE")];
    for (n, (seat, status)) in (1..).zip(expected) {
        let news = watch.next().await.unwrap();
        assert_eq!((int(&news["version"]), &news["snapshot"]), (known + n, &json!(false)));
        assert_eq!(statuses(&news), [(seat, status.to_owned())]);
    }
    let since = server.stranger().watch_seats(&date.series, Some(known + 1)).await.next().await.unwrap();
    assert_eq!((int(&since["version"]), &since["snapshot"]), (known + 3, &json!(false)));
    assert_eq!(statuses(&since), [(1, "AVAILABLE".to_owned()), (2, "HELD".to_owned())]);
    // A version that the server does not know is answered by a snapshot.
    let unknown =
        server.stranger().watch_seats(&date.series, Some(known + 1_000)).await.next().await.unwrap();
    assert_eq!((&unknown["snapshot"], int(&unknown["version"])), (&json!(true), known + 3));
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
        version += 1;
        assert_eq!((int(&news["version"]), &news["snapshot"]), (version, &json!(false)));
        assert_eq!(statuses(&news).len(), seats);
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
