//! Every text that a caller can send is bounded where it comes in: what is too long, or has a character that a database
//! does not take, is BAD_USER_INPUT that names the input, on every database alike.

use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{InputValueDefinition, TypeKind, TypeSystemDefinition},
};
use frontrow::domain::identity::Role;
use serde_json::{Value, json};

use test_support::{Date, Options, Plan, Server, text};

const ID: &str = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";

/// Every text input of the schema by its coordinate, and a document that sends `$x` there, with the input's type.
const INPUTS: &str = r#"
Query.concerts(after)              String!  { concerts(after: $x) { nodes { id } } }
Query.concerts(before)             String!  { concerts(before: $x) { nodes { id } } }
Query.concerts(search)             String!  { concerts(search: $x) { nodes { id } } }
Query.concert(id)                  ID!      { concert(id: $x) { id } }
Query.series(concertId)            ID!      { series(concertId: $x) { id } }
Query.seriesById(id)               ID!      { seriesById(id: $x) { id } }
Query.seats(seriesId)              ID!      { seats(seriesId: $x) { id } }
Query.points(userId)               ID!      { points(userId: $x) { balance } }
Points.history(after)              String!  { points { history(after: $x) { nodes { id } } } }
Points.history(before)             String!  { points { history(before: $x) { nodes { id } } } }
Query.reservations(userId)         ID!      { reservations(userId: $x) { nodes { id } } }
Query.reservations(after)          String!  { reservations(after: $x) { nodes { id } } }
Query.reservations(before)         String!  { reservations(before: $x) { nodes { id } } }
Query.reservation(id)              ID!      { reservation(id: $x) { id } }
Query.payments(userId)             ID!      { payments(userId: $x) { nodes { id } } }
Query.payments(after)              String!  { payments(after: $x) { nodes { id } } }
Query.payments(before)             String!  { payments(before: $x) { nodes { id } } }
Query.payment(id)                  ID!      { payment(id: $x) { id } }
Query.hold(id)                     ID!      { hold(id: $x) { id } }
Query.token(id)                    ID!      { token(id: $x) { id } }
Query.queuePosition(tokenId)       ID!      { queuePosition(tokenId: $x) { status } }
Query.saleStats(seriesId)          ID!      { saleStats(seriesId: $x) { waiting } }
Mutation.heartbeat(tokenId)        ID!      { heartbeat(tokenId: $x) { status } }
Mutation.leaveQueue(tokenId)       ID!      { leaveQueue(tokenId: $x) { status } }
Mutation.pauseSale(seriesId)       ID!      { pauseSale(seriesId: $x) { id } }
Mutation.resumeSale(seriesId)      ID!      { resumeSale(seriesId: $x) { id } }
IssueTokenInput.seriesId           ID!      { issueToken(input: { seriesId: $x, userId: "u" }) { tokenId } }
IssueTokenInput.userId             String!  { issueToken(input: { seriesId: "SERIES", userId: $x }) { tokenId } }
IssueTokenInput.name               String!  { issueToken(input: { seriesId: "SERIES", userId: "u", name: $x }) { tokenId } }
HoldSeatInput.seatId               ID!      { holdSeat(input: { seatId: $x }) { hold { id } } }
HoldSeatsInput.seatIds             ID!      { holdSeats(input: { seatIds: ["ID", $x] }) { holds { id } } }
HoldSeatsInput.seriesId            ID!      { holdSeats(input: { seriesId: $x, numbers: [1] }) { holds { id } } }
HoldBestSeatsInput.section         String!  { holdBestSeats(input: { count: 1, section: $x }) { holds { id } } }
ReleaseHoldInput.holdId            ID!      { releaseHold(input: { holdId: $x }) { hold { id } } }
ChargeInput.idempotencyKey         String!  { charge(input: { amount: 1, idempotencyKey: $x }) { points { balance } } }
ChargeInput.userId                 ID!      { charge(input: { amount: 1, idempotencyKey: "k", userId: $x }) { points { balance } } }
UsePointsInput.idempotencyKey      String!  { usePoints(input: { amount: 1, idempotencyKey: $x }) { points { balance } } }
PayInput.holdIds                   ID!      { pay(input: { holdIds: [$x], idempotencyKey: "k" }) { payment { id } } }
PayInput.idempotencyKey            String!  { pay(input: { idempotencyKey: $x }) { payment { id } } }
CancelReservationInput.reservationId ID!    { cancelReservation(input: { reservationId: $x, idempotencyKey: "k" }) { points { balance } } }
CancelReservationInput.idempotencyKey String! { cancelReservation(input: { reservationId: "ID", idempotencyKey: $x }) { points { balance } } }
CreateConcertInput.title           String!  { createConcert(input: { title: $x }) { id } }
CreateSeriesInput.concertId        ID!      { createSeries(input: { concertId: $x, TIMES }) { id } }
SectionInput.name                  String!  { createSeries(input: { concertId: "CONCERT", TIMES, sections: [{ name: $x, rows: 1, cols: 1, price: 1 }] }) { id } }
UpdateQueuePolicyInput.seriesId    ID!      { updateQueuePolicy(input: { seriesId: $x, queuePolicy: {} }) { id } }
Subscription.queuePosition(tokenId) ID!     { queuePosition(tokenId: $x) { status } }
Subscription.seatAvailability(seriesId) ID! { seatAvailability(seriesId: $x) { version } }
Subscription.saleStats(seriesId)   ID!      { saleStats(seriesId: $x) { waiting } }
Subscription.seriesChanged(ids)    ID!      { seriesChanged(ids: [$x]) { id } }
"#;

