//! Rule 22: at its limits the server refuses catalogue and seat maps first, then joins, then holds, and payments last.

use frontrow::service::load::{Class, OPERATIONS, Running};
use serde_json::{Value, json};

use test_support::{Date, Fan, Plan, Reply, Server, text};

/// Fills the server up to a part of what may run at once, in quarters.
fn fill(server: &Server, quarters: usize) -> Vec<Running> {
    let load = server.services.load();
    (0..OPERATIONS * quarters / 4).map(|_| load.enter(Class::Pay).unwrap()).collect()
}

#[track_caller]
fn is_refused(reply: &Reply) -> bool {
    let Some(error) = reply.0.get("errors").map(|errors| &errors[0]["extensions"]) else { return false };
    assert_eq!(error["code"], "UNAVAILABLE", "{}", reply.0);
    assert!(error["retryAfterMs"].as_u64().is_some_and(|ms| ms >= 1_000), "{}", reply.0);
    assert_eq!(reply.0.get("data"), None, "nothing is executed");
    true
}

/// What is refused: browsing, seat maps, joining, an organiser's work, heartbeats, holding, charging, paying.
async fn refused(server: &Server, fan: &Fan, date: &Date, key: &str) -> Vec<bool> {
    let seats = format!("{{ seats(seriesId: \"{}\") {{ id }} }}", date.series);
    let hold =
        format!("mutation {{ holdSeat(input: {{ seatId: \"{}\" }}) {{ hold {{ id }} }} }}", date.seats[0]);
    let join = format!("mutation {{ issueToken(input: {{ seriesId: \"{}\" }}) {{ tokenId }} }}", date.series);
    let charge = format!(
        "mutation {{ charge(input: {{ amount: 1, idempotencyKey: \"{key}\" }}) {{ points {{ balance }} }} }}"
    );
    let pay = format!(
        "mutation {{ pay(input: {{ idempotencyKey: \"pay {key}\" }}) {{ payment {{ id }} problem {{ code }} }} }}"
    );
    let pause = format!("mutation {{ resumeSale(seriesId: \"{}\") {{ id }} }}", date.series);
    // Not in the bytes of the last time: what is remembered is sent whatever the load.
    let (concerts, seats) =
        (format!("{{ concerts {{ nodes {{ id }} }} }} # {key}"), format!("{seats} # {key}"));
    let mut all = Vec::new();
    for (who, query) in [
        (fan, concerts.as_str()),
        (fan, &seats),
        (&server.fan("another"), &join),
        (&server.organizer().fan, &pause),
        (fan, "mutation { heartbeat { status } }"),
        (fan, &hold),
        (fan, &charge),
        (fan, &pay),
    ] {
        all.push(is_refused(&who.ask(query, json!({})).await));
    }
    all
}

#[tokio::test]
async fn the_server_refuses_in_the_stated_order_and_payments_last() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut fan = server.fan("fan");
    fan.join(&date.series).await;
    fan.charge(100_000, "points").await;
    let (yes, no) = (true, false);
    assert_eq!(refused(&server, &fan, &date, "0").await, [no; 8]);
    let mut fan = server.fan("payer");
    fan.join(&date.series).await;
    fan.charge(100_000, "points").await;
    fan.must_hold(&date.seats[1]).await;
    for (quarters, expected) in [
        (1, [yes, yes, no, no, no, no, no, no]),
        (2, [yes, yes, yes, yes, no, no, no, no]),
        (3, [yes, yes, yes, yes, yes, yes, no, no]),
        (7, [yes, yes, yes, yes, yes, yes, no, no]),
        (8, [yes; 8]),
    ] {
        let full = fill(&server, quarters);
        assert_eq!(
            refused(&server, &fan, &date, &quarters.to_string()).await,
            expected,
            "{quarters} quarters"
        );
        drop(full);
    }
    // What could not be done is done as soon as there is room.
    assert_eq!(refused(&server, &fan, &date, "after").await, [no; 8]);
    assert_eq!(server.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_socket_is_refused_as_a_request_is_and_open_streams_stay() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut fan = server.fan("fan");
    fan.join(&date.series).await;
    let mut place = fan.watch_place().await;
    place.next().await.unwrap();
    let full = fill(&server, 3);
    let query = "subscription($id: ID!) { seatAvailability(seriesId: $id) { version } }";
    let message = fan.watch(query, json!({ "id": date.series })).await.message().await;
    assert_eq!((&message["type"], code(&message)), (&json!("error"), "UNAVAILABLE".to_owned()));
    drop(full);
    fan.watch_seats(&date.series, None).await.next().await.unwrap();
    fan.leave().await;
    assert_eq!(place.until(|place| place["status"] == "LEFT").await["status"], "LEFT");
}

fn code(message: &Value) -> String {
    text(&message["payload"][0]["extensions"]["code"])
}
