//! Rule 22: what a document can come to is known before it runs; what is too much is refused, and nothing is done.

use serde_json::{Value, json};

use test_support::{Fan, Plan, Reply, Server, ms, text};

/// Of what a request asked for too much, how much it asked for, and how much is allowed.
#[track_caller]
fn limit(reply: &Reply) -> (String, u64, u64) {
    assert_eq!(reply.error(), "QUERY_TOO_COMPLEX", "{}", reply.0);
    assert_eq!(reply.0.get("data"), None, "nothing is executed");
    let limit = &reply.0["errors"][0]["extensions"]["limit"];
    let number = |name: &str| limit[name].as_u64().unwrap();
    let (asked, allowed) = (number("asked"), number("allowed"));
    assert!(asked > allowed, "{limit}");
    (text(&limit["of"]), asked, allowed)
}

async fn limit_of(fan: &Fan, query: &str) -> String {
    limit(&fan.ask(query, json!({})).await).0
}

#[tokio::test]
async fn a_house_of_100_000_seats_is_read_once_a_request_and_not_twice() {
    let server = Server::start().await;
    let (organizer, fan) = (server.organizer(), server.stranger());
    let small = organizer.date(Plan::default()).await;
    let concert = organizer.concert("Arena").await;
    let arena = organizer.series(&concert, Plan::small(100, 1_000, json!({}))).await;
    let all = format!("seats(seriesId: \"{}\")", arena.series);
    let scalars = "id number row col section price status reserved";
    let seats = fan.get("seats", &format!("{{ {all} {{ {scalars} }} }}")).await;
    assert_eq!(seats.as_array().unwrap().len(), 100_000);
    let last = json!({
        "id": arena.seats[99_999], "number": 100_000, "row": 100, "col": 1_000, "section": "Floor", "price": 10_000,
        "status": "AVAILABLE", "reserved": false,
    });
    assert_eq!(seats[99_999], last);

    let twice = format!("{{ a: {all} {{ id }} b: {all} {{ id }} }}");
    let (of, asked, allowed) = limit(&fan.ask(&twice, json!({})).await);
    assert_eq!((of.as_str(), asked, allowed), ("seats", 200_000, 110_000));
    let twenty: String = (0..20).map(|n| format!("a{n}: {all} {{ {scalars} }} ")).collect();
    assert_eq!(limit_of(&fan, &format!("{{ {twenty} }}")).await, "seats");
    let in_two_places =
        format!("{{ {all} {{ id }} concerts {{ nodes {{ series {{ seats {{ id }} }} }} }} }}");
    assert_eq!(limit_of(&fan, &in_two_places).await, "seats");
    let sibling = format!("{{ {all} {{ id }} other: seats(seriesId: \"{}\") {{ id }} }}", small.series);
    fan.ask(&sibling, json!({})).await.field("other");
    let long: String = (0..45).map(|n| format!("a{n}: section ")).collect();
    assert_eq!(limit_of(&fan, &format!("{{ {all} {{ {long} }} }}")).await, "bytes of an answer");

    let snapshot = "version snapshot seats { id number status }";
    let watch = |fields: &str| {
        format!("subscription {{ seatAvailability(seriesId: \"{}\") {{ {fields} }} }}", arena.series)
    };
    let first = fan.watch(&watch(snapshot), json!({})).await.next().await.unwrap();
    assert_eq!(first["seats"].as_array().unwrap().len(), 100_000);
    for refused in [49, 2] {
        let aliases: String = (0..refused).map(|n| format!("a{n}: seats {{ id number status }} ")).collect();
        let message = fan.watch(&watch(&aliases), json!({})).await.message().await;
        let code = &message["payload"][0]["extensions"]["code"];
        assert_eq!((&message["type"], code), (&json!("error"), &json!("QUERY_TOO_COMPLEX")), "{message}");
    }
    // What is small goes on as ever.
    assert_eq!(small.look(&fan).await.len(), 50);
}

#[tokio::test]
async fn seats_within_seats_and_circles_of_many_dates_are_refused() {
    let server = Server::start().await;
    let (organizer, fan) = (server.organizer(), server.stranger());
    let date = organizer.date(Plan::small(1, 2, json!({}))).await;
    let within = [
        "{ concerts(first: 1) { nodes { series { seats { series { seats { id } } } } } } }".to_owned(),
        format!(
            "{{ seats(seriesId: \"{}\") {{ series {{ concert {{ series {{ seats {{ id }} }} }} }} }} }}",
            date.series
        ),
    ];
    for query in &within {
        assert_eq!(limit_of(&fan, query).await, "seats within seats");
    }
    let circle = "{ concerts { nodes { series { id status concert { title series { id } } } } } }";
    fan.get("concerts", circle).await;
    for _ in 0..250 {
        organizer.fan.ask(&create(&date.concert, &server), json!({})).await.field("createSeries");
    }
    assert_eq!(limit_of(&fan, circle).await, "fields of all rows");
    let dates = fan
        .get("series", &format!("{{ series(concertId: \"{}\") {{ id concert {{ title }} }} }}", date.concert))
        .await;
    assert_eq!(dates.as_array().unwrap().len(), 251);
}

