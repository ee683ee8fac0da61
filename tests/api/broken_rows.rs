//! Rule 24: a row that an older version, another program or a hand has spoilt never takes a list down with it.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use test_support::{Fan, Plan, Server, code_of, ms, secs, text, until};

/// Bad times, as SQL of the database writes them.
fn bad_times(server: &Server) -> &'static [&'static str] {
    if server.config.database_url.is_some() {
        &[
            "'infinity'",
            "'-infinity'",
            "'294276-12-31 00:00:00+00'",
            "'4713-01-01 00:00:00+00 BC'",
            "'10000-01-01 00:00:00+00'",
        ]
    } else {
        &[
            "'nonsense'",
            "''",
            "'+12345-01-01T00:00:00+00:00'",
            "'-0001-01-01T00:00:00+00:00'",
            "'2031-13-01T00:00:00+00:00'",
            "9e99",
            "9223372036854775807",
            "x'00ff'",
        ]
    }
}

async fn sql(server: &Server, statement: &str) {
    let tx = server.services.database().begin().await.unwrap();
    let done = tx.execute_unprepared(statement).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
    tx.commit().await.unwrap();
    server.was_changed();
}

/// How many there are in a list.
async fn count(by: &Fan, query: &str, list: &str) -> usize {
    let data = by.ask(query, json!({})).await.data().clone();
    let found = list.split('.').fold(&data, |value, name| &value[name]);
    found.as_array().unwrap_or_else(|| panic!("{list} of {data}")).len()
}

#[tokio::test]
async fn a_concert_that_cannot_be_read_is_left_out_and_pages_go_on_behind_it() {
    let server = Server::start().await;
    let organizer = server.organizer();
    for n in 0..6 {
        organizer.concert(&format!("Concert {n}")).await;
        server.clock.advance(ms(1));
    }
    let all = "{ concerts { nodes { id title createdAt } } }";
    assert_eq!(count(&server.stranger(), all, "concerts.nodes").await, 6);
    for bad in bad_times(&server) {
        sql(
            &server,
            &format!("UPDATE concert SET created_at = {bad} WHERE title IN ('Concert 3', 'Concert 2')"),
        )
        .await;
        assert_eq!(count(&server.stranger(), all, "concerts.nodes").await, 4, "{bad}");
        let (mut after, mut seen) = (Value::Null, Vec::new());
        for _ in 0..6 {
            let query = "query($after: String) { concerts(first: 3, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } } }";
            let page = server.stranger().ask(query, json!({ "after": after })).await.field("concerts");
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| text(&node["title"])));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, ["Concert 5", "Concert 4", "Concert 1", "Concert 0"], "{bad}");
        // Its organiser goes on making concerts.
        organizer.concert("Another").await;
        sql(&server, "DELETE FROM concert WHERE title = 'Another'").await;
    }
}

/// The concerts whose titles are those numbers, in pages of `size` from the newer or the older end.
async fn walk(by: &Fan, size: usize, from_end: bool) -> Vec<String> {
    let (count, cursor, way_on, next) = match from_end {
        true => ("last", "before", "hasPreviousPage", "startCursor"),
        false => ("first", "after", "hasNextPage", "endCursor"),
    };
    let query = format!(
        "query ($c: String) {{ concerts({count}: {size}, {cursor}: $c) {{ nodes {{ title }} pageInfo {{ {way_on} {next} }} }} }}"
    );
    let (mut at, mut seen) = (Value::Null, Vec::new());
    for _ in 0..10 {
        let page = by.ask(&query, json!({ "c": at })).await.field("concerts");
        let titles: Vec<_> =
            page["nodes"].as_array().unwrap().iter().map(|node| text(&node["title"])).collect();
        let is_last = page["pageInfo"][way_on] == false;
        assert!(is_last || titles.len() == size, "a page of {size} that is not full and has another: {page}");
        assert!(!titles.is_empty() || seen.is_empty(), "an empty page behind others: {page}");
        seen.extend(if from_end { titles.into_iter().rev().collect() } else { titles });
        if is_last {
            if from_end {
                seen.reverse();
            }
            return seen;
        }
        at = page["pageInfo"][next].clone();
    }
    panic!("no end: {seen:?}");
}

