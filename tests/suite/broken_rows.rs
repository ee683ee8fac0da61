//! Rule 24: a row that an older version, another program or a hand has spoilt never takes a list down with it.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::{Fan, Plan, Server, code_of, ms, secs, text, until};

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
    let tx = server.house.database().begin().await.unwrap();
    let done = tx.execute_unprepared(statement).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
    tx.commit().await.unwrap();
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
    let columns = ["start_at", "end_at", "reserve_start_at", "reserve_end_at", "created_at", "drawn_at"];
    let times = columns
        .iter()
        .flat_map(|column| bad_times(&server).iter().map(move |bad| format!("{column} = {bad}")));
    let dates = "{ concerts { nodes { series { id startAt reserveEndAt status availableCount queuePolicy { maxActive } } } } }";
    for set in times.chain(["draw_secret = 'no secret'".to_owned()]) {
        let broken = organizer.series(&fine.concert, Plan::small(1, 1, json!({}))).await;
        sql(&server, &format!("UPDATE series SET {set} WHERE id = {}", id(&server, &broken.series))).await;
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

/// The holds of others end, and their seats can be had.
#[tokio::test]
async fn a_hold_that_cannot_be_read_keeps_nobody_elses() {
    let server = Server::start().await;
    let house = server.organizer().date(Plan::default()).await;
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
        sql(&server, "UPDATE seat SET hold_id = NULL, held_until = NULL WHERE number = 1").await;
    }
}
