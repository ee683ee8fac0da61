//! Drawing a seat map: the sections, a letter a seat, the version that both are of, and the news from there on.

use chrono::TimeDelta;
use serde_json::{Value, json};

use test_support::{Fan, Organizer, Plan, Server, Watch, code_of, int, text};

/// All that a front end draws a map from.
const MAP: &str = "query($id: ID!) { seriesById(id: $id) {
    layout { name rows cols price firstNumber availableCount } seatStates seatsVersion
    seats { number section row col price status }
} }";

const NEWS: &str =
    "subscription($id: ID!, $since: Int) { seatAvailability(seriesId: $id, sinceVersion: $since) {
    since version snapshot states seats(onlyChanged: true) { number status } availableCount
} }";

fn patient() -> Value {
    json!({ "maxSeatsPerUser": 100, "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400 })
}

/// A date with these sections; its id.
async fn date(organizer: &Organizer, server: &Server, sections: &[(&str, i32, i32, i32)]) -> String {
    let at = |days| (server.now() + TimeDelta::days(days)).to_rfc3339();
    let section = |(name, rows, cols, price): &(&str, i32, i32, i32)| json!({ "name": name, "rows": rows, "cols": cols, "price": price });
    let input = json!({
        "concertId": organizer.concert("Soundtracks").await,
        "startAt": at(7), "endAt": at(8), "reserveStartAt": at(0), "reserveEndAt": at(7),
        "sections": sections.iter().map(section).collect::<Vec<_>>(),
        "queuePolicy": patient(),
    });
    let query = "mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id } }";
    text(&organizer.fan.ask(query, json!({ "input": input })).await.field("createSeries")["id"])
}

async fn map(fan: &Fan, series: &str) -> Value {
    fan.ask(MAP, json!({ "id": series })).await.field("seriesById")
}

/// Each seat, as its section and its letter say it.
fn drawn(map: &Value) -> Vec<Value> {
    let letters: Vec<char> = map["seatStates"].as_str().unwrap().chars().collect();
    let status = |number: i64| match letters[number as usize - 1] {
        'A' => "AVAILABLE",
        'H' => "HELD",
        'R' => "RESERVED",
        other => panic!("{other} is no state"),
    };
    let mut seats = Vec::new();
    for section in map["layout"].as_array().unwrap() {
        for row in 1..=int(&section["rows"]) {
            for col in 1..=int(&section["cols"]) {
                let number = int(&section["firstNumber"]) + (row - 1) * int(&section["cols"]) + col - 1;
                seats.push(json!({
                    "number": number, "section": section["name"], "row": row, "col": col,
                    "price": section["price"], "status": status(number),
                }));
            }
        }
    }
    assert_eq!(seats.len(), letters.len());
    seats
}

#[tokio::test]
async fn sections_and_letters_say_what_the_seats_say() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let sections = [("Floor", 3, 7, 900), ("Box", 1, 1, 5_000), ("\"Rang\" ü", 2, 4, 70)];
    let series = date(&organizer, &server, &sections).await;
    let mut ann = server.fan("ann");
    ann.join(&series).await;
    ann.charge(100_000, "points").await;
    ann.act("holdSeats", json!({ "numbers": [22, 3] }), "holds { id }").await;
    ann.pay("tickets").await;
    let mut bob = server.fan("bob");
    bob.join(&series).await;
    bob.act("holdSeats", json!({ "numbers": [30, 1] }), "holds { id }").await;

    let map = map(&server.stranger(), &series).await;
    assert_eq!(map["seatStates"], "HARAAAAAAAAAAAAAAAAAARAAAAAAAH");
    assert_eq!(Value::from(drawn(&map)), map["seats"]);
    let layout = json!([
        { "name": "Floor", "rows": 3, "cols": 7, "price": 900, "firstNumber": 1, "availableCount": 19 },
        { "name": "Box", "rows": 1, "cols": 1, "price": 5_000, "firstNumber": 22, "availableCount": 0 },
        { "name": "\"Rang\" ü", "rows": 2, "cols": 4, "price": 70, "firstNumber": 23, "availableCount": 7 },
    ]);
    assert_eq!(map["layout"], layout);
    // What is asked for of a section, by whatever name, is what comes.
    let query = "query($id: ID!, $no: Boolean = false) { seriesById(id: $id) {
        layout { __typename price free: availableCount ...Place name @include(if: $no) }
      } } fragment Place on Section { cols firstNumber }";
    let of_it = server.stranger().ask(query, json!({ "id": series })).await.field("seriesById");
    let box_only =
        json!({ "__typename": "Section", "price": 5_000, "free": 0, "cols": 1, "firstNumber": 22 });
    assert_eq!(of_it["layout"][1], box_only);
    assert_eq!(of_it["layout"][1].to_string(), box_only.to_string(), "in that order");
    let nobody = json!({ "id": "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f" });
    assert_eq!(server.stranger().ask(query, nobody).await.field("seriesById"), Value::Null);
}

