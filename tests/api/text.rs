//! Rule 23: text that people read, and identifiers. The types themselves are tested in `domain::text`; here, that
//! everything that comes in goes through them, on every database alike.

use serde_json::{Value, json};

use test_support::{Options, Plan, Reply, Server, code_of, text};

/// Nothing of these may stand in text that people read.
const UNSEEN: [&str; 12] = [
    "\u{200b}",
    "\u{2800}",
    "\u{3164}",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200d}b",
    "a\u{ad}b",
    "a\nb",
    "a\0b",
    "\u{e000}",
    "a\u{e0041}b",
    "\u{301}a",
];

#[tokio::test]
async fn titles_and_names_are_kept_in_one_form_and_show_something() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let organizer = server.organizer();
    let create = "mutation($t: String!) { createConcert(input: { title: $t }) { id title } }";
    for (sent, kept) in [
        ("  Die A\u{308}rzte\u{3000}", "Die Ärzte"),
        ("👩\u{200d}🚀 می\u{200c}خواهم", "👩\u{200d}🚀 می\u{200c}خواهم"),
        (&*"\u{1112}\u{1161}\u{11ab}".repeat(200), &*"한".repeat(200)),
    ] {
        let made = organizer.fan.ask(create, json!({ "t": sent })).await.field("createConcert");
        assert_eq!(made["title"], kept);
        let query = format!("{{ concert(id: {}) {{ title }} }}", made["id"]);
        assert_eq!(server.stranger().get("concert", &query).await["title"], kept);
    }
    let before = server.count("concert").await;
    let date = organizer.date(Plan::default()).await;
    for bad in UNSEEN.into_iter().chain(["", "   ", &*"x".repeat(201)]) {
        let reply = organizer.fan.ask(create, json!({ "t": bad })).await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{bad:?}");
        assert_eq!(reply.inputs()[0].0, "input.title");
    }
    assert_eq!(server.count("concert").await, before + 1);
    for bad in UNSEEN {
        let reply = server
            .fan("ann")
            .try_act("issueToken", json!({ "seriesId": date.series, "name": bad }), "token")
            .await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{bad:?}");
        assert_eq!(reply.inputs()[0].0, "input.name");
    }
}

async fn create_house(server: &Server, concert: &str, names: &[&str]) -> Reply {
    let sections: Vec<_> =
        names.iter().map(|name| json!({ "name": name, "rows": 1, "cols": 4, "price": 100 })).collect();
    let input = json!({
        "concertId": concert, "startAt": "2036-01-01T00:00:00Z", "endAt": "2036-01-01T03:00:00Z",
        "reserveStartAt": "2020-01-01T00:00:00Z", "reserveEndAt": "2035-12-31T00:00:00Z", "sections": sections,
    });
    let query =
        "mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id seats { section } } }";
    server.organizer().fan.ask(query, json!({ "input": input })).await
}

#[tokio::test]
async fn two_sections_that_look_the_same_are_one_too_many() {
    let server = Server::start().await;
    let concert = server.organizer().concert("Sections").await;
    for again in [
        "Stalls",
        "Stalls ",
        " stalls",
        "STALLS",
        "Ｓｔａｌｌｓ",
        "Stаlls",
        "St\u{200b}alls",
        "Stalls\u{a0}",
        "Stalls\u{2003}",
    ] {
        let reply = create_house(&server, &concert, &["Balcony", "Stalls", again]).await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{again:?}");
        assert_eq!(reply.inputs().last().unwrap().0, "input.sections.2.name", "{}", reply.0);
    }
    let made = create_house(&server, &concert, &["Cafe\u{301} ", "Cafe", "O", "0", "1", "I"]).await;
    let seats = made.field("createSeries")["seats"].clone();
    assert_eq!((text(&seats[0]["section"]), text(&seats[4]["section"])), ("Café".into(), "Cafe".into()));
}

/// A fan may type it as it looks.
#[tokio::test]
async fn the_best_seats_of_a_section_are_found_by_how_its_name_looks() {
    let server = Server::start().await;
    let concert = server.organizer().concert("Sections").await;
    let made = create_house(&server, &concert, &["Stalls", "Café Ｂ"]).await.field("createSeries");
    let mut fan = server.fan("ann");
    fan.join(&text(&made["id"])).await;
    for name in ["Café Ｂ", " cafe\u{301} b "] {
        let input = json!({ "count": 1, "section": name });
        let held = fan.act("holdBestSeats", input, "holds { seat { section } }").await;
        assert_eq!(code_of(&held), None, "{held}");
        assert_eq!(held["holds"][0]["seat"]["section"], "Café Ｂ");
    }
    for (bad, why) in [
        ("Circle", "must be one of this date"),
        ("", "1 to 50"),
        ("a\0", "control"),
        ("\u{200b}", "invisible"),
    ] {
        let reply = fan.try_act("holdBestSeats", json!({ "count": 0, "section": bad }), "holds { id }").await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{bad:?}");
        let reply = fan.try_act("holdBestSeats", json!({ "count": 1, "section": bad }), "holds { id }").await;
        let (path, message) = reply.inputs().pop().unwrap();
        assert_eq!(path, "input.section");
        assert!(message.contains(why), "{message}");
    }
}

