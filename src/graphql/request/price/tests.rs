use std::sync::{Arc, LazyLock};

use async_graphql::parser::types::DocumentOperations;
use async_graphql::{Request, Variables};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::id::{ConcertId, SeriesId};
use crate::graphql;
use crate::graphql::request::Intake;
use crate::service::census::Largest;

const LARGE: SeriesId = SeriesId(Uuid::from_u128(1));
const SMALL: SeriesId = SeriesId(Uuid::from_u128(2));
const TOUR: ConcertId = ConcertId(Uuid::from_u128(3));

fn shape() -> Shape {
    Shape::parse(&graphql::sdl()).unwrap()
}

/// A tour of 500 dates of 50 seats, a concert with one date of 100,000, and one with one of 50.
fn mixed() -> Catalogue {
    Catalogue {
        largest: Arc::new(Largest::new(&[500, 1, 1], &[100_000, 25_000, 50], 100_000)),
        concerts: [(TOUR, Size { dates: 500, seats: 25_000 })].into(),
        dates: [(LARGE, 100_000), (SMALL, 50)].into(),
    }
}

/// A concert with three dates of 50 seats.
fn small() -> Catalogue {
    Catalogue { largest: Arc::new(Largest::new(&[3], &[150], 50)), ..mixed() }
}

fn priced(catalogue: &Catalogue, query: &str, variables: serde_json::Value) -> Result<Price, OverLimit> {
    static INTAKE: LazyLock<Intake> = LazyLock::new(graphql::intake);
    let request = Request::new(query).variables(Variables::from_json(variables));
    let mut prepared = INTAKE.prepare(request).expect(query);
    let document = prepared.request.parsed_query().unwrap();
    let DocumentOperations::Single(operation) = &document.operations else { unreachable!() };
    let of = Priced {
        fragments: &document.fragments,
        operation: &operation.node,
        shape: INTAKE.shape(),
        catalogue,
    };
    check(of)?;
    price(of)
}

#[track_caller]
fn refused(query: &str) -> &'static str {
    priced(&mixed(), query, json!({})).expect_err(query).of
}

#[track_caller]
fn seats(query: &str) -> usize {
    priced(&mixed(), query, json!({})).expect(query).seats
}

/// The fields of a list of all of a large date's seats.
fn all(fields: &str) -> String {
    format!("seats(seriesId: \"{LARGE}\") {{ {fields} }}")
}

const SCALARS: &str = "__typename id number row col section price status reserved";

#[test]
fn one_house_of_the_largest_size_is_allowed_and_a_second_one_is_not() {
    assert_eq!(seats(&format!("{{ {} }}", all(SCALARS))), 100_000);
    assert_eq!(refused(&format!("{{ a: {} b: {} }}", all("id"), all("id"))), "seats");
    let twenty: String = (0..20).map(|n| format!("a{n}: {}", all("id"))).collect();
    assert_eq!(refused(&format!("{{ {twenty} }}")), "seats");
    let hidden = format!(
        "{{ ...A ...B }} fragment A on Query {{ a: {0} }} fragment B on Query {{ ... {{ b: {0} }} }}",
        all("id")
    );
    assert_eq!(refused(&hidden), "seats");
}

#[test]
fn one_snapshot_an_answer_of_a_subscription_is_allowed_and_a_second_one_is_not() {
    let watch = |seats: &str| {
        format!("subscription {{ seatAvailability(seriesId: \"{LARGE}\") {{ version {seats} }} }}")
    };
    assert_eq!(seats(&watch("seats { id number status }")), 100_000);
    assert_eq!(refused(&watch("seats { id } again: seats { id }")), "seats");
    let aliases: String = (0..49).map(|n| format!("a{n}: seats {{ id }}")).collect();
    assert_eq!(refused(&watch(&aliases)), "seats");
}

#[test]
fn seats_within_seats_are_refused_whatever_stands_between() {
    for catalogue in [mixed(), small()] {
        for query in [
            "{concerts(first:1){nodes{series{seats{series{seats{id}}}}}}}".to_owned(),
            format!("{{ seats(seriesId: \"{SMALL}\") {{ series {{ seats {{ id }} }} }} }}"),
            format!(
                "{{ seats(seriesId: \"{SMALL}\") {{ series {{ concert {{ series {{ seats {{ id }} }} }} }} }} }}"
            ),
            format!(
                "{{ seats(seriesId: \"{SMALL}\") {{ ...A }} }} fragment A on Seat {{ series {{ ... on Series {{ seats {{ id }} }} }} }}"
            ),
        ] {
            assert_eq!(priced(&catalogue, &query, json!({})).expect_err(&query).of, "seats within seats");
        }
    }
}

/// A map of a large date that is asked for by its id.
fn map_of(date: SeriesId, fields: &str) -> String {
    format!("seriesById(id: \"{date}\") {{ {fields} }}")
}