/// Whatever is committed while a request is answered: everything that it is told of the seats of a date is of one version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_told_of_one_version_of_the_seats() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    let flicker = {
        let (ann, seat) = (ann.clone(), date.seats[0].clone());
        tokio::spawn(async move {
            for _ in 0..100 {
                let hold = ann.must_hold(&seat).await;
                ann.release(&hold).await;
            }
        })
    };
    // The root is answered before the date is looked up, which takes a while.
    let query = "query($id: ID!) {
        seats(seriesId: $id) { status }
        seriesById(id: $id) { seatsVersion seatStates layout { availableCount } seats(availableOnly: true) { number } }
        again: seriesById(id: $id) { concert { series { seatsVersion seatStates } } }
      }";
    let mut versions = Vec::new();
    while !flicker.is_finished() {
        let reply = server.stranger().ask(query, json!({ "id": date.series })).await;
        let (data, date) = (reply.data(), reply.field("seriesById"));
        let version = int(&date["seatsVersion"]);
        let expected =
            if date["seatStates"].as_str().unwrap().starts_with('H') { "HELD" } else { "AVAILABLE" };
        let free = if expected == "HELD" { 49 } else { 50 };
        assert_eq!(data["seats"][0]["status"], expected, "version {version}");
        assert_eq!(date["layout"][0]["availableCount"], free);
        assert_eq!(date["seats"].as_array().unwrap().len(), free);
        let again = &data["again"]["concert"]["series"][0];
        assert_eq!(
            (&again["seatsVersion"], &again["seatStates"]),
            (&date["seatsVersion"], &date["seatStates"])
        );
        versions.push(version);
    }
    flicker.await.unwrap();
    versions.dedup();
    assert!(versions.len() > 10, "nothing was committed meanwhile: {versions:?}");
}

/// Rule 20: from the version of a map on nothing is missed, and nothing is told twice.
#[tokio::test]
async fn news_begin_where_the_map_ends() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    let before = map(&server.stranger(), &date.series).await;
    let known = int(&before["seatsVersion"]);
    ann.act("holdSeats", json!({ "numbers": [1] }), "holds { id }").await;

    let watch = async |since: Option<i64>| {
        let variables = json!({ "id": date.series, "since": since });
        Watch::open(server.address, None, NEWS, variables).await
    };
    let mut back = watch(Some(known)).await;
    let first = back.next().await.unwrap();
    let one = |since: i64, number: i64, status: &str, free: i64| {
        json!({
            "since": since, "version": since + 1, "snapshot": false, "states": null,
            "seats": [{ "number": number, "status": status }], "availableCount": free,
        })
    };
    assert_eq!(first, one(known, 1, "HELD", 49));
    let hold = ann.must_hold(&date.seats[1]).await;
    assert_eq!(back.next().await.unwrap(), one(known + 1, 2, "HELD", 48));
    ann.release(&hold).await;
    assert_eq!(back.next().await.unwrap(), one(known + 2, 2, "AVAILABLE", 49));

    // A snapshot says it in letters, and with `onlyChanged` in nothing else.
    let snapshot = watch(None).await.next().await.unwrap();
    let states = "H".to_owned() + &"A".repeat(49);
    let whole = json!({
        "since": 0, "version": known + 3, "snapshot": true, "states": states, "seats": [], "availableCount": 49,
    });
    assert_eq!(snapshot, whole);
    // Who has a version that is none of ours is told of everything.
    assert_eq!(watch(Some(known + 1_000)).await.next().await.unwrap(), whole);
    // Who missed several is told of all of them at once.
    let several = watch(Some(known + 1)).await.next().await.unwrap();
    assert_eq!((&several["since"], &several["version"]), (&json!(known + 1), &json!(known + 3)));
    assert_eq!(several["seats"], json!([{ "number": 2, "status": "AVAILABLE" }]));
    // Seats in news are seats: what is asked for of them is there.
    let query = "subscription($id: ID!) { seatAvailability(seriesId: $id, sinceVersion: 0) {
        seats { __typename id label series { id concert { title } } }
      } }";
    let mut watch = Watch::open(server.address, None, query, json!({ "id": date.series })).await;
    let seat = watch.next().await.unwrap()["seats"][0].take();
    assert_eq!(
        seat,
        json!({
            "__typename": "Seat", "id": date.seats[0], "label": "Standard, row 1, seat 1",
            "series": { "id": date.series, "concert": { "title": "Soundtracks" } },
        })
    );
}

