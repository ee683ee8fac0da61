//! Rule 24: times that come in, what they come back as, and that none of them breaks anything.

use serde_json::{Value, json};

use test_support::{Fan, Options, Server, code_of, text};

const WHEN: &str = "startAt endAt reserveStartAt reserveEndAt createdAt";

fn date(concert: &str, start: &str, end: &str, opens: &str, closes: &str) -> Value {
    json!({
        "concertId": concert, "startAt": start, "endAt": end, "reserveStartAt": opens, "reserveEndAt": closes,
    })
}

async fn create(by: &Fan, input: Value) -> test_support::Reply {
    let query =
        format!("mutation($input: CreateSeriesInput!) {{ createSeries(input: $input) {{ id {WHEN} }} }}");
    by.ask(&query, json!({ "input": input })).await
}

#[tokio::test]
async fn times_come_back_as_a_browser_writes_them() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Times").await;
    let input = date(
        &concert,
        "2031-05-01T19:30:00+09:00",
        "2031-05-01t22:30:00.98765432101z",
        "0000-01-01T00:00:00Z",
        "2031-04-30T23:59:59.999-00:00",
    );
    let made = create(&organizer.fan, input).await.field("createSeries");
    let query = format!("query($id: ID!) {{ series(concertId: $id) {{ {WHEN} }} }}");
    let read = server.stranger().ask(&query, json!({ "id": concert })).await.field("series")[0].clone();
    for series in [&made, &read] {
        assert_eq!(series["startAt"], "2031-05-01T10:30:00.000Z");
        assert_eq!(series["endAt"], "2031-05-01T22:30:00.987Z");
        assert_eq!(series["reserveStartAt"], "0000-01-01T00:00:00.000Z");
        assert_eq!(series["reserveEndAt"], "2031-04-30T23:59:59.999Z");
        assert_eq!(text(&series["createdAt"]).len(), 24);
    }
}

#[tokio::test]
async fn what_is_no_time_creates_nothing_wherever_it_stands() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Times").await;
    let fine = date(
        &concert,
        "2031-05-01T19:30:00Z",
        "2031-05-01T22:30:00Z",
        "2031-04-01T00:00:00Z",
        "2031-04-30T00:00:00Z",
    );
    for bad in [
        json!("+12345-01-01T00:00:00Z"),
        json!("+262142-12-31T00:00:00Z"),
        json!("-0001-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59-01:00"),
        json!("0000-01-01T00:00:00+01:00"),
        json!("2031-05-01T12:00:60Z"),
        json!("2031-05-01T12:00:00"),
        json!("2031-05-01 12:00:00Z"),
        json!(" 2031-05-01T12:00:00Z"),
        json!("2031-02-29T12:00:00Z"),
        json!("2031-05-01T24:00:00Z"),
        json!("2031-05-01"),
        json!("infinity"),
        json!(""),
        json!(1_900_000_000),
        json!(true),
        json!({}),
    ] {
        for field in ["startAt", "endAt", "reserveStartAt", "reserveEndAt"] {
            let mut input = fine.clone();
            input[field] = bad.clone();
            let reply = create(&organizer.fan, input).await;
            assert_eq!(reply.error(), "BAD_USER_INPUT", "{field} {bad}: {}", reply.0);
        }
    }
    assert_eq!(server.count("series").await, 0);
    create(&organizer.fan, fine).await.field("createSeries");
}

/// A date whose sale ends with the calendar: everything that is counted from its times goes on working.
#[tokio::test]
async fn the_longest_sale_there_can_be_is_a_sale() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let organizer = server.organizer();
    let concert = organizer.concert("For ever").await;
    let (first, last) = ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z");
    let made = create(&organizer.fan, date(&concert, first, last, first, last)).await.field("createSeries");
    let series = text(&made["id"]);
    let mut fan = server.fan("ann");
    let joined = fan.join(&series).await;
    assert_eq!(joined["position"]["status"], "ADMITTED", "{joined}");
    let seats = "query($id: ID!) { seats(seriesId: $id) { id } }";
    let seats = server.stranger().ask(seats, json!({ "id": series })).await.field("seats");
    let hold = fan.hold(&text(&seats[0]["id"])).await;
    assert_eq!(code_of(&hold), None, "{hold}");
    fan.charge(10_000, "charge").await;
    assert_eq!(code_of(&fan.pay("pay").await), None);
    assert_eq!(fan.tickets().await, 1);

    // One that has yet to open when the calendar ends.
    let later = "9999-12-31T23:59:59.998Z";
    let made = create(&organizer.fan, date(&concert, later, last, later, last)).await.field("createSeries");
    let mut early = server.fan("bea");
    let joined = early.join(&text(&made["id"])).await;
    assert_eq!(joined["position"]["status"], "WAITING", "{joined}");
    assert_eq!(early.heartbeat().await["position"], Value::Null);
}

#[tokio::test]
async fn times_in_the_wrong_order_are_told_together_with_what_else_is_wrong() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Times").await;
    let mut input = date(
        &concert,
        "2031-05-01T22:30:00Z",
        "2031-05-01T19:30:00Z",
        "2031-06-02T00:00:00Z",
        "2031-06-01T00:00:00Z",
    );
    input["sections"] = json!([
        { "name": "\u{200b}", "rows": 0, "cols": 1, "price": 1 },
        { "name": "Stalls", "rows": 1, "cols": 1, "price": 0 },
        { "name": "stalls\u{a0}", "rows": 1, "cols": 1, "price": 1 },
    ]);
    input["queuePolicy"] = json!({ "maxActive": 0, "intervalSeconds": 4_000 });
    let reply = create(&organizer.fan, input).await;
    assert_eq!(reply.error(), "BAD_USER_INPUT");
    let paths: Vec<_> = reply.inputs().into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "input.endAt",
            "input.reserveEndAt",
            "input.reserveEndAt",
            "input.sections.0.name",
            "input.sections.0.rows",
            "input.sections.1.price",
            "input.sections.2.name",
            "input.queuePolicy.maxActive",
            "input.queuePolicy.intervalSeconds",
        ],
        "{}",
        reply.0
    );
}