#[tokio::test]
async fn pages_go_on_behind_as_many_as_cannot_be_read() {
    let server = Server::start().await;
    let organizer = server.organizer();
    for n in 0..6 {
        organizer.concert(&n.to_string()).await;
    }
    let bad = bad_times(&server)[0];
    for broken in ["", "3", "5", "0", "54", "32", "10", "4321", "50", "543210", "531"] {
        for n in broken.chars() {
            sql(&server, &format!("UPDATE concert SET created_at = {bad} WHERE title = '{n}'")).await;
        }
        let left: Vec<_> = ('0'..='5').rev().filter(|n| !broken.contains(*n)).map(String::from).collect();
        for size in 1..=6 {
            for from_end in [false, true] {
                let seen = walk(&server.stranger(), size, from_end).await;
                assert_eq!(seen, left, "{broken} broken, pages of {size}, from the end: {from_end}");
            }
        }
        let good = "'2031-01-01 00:00:00+00:00'";
        sql(&server, &format!("UPDATE concert SET created_at = {good}")).await;
    }
}

/// The id of a row, as SQL of the database writes it.
fn id(server: &Server, id: &str) -> String {
    if server.config.database_url.is_some() {
        format!("'{id}'")
    } else {
        format!("x'{}'", id.replace('-', ""))
    }
}

#[tokio::test]
async fn a_date_that_cannot_be_read_is_left_out_and_the_others_are_sold() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let fine = organizer.date(Plan::default()).await;
    let other = organizer.date(Plan::default()).await;
    let columns = ["start_at", "end_at", "reserve_start_at", "reserve_end_at", "created_at"];
    let of_series = columns.map(|column| ("series", "id", column));
    let of_head = ["drawn_at", "last_at"].map(|column| ("sale_head", "series_id", column));
    let times = of_series.iter().chain(&of_head).flat_map(|(table, key, column)| {
        bad_times(&server).iter().map(move |bad| (*table, *key, format!("{column} = {bad}")))
    });
    let secret = ("series", "id", "draw_secret = 'no secret'".to_owned());
    let dates = "{ concerts { nodes { series { id startAt reserveEndAt status availableCount queuePolicy { maxActive } } } } }";
    for (table, key, set) in times.chain([secret]) {
        let broken = organizer.series(&fine.concert, Plan::small(1, 1, json!({}))).await;
        // Somebody stands there, and would have a place kept.
        server.fan("cat").join(&broken.series).await;
        sql(&server, &format!("UPDATE {table} SET {set} WHERE {key} = {}", id(&server, &broken.series)))
            .await;
        let nodes = server.stranger().ask(dates, json!({})).await.data()["concerts"]["nodes"].clone();
        let series = nodes.as_array().unwrap().iter().flat_map(|node| node["series"].as_array().unwrap());
        let ids: Vec<_> = series.map(|series| text(&series["id"])).collect();
        assert_eq!(ids, [other.series.clone(), fine.series.clone()], "{set}");
        let query = format!("{{ series(concertId: \"{}\") {{ id }} }}", fine.concert);
        assert_eq!(count(&server.stranger(), &query, "series").await, 1, "{set}");
    }
    let mut fan = server.fan("ann");
    assert_eq!(code_of(&fan.buy(&fine, 0).await), None);
    // And after a start, at which all of them are looked at.
    let server = server.restart().await;
    let mut fan = server.fan("bea");
    assert_eq!(code_of(&fan.buy(&fine, 1).await), None);
}

/// More than are looked at at once, so that those in front are all broken: nobody asks for the one behind them, and its
/// lobby is put in order all the same.
#[tokio::test]
async fn however_many_dates_cannot_be_opened_those_behind_them_are_served() {
    const BROKEN: usize = 300;
    let server = Server::start().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Broken").await;
    let broken = Plan { opens: secs(60), ..Plan::small(1, 1, json!({})) };
    for _ in 0..BROKEN {
        organizer.series(&concert, broken.clone()).await;
    }
    organizer.date(Plan { opens: secs(90), ..broken }).await;
    let [set, of] = ["UPDATE series SET draw_secret = 'no secret'", "concert_id"];
    sql(&server, &format!("{set} WHERE {of} = {}", id(&server, &concert))).await;
    let server = server.restart().await;
    server.clock.advance(secs(90));
    let drawn = async || server.count("sale_head WHERE drawn_at IS NOT NULL").await;
    until("the last one is drawn", async || drawn().await == 1).await;
}

