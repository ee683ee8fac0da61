//! The whole way of a fan, over HTTP and WebSocket: from the catalogue to the ticket.

use serde_json::{Value, json};

use test_support::{Plan, Server, Watch, code_of, int, text};

/// Waits for a change of this seat alone.
async fn change_of(watch: &mut Watch, seat: &str) -> String {
    let news = watch.next().await.unwrap();
    assert_eq!(news["snapshot"], false);
    let seats = news["seats"].as_array().unwrap();
    assert_eq!((seats.len(), &seats[0]["id"]), (1, &Value::from(seat)));
    text(&seats[0]["status"])
}

#[tokio::test]
async fn a_fan_gets_from_the_catalogue_to_the_ticket() {
    let server = Server::on_system_clock().await;
    let organizer = server.organizer();
    let made = organizer.date(Plan::policy(json!({ "maxActive": 1 }))).await;

    // Browse.
    let stranger = server.stranger();
    let query = "{ concerts(first: 10) { nodes { id title series { id status availableCount } } } }";
    let concerts = stranger.get("concerts", query).await;
    let date = &concerts["nodes"][0]["series"][0];
    assert_eq!(date, &json!({ "id": made.series, "status": "ON_SALE", "availableCount": 50 }));

    // Wait behind somebody else, and watch the place until it is one's turn.
    let mut first = server.fan("first");
    assert_eq!(first.join(&made.series).await["position"]["status"], "ADMITTED");
    let mut ann = server.fan("ann");
    assert_eq!(ann.join(&made.series).await["position"]["position"], 1);
    let mut place = ann.watch_place().await;
    let waiting = place.next().await.unwrap();
    assert_eq!((&waiting["status"], &waiting["position"]), (&json!("WAITING"), &json!(1)));
    first.leave().await;
    let admitted = place.until(|place| place["status"] == "ADMITTED").await;
    assert_eq!((&admitted["position"], admitted["admittedUntil"].is_string()), (&json!(0), true));

    // Choose.
    let mut seats = stranger.watch_seats(&made.series, None).await;
    let snapshot = seats.next().await.unwrap();
    assert_eq!((&snapshot["snapshot"], snapshot["seats"].as_array().unwrap().len()), (&json!(true), 50));
    let seat = &made.seats[6];
    let held = ann.hold(seat).await;
    assert_eq!(held["hold"]["status"], "ACTIVE");
    assert_eq!(change_of(&mut seats, seat).await, "HELD");

    // Pay: first with too few points.
    let short = ann.pay("the first try").await;
    assert_eq!(code_of(&short), Some("INSUFFICIENT_POINTS"));
    assert_eq!((&short["problem"]["balance"], &short["problem"]["required"]), (&json!(0), &json!(10_000)));
    assert_eq!(ann.charge(25_000, "points").await["points"]["balance"], 25_000);
    let paid = ann.pay("the second try").await;
    assert_eq!((&paid["payment"]["amount"], &paid["points"]["balance"]), (&json!(10_000), &json!(15_000)));
    assert_eq!(change_of(&mut seats, seat).await, "RESERVED");

    // The place is over, and so is its stream.
    assert_eq!(place.until(|place| place["status"] != "ADMITTED").await["status"], "COMPLETED");
    assert_eq!(place.next().await, None);

    // The ticket, the payment, and the ledger.
    let query = "{ reservations { nodes { id status seat { id number reserved } payment { id amount } } } }";
    let ticket = ann.get("reservations", query).await["nodes"][0].clone();
    assert_eq!(ticket["status"], "CONFIRMED");
    assert_eq!(ticket["seat"], json!({ "id": seat, "number": 7, "reserved": true }));
    assert_eq!(ticket["payment"]["id"], paid["payment"]["id"]);
    let query = "{ payments { nodes { id status reservations { id } } } }";
    let payment = ann.get("payments", query).await["nodes"][0].clone();
    assert_eq!(payment["status"], "COMPLETE");
    assert_eq!(payment["reservations"], json!([{ "id": ticket["id"] }]));
    let ledger = [("USE".to_owned(), -10_000, 15_000), ("CHARGE".to_owned(), 25_000, 25_000)];
    assert_eq!(ann.ledger().await, ledger);

    // And the organiser's figures.
    let query =
        format!("{{ saleStats(seriesId: \"{}\") {{ held reserved available revenue }} }}", made.series);
    let stats = organizer.fan.get("saleStats", &query).await;
    assert_eq!(stats, json!({ "held": 0, "reserved": 1, "available": 49, "revenue": 10_000 }));
    assert_eq!(int(&paid["payment"]["amount"]), int(&stats["revenue"]));
    assert_eq!(server.audit().await, Vec::<String>::new());
}
