//! What changes an answer, one thing at a time; and that nothing else does.

use chrono::TimeDelta;
use serde_json::{Value, json};
use test_support::{Date, Plan, Server};

use super::{Question, is_remembered};

const DATES: &str = "{ concerts(first: 10) { nodes { title series { status availableCount drawSecret queuePolicy { maxActive } } } } }";

async fn server() -> (Server, Date) {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(2, 3, json!({ "maxActive": 100 }))).await;
    server.settle(&date.series).await;
    (server, date)
}

fn dates() -> Question {
    Question::new(DATES, json!({}))
}

fn seats(date: &Date) -> Question {
    Question::new("query ($id: ID!) { seats(seriesId: $id) { status } }", json!({ "id": date.series }))
}

fn at(answer: &Value, path: &str) -> Value {
    answer.pointer(path).cloned().unwrap_or_else(|| panic!("{path} in {answer}"))
}

#[tokio::test]
async fn what_nobody_has_changed_is_not_read_again_also_when_fans_join_and_charge() {
    let (server, date) = server().await;
    assert!(is_remembered(&server, &dates()).await);
    let before = server.services.database().statements();
    dates().ask(&server.stranger()).await;
    // With a token it is the same: what is public depends on nobody.
    dates().ask(&server.fan("ann")).await;
    assert_eq!(server.services.database().statements(), before);
    let mut fan = server.fan("bob");
    fan.join(&date.series).await;
    fan.charge(10_000, "charge").await;
    server.settle(&date.series).await;
    let before = server.services.database().statements();
    dates().ask(&server.stranger()).await;
    assert_eq!(server.services.database().statements(), before);
}

#[tokio::test]
async fn a_bad_token_is_refused_also_where_the_answer_is_remembered() {
    let (server, _) = server().await;
    assert!(is_remembered(&server, &dates()).await);
    let refused = dates().ask(&server.bearer("ann", "not.a.token")).await;
    assert_eq!(at(&refused, "/errors/0/extensions/code"), "UNAUTHENTICATED");
    // What has ended names nobody, and what is public needs nobody.
    assert!(dates().ask(&server.expired("ann")).await.get("errors").is_none());
}

#[tokio::test]
async fn a_hold_lapses_in_every_answer_at_its_millisecond() {
    let (server, date) = server().await;
    let mut fan = server.fan("ann");
    fan.join(&date.series).await;
    fan.must_hold(&date.seats[0]).await;
    let held_at = server.now();
    let anybody = server.stranger();
    for (left, status, free) in [(300_000, "HELD", 5), (1, "HELD", 5), (0, "AVAILABLE", 6)] {
        // The clock stands still but for this, and nobody is waited for.
        let until = TimeDelta::milliseconds(300_000 - left);
        server.clock.set(held_at + until);
        for _ in 0..3 {
            assert_eq!(
                at(&seats(&date).ask(&anybody).await, "/data/seats/0/status"),
                status,
                "{left} ms left"
            );
            let count = at(&dates().ask(&anybody).await, "/data/concerts/nodes/0/series/0/availableCount");
            assert_eq!(count, free, "{left} ms left");
        }
    }
}

#[tokio::test]
async fn a_sale_opens_and_closes_in_every_answer_at_its_millisecond() {
    let server = Server::start().await;
    let plan = Plan {
        opens: TimeDelta::seconds(10),
        closes: TimeDelta::seconds(20),
        ..Plan::small(1, 2, json!({}))
    };
    let start = server.now();
    let date = server.organizer().date(plan).await;
    let bookable = Question::new(
        "query ($id: ID!) { series(concertId: $id, bookableOnly: true) { status } }",
        json!({ "id": date.concert }),
    );
    let anybody = server.stranger();
    let whole =
        [(0, "UPCOMING"), (9_999, "UPCOMING"), (10_000, "ON_SALE"), (19_999, "ON_SALE"), (20_000, "CLOSED")];
    // On SQLite nothing is committed meanwhile, no draw and no close: it is time alone that changes the answers.
    let alone = server.services.database().begin().await.unwrap();
    for (ms, status) in whole {
        server.clock.set(start + TimeDelta::milliseconds(ms));
        for _ in 0..3 {
            let told = at(&dates().ask(&anybody).await, "/data/concerts/nodes/0/series/0/status");
            assert_eq!(told, status, "at {ms} ms");
            let listed = at(&bookable.ask(&anybody).await, "/data/series");
            assert_eq!(listed.as_array().unwrap().len(), usize::from(status == "ON_SALE"), "at {ms} ms");
        }
    }
    alone.rollback().await.unwrap();
}

/// Whether the last seat is gone is a matter of the sale, also for who asks for nothing else of the seats.
#[tokio::test]
async fn a_date_is_sold_out_and_on_sale_again_in_every_answer_at_once() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(1, 2, json!({}))).await;
    let status = Question::new(
        "query ($id: ID!) { series(concertId: $id) { status } }",
        json!({ "id": date.concert }),
    );
    let anybody = server.stranger();
    let told = async || at(&status.ask(&anybody).await, "/data/series/0/status");
    assert_eq!(told().await, "ON_SALE");
    let mut fan = server.fan("ann");
    fan.buy(&date, 0).await;
    assert_eq!(told().await, "ON_SALE");
    let paid = fan.buy(&date, 1).await;
    assert_eq!(told().await, "SOLD_OUT");
    let ticket = paid["reservations"][0]["id"].as_str().unwrap();
    fan.cancel(ticket, "cancel").await;
    assert_eq!(told().await, "ON_SALE");
}

#[tokio::test]
async fn a_new_date_is_in_the_list_of_its_concert_at_once() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(1, 2, json!({}))).await;
    let dates = Question::new(
        "query ($id: ID!) { series(concertId: $id) { startAt } }",
        json!({ "id": date.concert }),
    );
    let anybody = server.stranger();
    for count in 1..4 {
        assert_eq!(at(&dates.ask(&anybody).await, "/data/series").as_array().unwrap().len(), count);
        server.organizer().series(&date.concert, Plan::small(1, 2, json!({}))).await;
    }
}

#[tokio::test]
async fn a_pause_is_in_every_answer_at_once_by_whatever_way_the_date_was_found() {
    let (server, date) = server().await;
    let of = json!({ "id": date.series });
    let by_seats =
        Question::new("query ($id: ID!) { seats(seriesId: $id) { series { status } } }", of.clone());
    let by_id = Question::new("query ($id: ID!) { seriesById(id: $id) { status } }", of);
    let by_concert = Question::new("{ concerts { nodes { series { status } } } }", json!({}));
    let anybody = server.stranger();
    for (mutation, status) in [("resumeSale", "ON_SALE"), ("pauseSale", "PAUSED"), ("resumeSale", "ON_SALE")]
    {
        server.organizer().turn(mutation, &date.series).await;
        for (question, path) in [
            (&by_seats, "/data/seats/0/series/status"),
            (&by_id, "/data/seriesById/status"),
            (&by_concert, "/data/concerts/nodes/0/series/0/status"),
        ] {
            assert_eq!(at(&question.ask(&anybody).await, path), status, "{path}");
        }
    }
}