#[tokio::test]
async fn what_a_fan_has_is_shown_without_what_cannot_be_read() {
    let server = Server::start().await;
    let organizer = server.organizer();
    for _ in 0..3 {
        let house = organizer.date(Plan::default()).await;
        server.fan("ann").buy(&house, 0).await;
    }
    let house = organizer.date(Plan::default()).await;
    let mut fan = server.fan("ann");
    fan.join(&house.series).await;
    fan.must_hold(&house.seats[0]).await;
    fan.must_hold(&house.seats[1]).await;
    let lists = [
        (
            "reservation",
            "created_at",
            "{ reservations { nodes { id createdAt status seat { number } payment { id } } } }",
            "reservations.nodes",
            3,
        ),
        (
            "payment",
            "created_at",
            "{ payments { nodes { id amount createdAt reservations { id } } } }",
            "payments.nodes",
            3,
        ),
        (
            "point_history",
            "created_at",
            "{ points { history { nodes { id createdAt payment { id } } } } }",
            "points.history.nodes",
            6,
        ),
        ("hold", "expires_at", "{ holds { id expiresAt status seat { number } } }", "holds", 2),
    ];
    for (table, column, query, list, all) in lists {
        assert_eq!(count(&fan, query, list).await, all, "{table}");
        for bad in bad_times(&server) {
            let live = if table == "hold" { "WHERE status = 'ACTIVE'" } else { "" };
            let first = format!("(SELECT min(CAST(id AS TEXT)) FROM {table} {live})");
            sql(&server, &format!("UPDATE {table} SET {column} = {bad} WHERE CAST(id AS TEXT) = {first}"))
                .await;
            assert_eq!(count(&fan, query, list).await, all - 1, "{table} {bad}");
        }
    }
}

/// What must be there of a ticket or a hold, and cannot be read: that ticket is left out.
#[tokio::test]
async fn a_ticket_of_a_broken_date_does_not_take_the_others_with_it() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let mut houses = Vec::new();
    for n in 0..3 {
        let concert = organizer.concert(&format!("Concert {n}")).await;
        let house = organizer.series(&concert, Plan::default()).await;
        server.fan("ann").buy(&house, 0).await;
        houses.push(house);
    }
    let ann = server.fan("ann");
    let tickets = "{ reservations { nodes { id payment { id } seat { number series { startAt concert { title } } } } } }";
    let edges = "fragment Parts on Reservation { seat { series { id concert { id } } } } \
         query { reservations { edges { node { ...Parts payment { amount } } } } }";
    let inner =
        "{ payments { nodes { reservations { payment { id } seat { series { concert { id } } } } } } }";
    for (table, column) in [("concert", "created_at"), ("series", "start_at"), ("payment", "created_at")] {
        let fresh = houses[0].clone();
        let row = match table {
            "concert" => format!("id = {}", id(&server, &fresh.concert)),
            "series" => format!("id = {}", id(&server, &fresh.series)),
            _ => format!("series_id = {}", id(&server, &fresh.series)),
        };
        let before = "2026-01-01T00:00:00+00:00";
        for bad in bad_times(&server) {
            sql(&server, &format!("UPDATE {table} SET {column} = {bad} WHERE {row}")).await;
            assert_eq!(count(&ann, tickets, "reservations.nodes").await, 2, "{table} {bad}");
            assert_eq!(count(&ann, edges, "reservations.edges").await, 2, "{table} {bad}");
            let all = count(&ann, inner, "payments.nodes").await;
            assert_eq!(all, if table == "payment" { 2 } else { 3 }, "{table} {bad}");
        }
        sql(&server, &format!("UPDATE {table} SET {column} = '{before}' WHERE {row}")).await;
        assert_eq!(count(&ann, tickets, "reservations.nodes").await, 3, "{table}");
    }
    let mut bea = server.fan("bea");
    for house in &houses[..2] {
        bea = server.fan("bea");
        bea.join(&house.series).await;
        bea.must_hold(&house.seats[1]).await;
    }
    let bad = bad_times(&server)[0];
    sql(
        &server,
        &format!("UPDATE series SET start_at = {bad} WHERE id = {}", id(&server, &houses[0].series)),
    )
    .await;
    let held = "{ holds { id seat { series { startAt } } } }";
    assert_eq!(count(&bea, held, "holds").await, 1);
    assert_eq!(count(&bea, "{ holds { id } }", "holds").await, 2);
}