/// Coordinate, type and selection of each line.
fn inputs() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = INPUTS.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (head, selection) = line.split_once('{').unwrap();
            let mut words = head.split_whitespace();
            (words.next().unwrap(), words.next().unwrap(), &line[line.len() - selection.len() - 1..])
        })
        .collect()
}

fn document(coordinate: &str, ty: &str, selection: &str, date: &Date) -> String {
    let mutates = coordinate.starts_with("Mutation") || coordinate.contains("Input");
    let kind = match coordinate.split_once('.').unwrap().0 {
        "Subscription" => "subscription",
        _ if mutates => "mutation",
        _ => "query",
    };
    let times = r#"startAt: "2031-01-01T00:00:00Z", endAt: "2031-01-01T03:00:00Z",
         reserveStartAt: "2030-12-01T00:00:00Z", reserveEndAt: "2030-12-31T00:00:00Z""#;
    let selection = selection.replace("CONCERT", &date.concert).replace("SERIES", &date.series);
    format!("{kind}($x: {ty}) {}", selection.replace("TIMES", times).replace("\"ID\"", &format!("\"{ID}\"")))
}

/// The coordinates of all inputs of the schema that are texts.
fn texts_of_the_schema() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |coordinate: String, value: &InputValueDefinition| {
        let ty = value.ty.node.to_string();
        if ["String", "ID"].contains(&ty.trim_matches(['[', ']', '!'])) {
            found.insert(coordinate);
        }
    };
    for definition in parse_schema(frontrow::graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let owner = &definition.node.name.node;
        match &definition.node.kind {
            TypeKind::Object(object) => {
                for field in &object.fields {
                    for argument in &field.node.arguments {
                        let (field, argument) = (&field.node, &argument.node);
                        add(format!("{owner}.{}({})", field.name.node, argument.name.node), argument);
                    }
                }
            }
            TypeKind::InputObject(input) => {
                for field in &input.fields {
                    add(format!("{owner}.{}", field.node.name.node), &field.node);
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_text_input_of_the_schema_is_looked_at() {
    let known: BTreeSet<_> = inputs().into_iter().map(|(coordinate, ..)| coordinate.to_owned()).collect();
    assert_eq!(known, texts_of_the_schema(), "give each text input a line in `INPUTS`");
}

#[tokio::test]
async fn a_text_that_is_too_long_or_unprintable_is_refused_by_name() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let date = server.organizer().date(Plan::default()).await;
    // May do everything, so that nothing but the text is in the way; with a place, so that there is one to take.
    let mut fan = server.fan("fan");
    fan.join(&date.series).await;
    let root = server.with_roles("root", &[Role::Admin]);
    for (coordinate, ty, selection) in inputs() {
        let query = document(coordinate, ty, selection, &date);
        let input = coordinate.rsplit(['.', '(']).next().unwrap().trim_end_matches(')');
        let name = if coordinate == "SectionInput.name" { "sections[0].name" } else { input };
        let by = if coordinate.starts_with("HoldBest") { &fan } else { &root };
        for bad in
            ["x".repeat(257), "x".repeat(50_000), "표".repeat(50_000), "a\0b".into(), "%_\\\u{7}".into()]
        {
            let shown: String = bad.chars().take(5).collect();
            let variables = json!({ "x": bad });
            let (code, message) = if query.starts_with("subscription") {
                by.watch(&query, variables).await.refusal_in_words().await
            } else {
                let reply = by.ask(&query, variables).await;
                (reply.error().to_owned(), text(&reply.0["errors"][0]["message"]))
            };
            assert_eq!(code, "BAD_USER_INPUT", "{coordinate} {shown}: {message}");
            assert!(message.contains(name), "{coordinate} {shown}: {message}");
            assert!(message.len() < 300, "{coordinate}: the input is shown again: {message}");
        }
    }
}

/// Rule of the search: 200 characters, whatever they are, and the database is not asked for more.
#[tokio::test]
async fn a_search_has_two_hundred_characters() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let long = "표".repeat(200);
    organizer.concert(&long).await;
    organizer.concert("100% \\ _").await;
    let found = async |search: String| {
        let query = "query($s: String) { concerts(search: $s) { nodes { title } } }";
        server.stranger().ask(query, json!({ "s": search })).await
    };
    let titles = async |search: &str| {
        let nodes = found(search.to_owned()).await.field("concerts")["nodes"].clone();
        nodes.as_array().unwrap().iter().map(|node| text(&node["title"])).collect::<Vec<_>>()
    };
    assert_eq!(titles(&long).await, [long.as_str()]);
    assert_eq!(titles(&format!("  {long}\t ")).await, [long.as_str()]);
    assert_eq!(titles("% \\ _").await, ["100% \\ _"]);
    assert_eq!(titles(&"%".repeat(200)).await, Vec::<String>::new());
    let asked = server.services.database().statements();
    for search in [format!("{long}a"), "a".repeat(201), "\\%_".repeat(20_000), "a b ".repeat(12_500)] {
        assert_eq!(found(search).await.error(), "BAD_USER_INPUT");
    }
    if server.config.redis.is_none() {
        assert_eq!(server.services.database().statements(), asked);
    }
}

/// Lists of ids are counted before any of them is looked at.
#[tokio::test]
async fn a_list_of_ids_is_bounded() {
    let server = Server::start().await;
    let fan = server.fan("fan");
    let nonsense = |n: usize| vec![Value::from("no id"); n];
    for (name, input) in [
        ("holdSeats", json!({ "seatIds": nonsense(3_000) })),
        ("holdSeats", json!({ "seatIds": vec![ID; 101] })),
        ("pay", json!({ "holdIds": nonsense(101), "idempotencyKey": "k" })),
    ] {
        let reply = fan.try_act(name, input, "__typename").await;
        assert_eq!(reply.error(), "BAD_USER_INPUT");
        assert!(text(&reply.0["errors"][0]["message"]).contains("at most 100"), "{}", reply.0);
    }
    let reply = fan.try_act("holdSeats", json!({ "seatIds": [ID, "no id"] }), "__typename").await;
    assert!(
        text(&reply.0["errors"][0]["message"]).starts_with("input.seatIds[1] must be a UUID"),
        "{}",
        reply.0
    );
}

/// What no text of GraphQL is, or no database takes, or is larger than anything: refused by name, or with the request, and
/// never a fault of ours.
#[tokio::test]
async fn nothing_that_stands_in_a_text_is_a_fault_of_ours() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let date = server.organizer().date(Plan::default()).await;
    let mut fan = server.fan("fan");
    fan.join(&date.series).await;
    let root = server.with_roles("root", &[Role::Admin]);
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    let controls = (0..0x20).chain([0x7f, 0x80, 0x85, 0x9f]).map(|c| format!("\"a\\u{c:04x}b\""));
    let odd = [
        r#""\ud800""#,
        r#""\udc00x""#,
        r#""\ud800\u0000""#,
        r#""\u0000""#,
        "\"\u{1}\"",
        &large,
        "1",
        "1.5",
        "true",
        "{}",
        "[]",
    ];
    let bad: Vec<String> = controls.chain(odd.map(str::to_owned)).collect();
    for (coordinate, ty, selection) in inputs() {
        let query = document(coordinate, ty, selection, &date);
        if query.starts_with("subscription") {
            continue;
        }
        let by = if coordinate.starts_with("HoldBest") { &fan } else { &root };
        for bad in &bad {
            let body = format!(r#"{{"query":{},"variables":{{"x":{bad}}}}}"#, json!(query));
            let reply = by.post(body).await;
            let shown: String = bad.chars().take(20).collect();
            let code = reply.0["errors"][0]["extensions"]["code"].as_str();
            // An ID may be written as a number; and a title, say, may be one.
            let fine = bad == "1" && ty == "ID!";
            assert!(
                code == Some("BAD_USER_INPUT") || fine && code != Some("INTERNAL"),
                "{coordinate} {shown}: {}",
                reply.0
            );
        }
    }
}