fn create(concert: &str, server: &Server) -> String {
    let at = |days| (server.now() + chrono::TimeDelta::days(days)).to_rfc3339();
    format!(
        "mutation {{ createSeries(input: {{ concertId: \"{concert}\", startAt: \"{}\", endAt: \"{}\", reserveStartAt: \"{}\", \
         reserveEndAt: \"{}\", sections: [{{ name: \"A\", rows: 1, cols: 1, price: 1 }}] }}) {{ id }} }}",
        at(7),
        at(8),
        at(0),
        at(7),
    )
}

/// What the executor would have answered, field by field.
#[tokio::test]
async fn a_list_of_seats_answers_as_each_seat_does() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::small(2, 3, json!({ "maxSeatsPerUser": 4 }))).await;
    let mut fan = server.fan("fan");
    fan.buy(&date, 1).await;
    let mut other = server.fan("other");
    other.join(&date.series).await;
    let hold = other.must_hold(&date.seats[4]).await;

    let query = "query ($id: ID!, $yes: Boolean!, $no: Boolean!) {
        seats(seriesId: $id) {
            ...Place number more: number @include(if: $no) __typename ...Never @skip(if: $yes)
            ... on Seat @include(if: $yes) { st: status reserved }
            series { id } series { concert { title } }
        }
      }
      fragment Place on Seat { row column: col ...Name }
      fragment Name on Seat { id section price }
      fragment Never on Seat { never: price }";
    let variables = json!({ "id": date.series, "yes": true, "no": false });
    let answer = fan.ask(query, variables).await;
    let expected: Vec<Value> = (0..6)
        .map(|n| {
            let status = ["AVAILABLE", "RESERVED", "AVAILABLE", "AVAILABLE", "HELD", "AVAILABLE"][n];
            json!({
                "row": n / 3 + 1, "column": n % 3 + 1, "id": date.seats[n], "section": "Floor", "price": 10_000,
                "number": n + 1, "__typename": "Seat", "st": status, "reserved": status != "AVAILABLE",
                "series": { "id": date.series, "concert": { "title": "Soundtracks" } },
            })
        })
        .collect();
    assert_eq!(answer.field("seats"), json!(expected));
    let one = other
        .get(
            "hold",
            &format!(
                "{{ hold(id: \"{hold}\") {{ seat {{ id number row col section price status reserved }} }} }}"
            ),
        )
        .await;
    let all = other
        .get(
            "seats",
            &format!(
                "{{ seats(seriesId: \"{}\") {{ id number row col section price status reserved }} }}",
                date.series
            ),
        )
        .await;
    assert_eq!(one["seat"], all[4]);
    let free = other
        .get(
            "seats",
            &format!("{{ seats(seriesId: \"{}\", availableOnly: true) {{ number }} }}", date.series),
        )
        .await;
    assert_eq!(free, json!([{ "number": 1 }, { "number": 3 }, { "number": 4 }, { "number": 6 }]));
}

/// Lists that were written before are sent again only while they are true, to the millisecond.
#[tokio::test]
async fn a_remembered_list_is_never_stale() {
    let server = Server::start().await;
    // Long enough to be remembered.
    let date = server.organizer().date(Plan::small(10, 50, json!({}))).await;
    let mut fan = server.fan("fan");
    fan.join(&date.series).await;
    // In other bytes each time: it is the list that is remembered, and not the answer.
    let asked = std::cell::Cell::new(0);
    let available = async || {
        asked.set(asked.get() + 1);
        let query = format!("query($id: ID!) {{ seats(seriesId: $id) {{ status }} }} # {}", asked.get());
        let seats = fan.ask(&query, json!({ "id": date.series })).await.field("seats");
        seats.as_array().unwrap().iter().filter(|seat| seat["status"] == "AVAILABLE").count()
    };
    assert_eq!((available().await, available().await), (500, 500));
    fan.must_hold(&date.seats[7]).await;
    assert_eq!((available().await, available().await), (499, 499));
    server.clock.advance(ms(299_999));
    assert_eq!(available().await, 499);
    server.clock.advance(ms(1));
    assert_eq!(available().await, 500);
}