/// The holds of others end, and their seats can be had.
#[tokio::test]
async fn a_hold_that_cannot_be_read_keeps_nobody_elses() {
    let server = Server::start().await;
    // Long enough that no room ends them.
    let patient = json!({ "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400 });
    let house = server.organizer().date(Plan::policy(patient)).await;
    let (mut ann, mut bea) = (server.fan("ann"), server.fan("bea"));
    for bad in bad_times(&server) {
        ann.join(&house.series).await;
        bea.join(&house.series).await;
        ann.must_hold(&house.seats[0]).await;
        bea.must_hold(&house.seats[1]).await;
        sql(&server, &format!("UPDATE hold SET expires_at = {bad} WHERE user_id = 'ann'")).await;
        server.clock.advance(secs(300));
        until("her hold is marked as over", async || {
            server.count("hold WHERE user_id = 'bea' AND status = 'EXPIRED'").await == 1
        })
        .await;
        assert_eq!(house.look(&server.stranger()).await[1], "AVAILABLE");
        sql(&server, "DELETE FROM hold").await;
    }
}

/// The hold of a seat cannot be read after a start: the others are shown and sold.
#[tokio::test]
async fn a_seat_whose_hold_cannot_be_read_is_nobodys_and_the_others_are_sold() {
    let mut server = Server::start().await;
    for bad in bad_times(&server) {
        let house = server.organizer().date(Plan::small(1, 5, json!({ "maxActive": 10 }))).await;
        let mut cat = server.fan("cat");
        cat.join(&house.series).await;
        cat.must_hold(&house.seats[1]).await;
        sql(&server, &format!("UPDATE hold SET expires_at = {bad} WHERE status = 'ACTIVE'")).await;
        server = server.restart().await;
        assert_eq!(house.look(&server.stranger()).await[1], "HELD", "{bad}");
        let mut fan = server.fan("ann");
        assert_eq!(code_of(&fan.buy(&house, 2).await), None, "{bad}");
        // Nobody can know whose it is.
        let mut bea = server.fan("bea");
        bea.join(&house.series).await;
        let reply = bea.try_act("holdSeat", json!({ "seatId": house.seats[1] }), "hold { id }").await;
        assert!(reply.0["data"]["holdSeat"]["hold"].is_null(), "{bad}: {}", reply.0);
        bea.must_hold(&house.seats[3]).await;
        sql(&server, "DELETE FROM hold").await;
    }
}

/// One place of a waiting room cannot be read: the others keep theirs over a restart.
#[tokio::test]
async fn a_place_that_cannot_be_read_takes_no_others_from_them() {
    let mut server = Server::start().await;
    for bad in bad_times(&server) {
        let house = server.organizer().date(Plan::policy(json!({ "maxActive": 2 }))).await;
        let fans = server.crowd(4, &house.series).await;
        let statuses = ["ADMITTED", "ADMITTED", "WAITING", "WAITING"];
        for (fan, status) in fans.iter().zip(statuses) {
            until("they are let in", async || fan.status().await == status).await;
        }
        let one = "user_id = 'fan-0'";
        sql(&server, &format!("UPDATE token SET session_ends_at = {bad}, admitted_at = {bad} WHERE {one}"))
            .await;
        server = server.restart().await;
        let fans: Vec<_> = fans.iter().map(|fan| server.same(fan)).collect();
        assert_eq!(fans[1].status().await, "ADMITTED", "{bad}");
        assert_ne!(fans[2].status().await, "EXPIRED", "{bad}");
        sql(&server, "DELETE FROM token").await;
    }
}

/// A date that cannot be read keeps the holds of no other date from ending.
#[tokio::test]
async fn the_holds_of_a_date_that_cannot_be_read_are_in_nobodys_way() {
    let server = Server::start().await;
    let (mut ann, mut bea) = (server.fan("ann"), server.fan("bea"));
    // Long enough that no room ends them.
    let patient = Plan::policy(json!({ "heartbeatTimeoutSeconds": 3_600, "sessionSeconds": 3_600 }));
    let broken = server.organizer().date(patient.clone()).await;
    // So that it is the first one in every order.
    server.clock.advance(ms(1));
    let fine = server.organizer().date(patient).await;
    ann.join(&broken.series).await;
    ann.must_hold(&broken.seats[0]).await;
    bea.join(&fine.series).await;
    bea.must_hold(&fine.seats[0]).await;
    let bad = bad_times(&server)[0];
    sql(&server, &format!("UPDATE series SET end_at = {bad} WHERE id = {}", id(&server, &broken.series)))
        .await;
    server.clock.advance(secs(300));
    until("her hold is marked as over", async || {
        server.count("hold WHERE user_id = 'bea' AND status = 'EXPIRED'").await == 1
    })
    .await;
}
