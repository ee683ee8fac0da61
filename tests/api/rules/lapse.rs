//! Rule 1: what a token allowed ends with it, streams included.

use frontrow::domain::identity::Role;
use serde_json::{Value, json};

use test_support::{Fan, PLACE, Plan, Server, ms, secs};

const STATS: &str = "subscription($id: ID!) { saleStats(seriesId: $id) { waiting held } }";

const SEATS: &str = "subscription($id: ID!) { seatAvailability(seriesId: $id) { availableCount } }";

fn types(messages: &[Value], id: &str) -> Vec<String> {
    messages.iter().filter(|m| m["id"] == id).map(|m| m["type"].as_str().unwrap().to_owned()).collect()
}

/// A stream of what is somebody's own ends at `exp`: an error, at that moment and not at the next event, and nothing more.
/// One of what is public goes on beside it.
#[tokio::test]
async fn a_stream_ends_with_the_token_that_allowed_it() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan { opens: secs(600), ..Plan::default() }).await;
    let (mut ann, mut bob) = (server.fan("ann"), server.fan("bob"));
    ann.join(&date.series).await;
    bob.join(&date.series).await;
    let place = format!("subscription($id: ID) {{ queuePosition(tokenId: $id) {{ {PLACE} }} }}");
    let while_ = secs(60);
    let shown: [(&str, Fan, &str, Value); 4] = [
        (
            "the organiser's figures",
            server.for_a_while("organizer", &[Role::Organizer], while_),
            STATS,
            json!(date.series),
        ),
        ("an admin's figures", server.for_a_while("root", &[Role::Admin], while_), STATS, json!(date.series)),
        (
            "a place by its queue token",
            server.in_line_for_a_while(&ann, &date.series, while_),
            &place,
            Value::Null,
        ),
        ("a place by an identity token", server.for_a_while("bob", &[], while_), &place, json!(bob.token)),
    ];
    let mut sockets = Vec::new();
    for (what, fan, query, id) in &shown {
        let mut socket = fan.watch(query, json!({ "id": id })).await;
        assert!(socket.next().await.is_some(), "{what}");
        socket.subscribe_as("seats", SEATS, json!({ "id": date.series })).await;
        assert_eq!(socket.message().await["id"], "seats", "{what}");
        sockets.push((what, query, id, socket));
    }
    server.clock.advance(while_ - ms(1));
    for (what, _, _, socket) in &mut sockets {
        for _ in 0..3 {
            let said = socket.said_so_far().await;
            assert!(!types(&said, "1").iter().any(|said| said != "next"), "{what}: {said:?}");
        }
    }
    server.clock.advance(ms(1));
    for (what, query, id, socket) in &mut sockets {
        let error = loop {
            let message = socket.message().await;
            if message["type"] != "next" {
                break message;
            }
        };
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")), "{what}: {error}");
        assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED", "{what}");
        // Over, so its id is free; but the token begins nothing more.
        socket.subscribe(query, json!({ "id": id })).await;
        assert_eq!(socket.refusal().await, "UNAUTHENTICATED", "{what}");
        assert_eq!(socket.message().await["type"], "complete", "{what}");
    }
    // What is everybody's to see goes on.
    server.advance(secs(540), &date.series).await;
    let mut buyer = server.fan("buyer");
    buyer.join(&date.series).await;
    buyer.must_hold(&date.seats[0]).await;
    for (what, _, _, socket) in &mut sockets {
        let taken = loop {
            let message = socket.message().await;
            assert_eq!(message["id"], "seats", "{what}: {message}");
            if message["payload"]["data"]["seatAvailability"]["availableCount"] == 49 {
                break message["type"].clone();
            }
        };
        assert_eq!(taken, "next", "{what}");
    }
}

/// Also where nothing happens that a stream could tell of, and where a query was asked on the same socket before.
#[tokio::test]
async fn a_token_that_has_ended_says_nothing_of_what_comes_after_it() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let organizer = server.for_a_while("organizer", &[Role::Organizer], ms(1_500));
    let mut socket = organizer.watch(STATS, json!({ "id": date.series })).await;
    assert_eq!(socket.next().await.unwrap()["held"], 0);
    let mut buyer = server.fan("buyer");
    buyer.join(&date.series).await;
    // The figures are due at the very moment at which the token ends, and are not told.
    buyer.must_hold(&date.seats[0]).await;
    server.clock.advance(ms(1_500));
    let said = loop {
        let message = socket.message().await;
        if message["type"] != "next" {
            break message;
        }
        let held = &message["payload"]["data"]["saleStats"]["held"];
        assert_eq!(held, 0, "{message}");
    };
    assert_eq!(said["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
