//! Every error code and every problem code is reachable, and says what it should.

use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use test_support::{Fan, Plan, Server, code_of, secs, text};

const MISSING: &str = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";

async fn error(fan: &Fan, query: &str) -> Value {
    let reply = fan.ask(query, json!({})).await;
    reply.error();
    reply.0["errors"][0].clone()
}

fn code(error: &Value) -> &str {
    error["extensions"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn what_a_client_does_wrong_has_its_code() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let (ann, stranger) = (server.fan("ann"), server.stranger());
    assert_eq!(code(&error(&stranger, "{ holds { id } }").await), "UNAUTHENTICATED");
    let create = "mutation { createConcert(input: { title: \"Mine\" }) { id } }";
    assert_eq!(code(&error(&ann, create).await), "FORBIDDEN");
    for bad in [
        "{ concert(id: \"7\") { id } }",
        "{ concerts(first: 0) { nodes { id } } }",
        "{ concerts(first: 1, last: 1) { nodes { id } } }",
        "{ concerts(after: \"x\") { nodes { id } } }",
        "{ nonsense }",
        "{ concerts",
        "mutation { charge(input: { amount: 1, idempotencyKey: \"\" }) { problem { code } } }",
        "mutation { charge(input: { amount: 2147483648, idempotencyKey: \"k\" }) { problem { code } } }",
    ] {
        assert_eq!(code(&error(&ann, bad).await), "BAD_USER_INPUT", "{bad}");
    }
    let missing = format!("{{ seats(seriesId: \"{MISSING}\") {{ id }} }}");
    assert_eq!(code(&error(&ann, &missing).await), "NOT_FOUND");
    let missing = format!("{{ series(concertId: \"{MISSING}\") {{ id }} }}");
    assert_eq!(code(&error(&ann, &missing).await), "NOT_FOUND");
    let bare = organizer.concert("No date yet").await;
    let query = format!("{{ series(concertId: \"{bare}\") {{ id }} }}");
    assert_eq!(code(&error(&ann, &query).await), "SERIES_NOT_CREATED");
    let deep = "{ concerts(first: 100) { nodes { series { seats { series { seats { id } } } } } } }";
    assert_eq!(code(&error(&ann, deep).await), "QUERY_TOO_COMPLEX");
}

/// A database that is gone: safe to try again.
#[tokio::test]
async fn a_store_that_is_down_is_unavailable() {
    let server = Server::start().await;
    server.services.database().close().await.unwrap();
    let down = error(&server.stranger(), "{ concerts { nodes { id } } }").await;
    assert_eq!(code(&down), "UNAVAILABLE");
    assert!(down["extensions"]["retryAfterMs"].is_u64());
    let charge = "mutation { charge(input: { amount: 1, idempotencyKey: \"k\" }) { problem { code } } }";
    assert_eq!(code(&error(&server.fan("ann"), charge).await), "UNAVAILABLE");
}

/// What breaks inside is told by an id alone.
#[tokio::test]
async fn what_breaks_inside_shows_nothing_of_the_inside() {
    let server = Server::start().await;
    let db = server.services.database().reader();
    db.execute_unprepared("ALTER TABLE payment RENAME TO mislaid").await.unwrap();
    let broken = error(&server.fan("ann"), "{ payments { nodes { id } } }").await;
    assert_eq!(code(&broken), "INTERNAL");
    let told = broken.to_string();
    assert!(["payment\"", "table", "SELECT", "sql"].iter().all(|inside| !told.contains(inside)), "{told}");
    assert!(broken["extensions"]["requestId"].is_string(), "{told}");
}

#[tokio::test]
async fn the_problems_of_the_waiting_room_and_the_sale() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan { closes: secs(3_600), ..Plan::policy(json!({ "maxActive": 2 })) }).await;
    let later = organizer.date(Plan { opens: secs(7_200), ..Plan::default() }).await;
    let tiny = organizer.date(Plan::small(1, 1, json!({}))).await;

    let mut ann = server.fan("ann");
    assert_eq!(code_of(&ann.join(MISSING).await), Some("SERIES_NOT_FOUND"));
    let mut early = server.fan("early");
    early.join(&later.series).await;
    assert_eq!(code_of(&early.hold(&later.seats[0]).await), Some("SALE_NOT_OPEN"));

    ann.join(&date.series).await;
    assert_eq!(code_of(&ann.hold(MISSING).await), Some("SEAT_NOT_FOUND"));
    let mut bob = server.fan("bob");
    bob.join(&date.series).await;
    bob.must_hold(&date.seats[0]).await;
    let taken = ann.hold(&date.seats[0]).await;
    assert_eq!(code_of(&taken), Some("SEAT_TAKEN"));
    assert!(text(&taken["problem"]["message"]).contains("taken"));
    let mut cyd = server.fan("cyd");
    cyd.join(&date.series).await;
    assert_eq!(code_of(&cyd.hold(&date.seats[1]).await), Some("NOT_ADMITTED"));
    for seat in &date.seats[1..5] {
        ann.must_hold(seat).await;
    }
    assert_eq!(code_of(&ann.hold(&date.seats[5]).await), Some("SEAT_LIMIT_REACHED"));
    organizer.turn("pauseSale", &date.series).await;
    assert_eq!(code_of(&ann.hold(&date.seats[5]).await), Some("SALE_PAUSED"));
    organizer.turn("resumeSale", &date.series).await;
    ann.leave().await;
    assert_eq!(code_of(&ann.hold(&date.seats[5]).await), Some("TOKEN_EXPIRED"));

    server.fan("dan").buy(&tiny, 0).await;
    assert_eq!(code_of(&server.fan("eve").join(&tiny.series).await), Some("SOLD_OUT"));
    server.clock.advance(TimeDelta::hours(1));
    assert_eq!(code_of(&server.fan("eve").join(&date.series).await), Some("SALE_CLOSED"));
}

#[tokio::test]
async fn the_problems_of_holds_and_money() {
    let server = Server::start().await;
    let plan = Plan { begins: secs(1_000), closes: secs(1_000), ..Plan::default() };
    let date = server.organizer().date(plan).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    assert_eq!(code_of(&ann.release(MISSING).await), Some("HOLD_NOT_FOUND"));
    assert_eq!(code_of(&ann.pay("pay").await), Some("NOTHING_TO_PAY"));
    assert_eq!(code_of(&ann.charge(0, "zero").await), Some("AMOUNT_NOT_POSITIVE"));
    assert_eq!(code_of(&ann.use_points(1, "use").await), Some("INSUFFICIENT_POINTS"));
    ann.charge(1_000_000_000, "rich").await;
    assert_eq!(code_of(&ann.charge(1, "richer").await), Some("BALANCE_LIMIT_EXCEEDED"));
    assert_eq!(code_of(&ann.charge(1, "rich").await), Some("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(code_of(&ann.cancel(MISSING, "cancel").await), Some("RESERVATION_NOT_FOUND"));
    let lapsing = ann.must_hold(&date.seats[0]).await;
    server.clock.advance(secs(300));
    assert_eq!(code_of(&ann.pay("late").await), Some("HOLD_EXPIRED"));
    assert_eq!(code_of(&ann.release(&lapsing).await), Some("HOLD_EXPIRED"));
    server.settle(&date.series).await;
    ann.join(&date.series).await;
    ann.must_hold(&date.seats[0]).await;
    let paid = ann.pay("in time").await;
    server.clock.advance(secs(700));
    let ticket = text(&paid["reservations"][0]["id"]);
    assert_eq!(code_of(&ann.cancel(&ticket, "too late").await), Some("CANCELLATION_CLOSED"));
}
