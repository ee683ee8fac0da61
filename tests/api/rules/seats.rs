//! Rules 11 to 14: holds and seats. Rule 11 under concurrency is in `race`.

use serde_json::{Value, json};

use test_support::{Date, Fan, Plan, Server, code_of, ms, secs};

/// Long enough that only what a test is about runs out.
fn patient() -> Value {
    json!({ "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400 })
}

async fn joined(server: &Server, date: &Date, user: &str) -> Fan {
    let mut fan = server.fan(user);
    assert_eq!(fan.join(&date.series).await["position"]["status"], "ADMITTED");
    fan
}

async fn hold_all(fan: &Fan, seats: &[&String]) -> Value {
    fan.act("holdSeats", json!({ "seatIds": seats }), "holds { id seat { number } }").await
}

/// Rule 11, also across a restart.
#[tokio::test]
async fn a_held_seat_is_nobody_elses_also_after_a_restart() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let (ann, bob) = (joined(&server, &date, "ann").await, joined(&server, &date, "bob").await);
    let hold = ann.must_hold(&date.seats[0]).await;
    assert_eq!(code_of(&bob.hold(&date.seats[0]).await), Some("SEAT_TAKEN"));
    let server = server.restart().await;
    let bob = joined(&server, &date, "bob").await;
    assert_eq!(code_of(&bob.hold(&date.seats[0]).await), Some("SEAT_TAKEN"));
    // Asking again for one's own seat returns the hold that there is.
    assert_eq!(joined(&server, &date, "ann").await.must_hold(&date.seats[0]).await, hold);
}

/// Rule 12: one millisecond before its end a hold can still be paid.
#[tokio::test]
async fn a_hold_is_paid_in_its_last_millisecond() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let ann = joined(&server, &date, "ann").await;
    ann.charge(10_000, "points").await;
    ann.must_hold(&date.seats[0]).await;
    server.clock.advance(secs(300) - ms(1));
    assert_eq!(ann.pay("ticket").await["payment"]["amount"], 10_000);
    assert_eq!((ann.balance().await, ann.tickets().await), (0, 1));
}

/// Rule 12: at its end it holds nothing, takes nothing, and the seat is the next fan's at that same instant. The
/// sweeper may have marked the hold by then; that it need not have is shown by the tests of `domain::sale`.
#[tokio::test]
async fn a_hold_ends_after_five_minutes_to_the_millisecond() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let (ann, bob) = (joined(&server, &date, "ann").await, joined(&server, &date, "bob").await);
    ann.charge(10_000, "points").await;
    let held = ann.hold(&date.seats[0]).await["hold"].clone();
    let time = |at: &Value| at.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(time(&held["expiresAt"]) - time(&held["createdAt"]), secs(300));
    server.clock.set(time(&held["expiresAt"]) - ms(1));
    assert_eq!(code_of(&bob.hold(&date.seats[0]).await), Some("SEAT_TAKEN"));
    assert_eq!(date.look(&bob).await[0], "HELD");

    server.clock.advance(ms(1));
    assert_eq!(code_of(&ann.pay("too late").await), Some("HOLD_EXPIRED"));
    let input = json!({ "idempotencyKey": "too late", "holdIds": [held["id"]] });
    assert_eq!(code_of(&ann.act("pay", input, "payment { id }").await), Some("HOLD_EXPIRED"));
    assert_eq!((ann.balance().await, ann.tickets().await), (10_000, 0));
    assert_eq!(date.look(&bob).await[0], "AVAILABLE");
    let taken = bob.hold(&date.seats[0]).await["hold"].clone();
    assert_eq!(time(&taken["createdAt"]), time(&held["expiresAt"]));
    let query = format!("{{ hold(id: {}) {{ status }} }}", held["id"]);
    assert_eq!(ann.get("hold", &query).await["status"], "EXPIRED");
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// Rule 12: those who watch hear that the seat is free.
#[tokio::test]
async fn watchers_hear_of_a_lapsed_hold() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let ann = joined(&server, &date, "ann").await;
    let mut watch = ann.watch_seats(&date.series, None).await;
    watch.next().await.unwrap();
    ann.must_hold(&date.seats[0]).await;
    assert_eq!(watch.next().await.unwrap()["seats"][0]["status"], "HELD");
    server.clock.advance(secs(300));
    let news = watch.next().await.unwrap();
    assert_eq!(news["seats"], json!([{ "id": date.seats[0], "number": 1, "status": "AVAILABLE" }]));
    assert_eq!(news["availableCount"], 50);
}