/// Rule 13 holds for seats by their numbers as for seats by their ids.
#[tokio::test]
async fn seats_are_held_by_their_numbers() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let (date, other) =
        (organizer.date(Plan::policy(patient())).await, organizer.date(Plan::policy(patient())).await);
    let identity = server.fan("ann");
    let mut ann = identity.clone();
    ann.join(&date.series).await;
    let select = "holds { seat { number } }";
    let held = |numbers: &[i32]| {
        let seats: Vec<_> = numbers.iter().map(|number| json!({ "seat": { "number": number } })).collect();
        json!({ "holds": seats, "problem": null })
    };
    let hold = async |fan: &Fan, input: Value| fan.act("holdSeats", input, select).await;

    assert_eq!(hold(&ann, json!({ "numbers": [7, 5] })).await, held(&[7, 5]));
    assert_eq!(hold(&ann, json!({ "numbers": [1], "seriesId": date.series })).await, held(&[1]));
    assert_eq!(hold(&ann, json!({ "numbers": [2], "seatIds": null })).await, held(&[2]));
    // With an identity token it has to be said of which date they are; the live place there counts.
    assert_eq!(hold(&identity, json!({ "numbers": [3], "seriesId": date.series })).await, held(&[3]));
    let refused = identity.try_act("holdSeats", json!({ "numbers": [3] }), select).await;
    assert_eq!(refused.error(), "BAD_USER_INPUT");
    assert_eq!(refused.inputs()[0].0, "input.seriesId");

    let code = async |fan: &Fan, input: Value| code_of(&hold(fan, input).await).map(str::to_owned);
    let with = |numbers: &[i32], series: &str| json!({ "numbers": numbers, "seriesId": series });
    assert_eq!(code(&ann, with(&[9], &other.series)).await.as_deref(), Some("NOT_ADMITTED"));
    assert_eq!(code(&identity, with(&[9], &other.series)).await.as_deref(), Some("NOT_ADMITTED"));
    assert_eq!(code(&ann, with(&[9, 51], &date.series)).await.as_deref(), Some("SEAT_NOT_FOUND"));
    let nowhere = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";
    assert_eq!(code(&identity, with(&[9], nowhere)).await.as_deref(), Some("SERIES_NOT_FOUND"));
    let mut bob = server.fan("bob");
    bob.join(&date.series).await;
    let taken = hold(&bob, json!({ "numbers": [8, 7] })).await;
    let seat = json!([{ "id": date.seats[6], "number": 7 }]);
    assert_eq!((code_of(&taken), &taken["problem"]["seats"]), (Some("SEAT_TAKEN"), &seat));
    assert_eq!(date.look(&bob).await[7], "AVAILABLE", "all or nothing (rule 14)");
}