#[test]
fn the_map_of_one_house_of_the_largest_size_is_allowed_beside_its_seats() {
    let map = "layout { name rows cols price firstNumber availableCount } seatStates seatsVersion";
    let query = format!("{{ {} }}", map_of(LARGE, &format!("{map} seats {{ number status }}")));
    let price = priced(&mixed(), &query, json!({})).unwrap();
    assert_eq!((price.seats, price.mapped), (100_000, 100_000));
    let price = priced(&mixed(), &format!("{{ {} }}", map_of(SMALL, map)), json!({})).unwrap();
    assert_eq!((price.seats, price.mapped), (0, 50));
    // Two of them are two dates in memory.
    let twice = format!("{{ a: {0} b: {0} }}", map_of(LARGE, "seatsVersion"));
    assert_eq!(refused(&twice), MAPPED);
    assert_eq!(refused("{ concerts(first: 100) { nodes { series { seatStates } } } }"), MAPPED);
    let one = "{ concerts(first: 1) { nodes { series { seatStates } } } }";
    assert_eq!(priced(&mixed(), one, json!({})).unwrap().mapped, 100_000);
}

#[test]
fn a_map_is_priced_by_its_bytes() {
    let bytes = |fields: &str| {
        priced(&mixed(), &format!("{{ {} }}", map_of(LARGE, fields)), json!({})).unwrap().bytes
    };
    assert!((100_000..100_100).contains(&bytes("seatStates")));
    assert!(bytes("seatsVersion") < 100);
    // Each seat may have a section of its own.
    assert!(bytes("layout { name rows }") > 100_000 * 20);
    let letters: String = (0..49).map(|n| format!("a{n}: seatStates ")).collect();
    assert!(bytes(&letters) > 4_900_000);
    let sections: String =
        (0..10).map(|n| format!("a{n}: layout {{ name price rows cols firstNumber }} ")).collect();
    assert_eq!(refused(&format!("{{ {} }}", map_of(LARGE, &sections))), ANSWER);
    let watch = |fields: &str| {
        let query = format!("subscription {{ seatAvailability(seriesId: \"{LARGE}\") {{ {fields} }} }}");
        priced(&mixed(), &query, json!({}))
    };
    assert!((100_000..100_100).contains(&watch("states").unwrap().bytes));
    let states: String = (0..49).map(|n| format!("a{n}: states ")).collect();
    assert!(watch(&states).unwrap().bytes > 4_900_000);
    // What changed is never all of a large house.
    assert_eq!(watch("seats(onlyChanged: true) { id }").unwrap().seats, MOST_CHANGED);
    assert_eq!(watch("seats(onlyChanged: false) { id }").unwrap().seats, 100_000);
}

#[test]
fn a_map_within_seats_is_refused() {
    for field in ["seatStates", "layout { name }", "seats { id }"] {
        let query = format!("{{ seats(seriesId: \"{SMALL}\") {{ series {{ {field} }} }} }}");
        assert_eq!(refused(&query), "seats within seats", "{field}");
        let news = format!(
            "subscription {{ seatAvailability(seriesId: \"{SMALL}\") {{ seats {{ series {{ {field} }} }} }} }}"
        );
        assert_eq!(refused(&news), "seats within seats", "{field}");
    }
}

#[test]
fn a_list_is_priced_by_what_it_can_really_hold() {
    let browse = "{ concerts(first: 100) { nodes { series { seats { id } } } } }";
    assert_eq!(priced(&small(), browse, json!({})).unwrap().seats, 150);
    assert_eq!(refused(browse), "seats", "125,050");
    let first = |n| json!({ "n": n });
    let paged =
        "query ($n: Int = 100) { concerts(first: $n) { edges { node { series { seats { id } } } } } }";
    assert_eq!(priced(&mixed(), paged, first(1)).unwrap().seats, 100_000);
    assert_eq!(priced(&mixed(), paged, first(2)).unwrap_err().asked, 125_000);
    assert_eq!(priced(&mixed(), paged, json!({})).unwrap_err().asked, 125_050);
    assert_eq!(priced(&mixed(), paged, first(-1)).unwrap_err().asked, 125_050);
    assert_eq!(seats(&format!("{{ series(concertId: \"{TOUR}\") {{ seats {{ id }} }} }}")), 25_000);
    assert_eq!(seats(&format!("{{ concert(id: \"{TOUR}\") {{ series {{ seats {{ id }} }} }} }}")), 25_000);
    assert_eq!(seats(&format!("{{ seats(seriesId: \"{SMALL}\") {{ id }} }}")), 50);
    let named = "query ($id: ID!) { a: seats(seriesId: $id) { id } b: seats(seriesId: $id) { id } }";
    assert_eq!(priced(&mixed(), named, json!({ "id": SMALL.to_string() })).unwrap().seats, 100);
    assert_eq!(priced(&mixed(), named, json!({ "id": LARGE.to_string() })).unwrap_err().asked, 200_000);
    assert_eq!(priced(&mixed(), named, json!({ "id": "none" })).unwrap_err().asked, 200_000, "the largest");
    assert_eq!(priced(&mixed(), named, json!({ "id": TOUR.to_string() })).unwrap().seats, 0, "no such date");
}