/// A user's id is whatever their provider says, and a key is whatever the caller says: byte for byte.
#[tokio::test]
async fn identifiers_are_never_changed() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let date = server.organizer().date(Plan::default()).await;
    let long = "표".repeat(255);
    for user in ["Ann", "ann", "a b|c@d=e", " ann", "ann ", "e\u{301}", "é", &*long] {
        let input = json!({ "seriesId": date.series, "userId": user });
        let joined = server.stranger().act("issueToken", input, "token").await;
        let fan = server.bearer(user, &text(&joined["token"]));
        for (n, key) in ["k", "K", "k ", "é", "e\u{301}", "\u{200b}"].into_iter().enumerate() {
            let charged = fan.charge(1, key).await;
            assert_eq!(charged["points"]["balance"], n + 1, "{user:?} {key:?}: {charged}");
            let again = fan.charge(1, key).await;
            assert_eq!(again["points"]["balance"], n + 1, "{user:?} {key:?}: {again}");
        }
        assert_eq!(fan.get("points", "{ points { userId } }").await["userId"], user);
    }
}

/// Keys that no database takes fail alone, before they come into a batch with the others'.
#[tokio::test]
async fn a_key_that_cannot_be_costs_nobody_else_anything() {
    let server = Server::start().await;
    let mut fan = server.fan("ann");
    let date = server.organizer().date(Plan::default()).await;
    fan.join(&date.series).await;
    let asked = server.services.database().statements();
    for input in [
        ("charge", json!({ "amount": 1, "idempotencyKey": "a\0" })),
        ("usePoints", json!({ "amount": 1, "idempotencyKey": "a\0" })),
        ("pay", json!({ "idempotencyKey": "a\0", "holdIds": ["x"] })),
        ("cancelReservation", json!({ "idempotencyKey": "\u{7f}", "reservationId": "x" })),
        ("holdBestSeats", json!({ "count": 1, "section": "a\0" })),
    ] {
        let reply = fan.try_act(input.0, input.1, "__typename").await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{}", reply.0);
        assert!(!reply.inputs().is_empty(), "{}", reply.0);
    }
    if server.config.redis.is_none() {
        assert_eq!(server.services.database().statements(), asked, "the database was asked");
    }
}

#[tokio::test]
async fn every_mistake_of_an_input_is_told_at_once() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let fan = server.fan("ann");
    let cases = [
        (
            "issueToken",
            json!({ "seriesId": "x", "userId": "", "name": "\0" }),
            &["seriesId", "userId", "name"][..],
        ),
        ("holdSeats", json!({ "seatIds": ["x", "y"] }), &["seatIds.0", "seatIds.1"]),
        ("holdSeats", json!({ "seatIds": vec!["x"; 101] }), &["seatIds"]),
        ("holdSeats", json!({ "seatIds": [] }), &["seatIds"]),
        ("holdSeats", json!({ "seatIds": [SOME, SOME, SOME] }), &["seatIds.1", "seatIds.2"]),
        ("holdBestSeats", json!({ "count": 101, "section": "" }), &["count", "section"]),
        (
            "charge",
            json!({ "amount": 1, "idempotencyKey": "", "userId": "a\n" }),
            &["idempotencyKey", "userId"],
        ),
        ("pay", json!({ "idempotencyKey": "", "holdIds": [SOME, "x"] }), &["holdIds.1", "idempotencyKey"]),
        (
            "cancelReservation",
            json!({ "idempotencyKey": "", "reservationId": "x" }),
            &["reservationId", "idempotencyKey"],
        ),
        ("releaseHold", json!({ "holdId": "x" }), &["holdId"]),
    ];
    for (mutation, input, wrong) in cases {
        let reply = fan.try_act(mutation, input, "__typename").await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{}", reply.0);
        let paths: Vec<_> = reply.inputs().into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            wrong.iter().map(|path| format!("input.{path}")).collect::<Vec<_>>(),
            "{}",
            reply.0
        );
    }
    let query = "mutation($input: UpdateQueuePolicyInput!) { updateQueuePolicy(input: $input) { id } }";
    let input = json!({ "seriesId": "x", "queuePolicy": { "maxActive": -1, "sessionSeconds": 0, "intervalSeconds": 60 } });
    let reply = fan.ask(query, json!({ "input": input })).await;
    let paths: Vec<_> = reply.inputs().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["input.seriesId", "input.queuePolicy.maxActive", "input.queuePolicy.sessionSeconds"]);
    let query =
        "{ reservations(userId: \"\", first: 0, last: 200, after: \"x\", before: \"y\") { nodes { id } } }";
    let reply = fan.ask(query, json!({})).await;
    let paths: Vec<_> = reply.inputs().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["userId", "first", "last", "last", "after", "before"]);
}

const SOME: &str = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";

/// As a test of a bound: nobody mends a hundred thousand mistakes, and an answer has to end.
#[tokio::test]
async fn of_very_many_mistakes_some_are_told() {
    let server = Server::start().await;
    let concert = server.organizer().concert("Sections").await;
    let names = vec!["\u{200b}"; 700];
    let reply = create_house(&server, &concert, &names).await;
    assert_eq!(reply.inputs().len(), 100);
    let message = text(&reply.0["errors"][0]["message"]);
    assert!(message.ends_with("and 690 more") && message.len() < 3_000, "{message}");
    assert_ne!(reply.0["data"], Value::from(1));
}