/// Everything that is wrong with it is told at once, each in its place.
#[tokio::test]
async fn what_is_wrong_with_the_seats_that_are_wanted_is_told_in_its_place() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(patient())).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    let wrong = async |input: Value| {
        let reply = ann.try_act("holdSeats", input, "holds { id }").await;
        assert_eq!(reply.error(), "BAD_USER_INPUT", "{}", reply.0);
        reply.inputs().into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    let seat = &date.seats[0];
    assert_eq!(wrong(json!({})).await, ["input"]);
    assert_eq!(wrong(json!({ "seatIds": null, "seriesId": date.series })).await, ["input"]);
    assert_eq!(wrong(json!({ "seatIds": [seat], "numbers": [1] })).await, ["input.numbers"]);
    assert_eq!(wrong(json!({ "seatIds": [seat], "seriesId": date.series })).await, ["input.seriesId"]);
    assert_eq!(wrong(json!({ "numbers": [] })).await, ["input.numbers"]);
    assert_eq!(wrong(json!({ "numbers": vec![1; 101] })).await, ["input.numbers"]);
    assert_eq!(wrong(json!({ "numbers": [4, 5, 4, 5] })).await, ["input.numbers.2", "input.numbers.3"]);
    let all = json!({ "numbers": [1, 0, -1, 100_001], "seriesId": "here" });
    let places = ["input.seriesId", "input.numbers.1", "input.numbers.2", "input.numbers.3"];
    assert_eq!(wrong(all).await, places);
    assert_eq!(
        wrong(json!({ "seatIds": ["x", seat], "numbers": [0], "seriesId": "y" })).await,
        ["input.seriesId", "input.seatIds.0", "input.numbers.0", "input.seriesId", "input.numbers"]
    );
    assert_eq!(date.look(&ann).await.iter().filter(|status| *status != "AVAILABLE").count(), 0);
}

/// The question and the stream of the pages.
const PAGE: &str = include_str!("../../../web/src/shared/seatmap/operations.graphql");

/// The answer to the page's question: its bytes as they are sent, in that encoding.
async fn sent(server: &Server, series: &str, encoding: &str) -> Vec<u8> {
    let body = json!({ "query": PAGE, "operationName": "SeatMap", "variables": { "seriesId": series } });
    let answer = reqwest::Client::new()
        .post(format!("http://{}/graphql", server.address))
        .header("content-type", "application/json")
        .header("accept-encoding", encoding)
        .body(body.to_string());
    let answer = answer.send().await.unwrap();
    let encoded = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(encoded.as_deref(), (encoding == "gzip").then_some("gzip"));
    answer.bytes().await.unwrap().to_vec()
}

/// An arena of 5,000 seats, of which every third is held or sold without any order: what a page needs before it draws.
#[tokio::test]
async fn an_arena_is_drawn_from_few_bytes() {
    let server = Server::start().await;
    let tiers = ["Floor", "Lower West", "Lower East", "Upper West", "Upper East"];
    let sections = tiers.map(|name| (name, 20, 50, 90));
    let series = date(&server.organizer(), &server, &sections).await;
    let mut random = 20_261_126_u32;
    let mut taken = std::collections::BTreeSet::new();
    for n in 0..17 {
        let mut fan = server.fan(&format!("fan-{n}"));
        fan.join(&series).await;
        let before = taken.len();
        let mut wanted = Vec::new();
        while taken.len() < before + 100 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (random >> 8) % 5_000 + 1;
            if taken.insert(number) {
                wanted.push(number);
            }
        }
        let held = fan.act("holdSeats", json!({ "numbers": wanted }), "holds { id }").await;
        assert_eq!(held["holds"].as_array().unwrap().len(), 100);
        if n % 2 == 0 {
            fan.charge(9_000, "points").await;
            fan.pay("tickets").await;
        }
    }
    let plain: Value = serde_json::from_slice(&sent(&server, &series, "identity").await).unwrap();
    let map = &plain["data"]["seriesById"];
    let letters = map["seatStates"].as_str().unwrap();
    let count = |letter: char| letters.chars().filter(|found| *found == letter).count();
    assert_eq!((letters.len(), count('H'), count('R')), (5_000, 800, 900));

    let mut watch = Watch::ready(server.address).await;
    let variables = json!({ "seriesId": series, "sinceVersion": map["seatsVersion"] });
    let payload = json!({ "query": PAGE, "operationName": "SeatAvailability", "variables": variables });
    watch.ask(payload).await;
    let frame = watch.message().await;
    assert_eq!(frame["payload"]["data"]["seatAvailability"]["seats"], json!([]));
    let bytes = sent(&server, &series, "gzip").await.len() + frame.to_string().len();
    assert!(bytes <= 4 << 10, "{bytes} bytes");
}