#[test]
fn going_round_in_circles_costs_what_it_reads() {
    let circle =
        format!("{{ concert(id: \"{TOUR}\") {{ series {{ concert {{ series {{ id status }} }} }} }} }}");
    assert_eq!(refused(&circle), "fields of all rows");
    let price = priced(
        &small(),
        "{ concerts(first: 1) { nodes { series { concert { series { id } } } } } }",
        json!({}),
    );
    // The page, one concert, three dates, their concert, its three dates each, and their ids.
    assert_eq!(price.unwrap().values, 1 + 1 + 3 + 3 + 9 + 9);
    let tickets = "{ reservations(first: 100) { nodes { seat { series { concert { series { id status seatCount } } } } } } }";
    assert_eq!(refused(tickets), "fields of all rows");
}

#[test]
fn what_is_the_same_for_all_seats_is_resolved_once_and_sent_with_each() {
    let price =
        priced(&mixed(), &format!("{{ {} }}", all("id series { concert { title } }")), json!({})).unwrap();
    assert!(price.values < 10, "{price:?}");
    assert!(price.bytes > 100_000 * 60, "{price:?}");
    let long: String = (0..40).map(|n| format!("a{n}: section ")).collect();
    assert_eq!(refused(&format!("{{ {} }}", all(&long))), "bytes of an answer");
}

#[test]
fn introspection_by_tools_is_well_within_the_limits_and_costs_what_it_tells() {
    let types = "types { kind name description fields(includeDeprecated: true) { name description args { ...I } type { ...T } } \
         inputFields { ...I } interfaces { ...T } enumValues { name description } possibleTypes { ...T } }";
    let of_type = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
         ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }";
    let fragments = format!(
        "fragment I on __InputValue {{ name description type {{ ...T }} defaultValue }} fragment T on __Type {{ {of_type} }}"
    );
    let once = format!(
        "{{ __schema {{ queryType {{ name }} {types} directives {{ name locations args {{ ...I }} }} }} }} {fragments}"
    );
    let price = priced(&mixed(), &once, json!({})).unwrap();
    assert!(price.values * 5 < VALUES, "{price:?}");
    let aliases: String = (0..5).map(|n| format!("a{n}: {types}")).collect();
    let five = priced(&mixed(), &format!("{{ __schema {{ {aliases} }} }} {fragments}"), json!({})).unwrap();
    assert!(five.values > 3 * price.values, "{five:?}, once {price:?}");
}

/// A list field that nobody has thought about would be priced as one of a few rows.
#[test]
fn every_list_of_the_schema_is_priced() {
    let mut unpriced: Vec<_> = shape().list_fields();
    unpriced.retain(|field| {
        let (parent, name) = field.split_once('.').unwrap();
        let page = parent.ends_with("Connection") && matches!(name, "nodes" | "edges");
        let catalogue = matches!(
            field.as_str(),
            "Query.series"
                | "Concert.series"
                | "Query.seats"
                | "Series.seats"
                | "Series.layout"
                | "SeatAvailability.seats"
        );
        // What one fan can hold or buy of a date.
        let few = matches!(
            field.as_str(),
            "Query.holds"
                | "Payment.reservations"
                | "PayPayload.reservations"
                | "HoldSeatsPayload.holds"
                | "SeatTaken.seats"
        );
        !page && !catalogue && !few
    });
    assert_eq!(unpriced, Vec::<String>::new());
}

#[test]
fn a_price_is_fixed_where_neither_the_catalogue_nor_an_argument_counts() {
    let fixed_of = |query: &str| {
        let mut prepared = graphql::intake().prepare(Request::new(query)).expect(query);
        let document = prepared.request.parsed_query().unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { unreachable!() };
        fixed(&document.fragments, &operation.node, &shape())
    };
    for query in [
        "mutation { holdSeat(input: { seatId: \"1\" }) { hold { id seat { number price } } problem { code } } }",
        "mutation { heartbeat { position waiting } }",
        "subscription { queuePosition { position } }",
        "{ __typename holds { id seat { id } } __schema { types { name fields { name } } } }",
    ] {
        let fixed = fixed_of(query).expect(query);
        for catalogue in [mixed(), small(), Catalogue::default()] {
            assert_eq!(priced(&catalogue, query, json!({})).ok(), Some(fixed), "{query}");
        }
    }
    for query in [
        "{ concerts { nodes { id } } }".to_owned(),
        format!("{{ concert(id: \"{TOUR}\") {{ series {{ id }} }} }}"),
        format!("{{ {} }}", all("id")),
        format!("subscription {{ seatAvailability(seriesId: \"{LARGE}\") {{ seats {{ id }} }} }}"),
        "{ holds { seat { series { concert { series { id } } } } } }".to_owned(),
        "{ reservations(first: 5) { nodes { id } } }".to_owned(),
        "{ holds { seat { series { seats { id } } } } }".to_owned(),
    ] {
        assert_eq!(fixed_of(&query), None, "{query}");
    }
}