/// Rule 13: who waits, or was admitted to another date, holds nothing.
#[tokio::test]
async fn only_an_admitted_token_of_the_series_holds_seats() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let other = organizer.date(Plan::default()).await;
    let _admitted = joined(&server, &date, "ann").await;
    let mut bob = server.fan("bob");
    bob.join(&date.series).await;
    let waits = bob.hold(&date.seats[0]).await;
    assert_eq!(code_of(&waits), Some("NOT_ADMITTED"));
    assert_eq!(waits["problem"]["position"], json!({ "status": "WAITING", "position": 1 }));
    let elsewhere = joined(&server, &other, "eve").await;
    assert_eq!(code_of(&elsewhere.hold(&date.seats[0]).await), Some("NOT_ADMITTED"));
    assert_eq!(code_of(&server.fan("nobody").hold(&date.seats[0]).await), Some("NOT_ADMITTED"));
    assert_eq!(date.look(&bob).await[0], "AVAILABLE");
}

/// Rule 13: the sales window, to the millisecond.
#[tokio::test]
async fn seats_are_held_within_the_sales_window_only() {
    let server = Server::start().await;
    let plan = Plan { opens: secs(60), closes: secs(120), ..Plan::policy(patient()) };
    let date = server.organizer().date(plan).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    server.advance(secs(60) - ms(1), &date.series).await;
    assert_eq!(code_of(&ann.hold(&date.seats[0]).await), Some("SALE_NOT_OPEN"));
    server.advance(ms(1), &date.series).await;
    let hold = ann.must_hold(&date.seats[0]).await;
    server.clock.advance(secs(60) - ms(1));
    ann.must_hold(&date.seats[1]).await;
    server.clock.advance(ms(1));
    assert_eq!(code_of(&ann.hold(&date.seats[2]).await), Some("SALE_CLOSED"));
    let query = format!("{{ hold(id: \"{hold}\") {{ status }} }}");
    assert_eq!(ann.get("hold", &query).await["status"], "ACTIVE");
}

/// Rule 13: live holds and reservations count together, per user and series.
#[tokio::test]
async fn a_fan_has_no_more_seats_than_the_limit() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::policy(json!({ "maxSeatsPerUser": 2 }))).await;
    let mut ann = server.fan("ann");
    ann.buy(&date, 0).await;
    ann.join(&date.series).await;
    let second = ann.must_hold(&date.seats[1]).await;
    assert_eq!(code_of(&ann.hold(&date.seats[2]).await), Some("SEAT_LIMIT_REACHED"));
    assert_eq!(ann.release(&second).await["hold"]["status"], "RELEASED");
    ann.must_hold(&date.seats[2]).await;
    // Another date counts for itself.
    let other = organizer.date(Plan::default()).await;
    joined(&server, &other, "ann").await.must_hold(&other.seats[0]).await;
}

/// Rule 14.
#[tokio::test]
async fn several_seats_are_held_all_or_none() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let (ann, bob) = (joined(&server, &date, "ann").await, joined(&server, &date, "bob").await);
    ann.must_hold(&date.seats[1]).await;
    let none = hold_all(&bob, &[&date.seats[0], &date.seats[1], &date.seats[2]]).await;
    assert_eq!(code_of(&none), Some("SEAT_TAKEN"));
    assert_eq!(none["problem"]["seats"], json!([{ "id": date.seats[1], "number": 2 }]));
    assert_eq!(date.look(&bob).await[..3], ["AVAILABLE", "HELD", "AVAILABLE"]);
    let all = hold_all(&bob, &[&date.seats[4], &date.seats[3]]).await;
    let numbers: Vec<_> =
        all["holds"].as_array().unwrap().iter().map(|h| h["seat"]["number"].clone()).collect();
    assert_eq!(numbers, [5, 4]);
}

/// Rule 14: side by side in one row as long as there is such a place, and not otherwise.
#[tokio::test]
async fn best_seats_are_side_by_side_in_one_row() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(2, 4, json!({}))).await;
    let (ann, bob) = (joined(&server, &date, "ann").await, joined(&server, &date, "bob").await);
    // Row 1: one seat in the middle is gone; three together are left in row 2 alone.
    ann.must_hold(&date.seats[1]).await;
    let best = json!({ "count": 3 });
    let held = bob.act("holdBestSeats", best.clone(), "holds { seat { row col } }").await;
    let seats: Vec<_> = held["holds"].as_array().unwrap().iter().map(|hold| hold["seat"].clone()).collect();
    assert!(seats.iter().all(|seat| seat["row"] == 2), "{seats:?}");
    let mut cols: Vec<_> = seats.iter().map(|seat| seat["col"].as_i64().unwrap()).collect();
    cols.sort_unstable();
    assert!(cols.windows(2).all(|pair| pair[1] == pair[0] + 1), "{cols:?}");
    // No three together are left.
    assert_eq!(code_of(&ann.act("holdBestSeats", best, "holds { id }").await), Some("SEAT_TAKEN"));
}