#[tokio::test]
async fn the_largest_house_is_drawn_from_little_more_than_a_byte_a_seat() {
    let server = Server::start().await;
    let names: Vec<_> = (1..=40).map(|n| format!("Section {n}")).collect();
    let sections: Vec<_> = names.iter().map(|name| (name.as_str(), 50, 50, 500)).collect();
    let series = date(&server.organizer(), &server, &sections).await;
    let plain = sent(&server, &series, "identity").await;
    let begins = String::from_utf8_lossy(&plain[..plain.len().min(500)]);
    assert!((100_000..=110_000).contains(&plain.len()), "{} bytes: {begins}", plain.len());
    // A watcher who has missed everything is told as much.
    let query =
        json!({ "query": PAGE, "operationName": "SeatAvailability", "variables": { "seriesId": series } });
    let mut watch = Watch::ready(server.address).await;
    watch.ask(query).await;
    let snapshot = watch.message().await;
    assert_eq!(snapshot["payload"]["data"]["seatAvailability"]["snapshot"], true);
    assert!(snapshot.to_string().len() <= 110_000);
}

/// What is printed on a ticket, in the language of whoever asks.
#[tokio::test]
async fn a_seat_has_a_label_in_the_language_of_whoever_asks() {
    let server = Server::start().await;
    // So many that the list of them is remembered.
    let series = date(&server.organizer(), &server, &[("Floor", 20, 10, 10), ("\"B\"", 1, 1, 10)]).await;
    let query =
        "query($id: ID!) { seats(seriesId: $id) { label } seriesById(id: $id) { seats { where: label } } }";
    let labels = async |accept: Option<&str>| {
        let mut asked = reqwest::Client::new()
            .post(format!("http://{}/graphql", server.address))
            .header("content-type", "application/json")
            .body(json!({ "query": query, "variables": { "id": series } }).to_string());
        if let Some(accept) = accept {
            asked = asked.header("accept-language", accept);
        }
        let answer = asked.send().await.unwrap();
        let vary: Vec<_> =
            answer.headers().get_all("vary").iter().map(|vary| vary.to_str().unwrap()).collect();
        assert!(vary.join(", ").contains("accept-language"), "{vary:?}");
        let data = answer.json::<Value>().await.unwrap()["data"].take();
        let (last, in_its_date) =
            (text(&data["seats"][200]["label"]), text(&data["seriesById"]["seats"][200]["where"]));
        assert_eq!(last, in_its_date);
        (text(&data["seats"][12]["label"]), last)
    };
    let (english, korean) = (
        ("Floor, row 2, seat 3".to_owned(), "\"B\", row 1, seat 1".to_owned()),
        ("Floor 2열 3번".to_owned(), "\"B\" 1열 1번".to_owned()),
    );
    assert_eq!(labels(None).await, english);
    assert_eq!(labels(Some("ko-KR,ko;q=0.9,en-US;q=0.8")).await, korean);
    assert_eq!(labels(Some("en, ko;q=0.9")).await, english, "not what was remembered for another language");
    assert_eq!(labels(Some("ko")).await, korean);

    let over_a_socket = async |payload: Value, label: &str| {
        let mut watch = Watch::ready_with(server.address, payload).await;
        let query = "subscription($id: ID!) { seatAvailability(seriesId: $id) { seats { label } } }";
        watch.subscribe(query, json!({ "id": series })).await;
        assert_eq!(watch.next().await.unwrap()["seats"][12]["label"], label);
    };
    over_a_socket(json!({ "acceptLanguage": "ko" }), "Floor 2열 3번").await;
    over_a_socket(json!({ "acceptLanguage": 7 }), "Floor, row 2, seat 3").await;
    over_a_socket(Value::Null, "Floor, row 2, seat 3").await;
    // One seat by itself, which no list was made of.
    let mut ann = server.fan("ann");
    ann.join(&series).await;
    let held = ann.act("holdSeats", json!({ "numbers": [11] }), "holds { seat { label } }").await;
    assert_eq!(held["holds"][0]["seat"]["label"], "Floor, row 2, seat 1");
}
