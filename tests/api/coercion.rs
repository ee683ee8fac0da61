//! Rule 25: a request is coerced and validated as the specification says before anything of it is executed. The tables of
//! all that there is to say about it are in `graphql::request::tests`, with a schema that has every shape; this is the
//! real one, over HTTP and WebSocket.

use reqwest::StatusCode;
use serde_json::{Value, json};

use test_support::{Fan, Organizer, Plan, Reply, Server};

const CREATE: &str = "mutation ($a: CreateConcertInput!, $b: CreateConcertInput!) {
    a: createConcert(input: $a) { id } b: createConcert(input: $b) { id } }";

async fn titles(fan: &Fan) -> Vec<String> {
    let page = fan.get("concerts", "{ concerts(first: 100) { nodes { title } } }").await;
    let nodes = page["nodes"].as_array().unwrap().iter();
    nodes.map(|node| node["title"].as_str().unwrap().to_owned()).collect()
}

/// The inputs that are told of, as `path: message`.
#[track_caller]
fn inputs(reply: &Reply) -> Vec<String> {
    assert_eq!((reply.error(), reply.0.get("data")), ("BAD_USER_INPUT", None), "{}", reply.0);
    let inputs = reply.0["errors"][0]["extensions"]["inputs"].as_array().expect("inputs").iter();
    let path = |input: &Value| {
        let steps = input["path"].as_array().unwrap().iter();
        steps.map(|step| step.as_str().map_or(step.to_string(), str::to_owned)).collect::<Vec<_>>().join(".")
    };
    inputs.map(|input| format!("{}: {}", path(input), input["message"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_invalid_request_does_nothing() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let good = json!({ "title": "First" });
    for bad in [
        json!({ "title": 7 }),
        json!({ "title": null }),
        json!({}),
        json!({ "title": "x", "colour": "red" }),
        json!("x"),
        json!(["x"]),
        Value::Null,
    ] {
        let reply = organizer.fan.ask(CREATE, json!({ "a": good, "b": bad })).await;
        assert_eq!(inputs(&reply).len(), 1, "{bad}");
    }
    let literal = |b: &str| {
        format!(
            "mutation {{ a: createConcert(input: {{ title: \"First\" }}) {{ id }} b: createConcert({b}) {{ id }} }}"
        )
    };
    for bad in
        ["input: { title: 7 }", "input: {}", "input: null", "", "input: { title: \"x\", title: \"y\" }"]
    {
        let reply = organizer.fan.ask(&literal(bad), json!({})).await;
        assert_eq!((reply.error(), reply.0.get("data")), ("BAD_USER_INPUT", None), "{bad}");
    }
    assert_eq!(titles(&organizer.fan).await, Vec::<String>::new());
    // It is the input and nothing else.
    organizer.fan.ask(CREATE, json!({ "a": good, "b": { "title": "Second" } })).await.data();
    assert_eq!(titles(&organizer.fan).await.len(), 2);
}

#[tokio::test]
async fn every_mistake_has_its_path() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let query = "mutation ($input: CreateSeriesInput!) { createSeries(input: $input) { id } }";
    let reply = organizer
        .fan
        .ask(
            query,
            json!({ "input": {
                "concertId": true, "startAt": "soon", "endAt": null, "reserveStartAt": "2030-01-01T00:00:00Z",
                "sections": [{ "name": "A", "rows": 1, "cols": 1.5, "price": 1 }, { "rows": "1", "cols": 3e9, "price": 1, "x": 1 }],
                "queuePolicy": { "maxActive": [], "nothing": 0 },
            } }),
        )
        .await;
    let mut told = inputs(&reply);
    told.sort();
    let expected = [
        "input.concertId: must be an ID",
        "input.endAt: must not be null",
        "input.queuePolicy.maxActive: must be an Int",
        "input.queuePolicy.nothing: is not a field of QueuePolicyInput",
        "input.reserveEndAt: is required",
        "input.sections.0.cols: must be an Int",
        "input.sections.1.cols: must be an Int, a whole number from -2147483648 to 2147483647, not 3000000000",
        "input.sections.1.name: is required",
        "input.sections.1.rows: must be an Int",
        "input.sections.1.x: is not a field of SectionInput",
        "input.startAt: must be a time as RFC 3339 has it",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told} and not {expected}");
    }
}

/// As code generators type them: `Boolean | null | undefined`.
#[tokio::test]
async fn an_optional_variable_takes_the_default_of_the_argument() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::default()).await;
    let fan = server.stranger();
    let query = "query ($id: ID!, $only: Boolean) { seats(seriesId: $id, availableOnly: $only) { number } }";
    for variables in [json!({ "id": date.series }), json!({ "id": date.series, "only": true })] {
        assert_eq!(fan.ask(query, variables).await.field("seats").as_array().unwrap().len(), 50);
    }
    let null = fan.ask(query, json!({ "id": date.series, "only": null })).await;
    assert_eq!(inputs(&null), ["availableOnly: must not be null"]);
    let page = "query ($n: Int, $after: String) { concerts(first: $n, after: $after) { nodes { id } } }";
    fan.ask(page, json!({})).await.data();
    fan.ask(page, json!({ "n": null, "after": null })).await.data();
    fan.ask(page, json!({ "n": 1.0 })).await.data();
    assert_eq!(inputs(&fan.ask(page, json!({ "n": 1.5 })).await).len(), 1);
}

#[tokio::test]
async fn whole_numbers_are_ints_however_json_writes_them() {
    let server = Server::start().await;
    let ann = server.fan("ann");
    let charge = |amount: &str, key: &str| {
        let input: Value =
            serde_json::from_str(&format!("{{\"amount\":{amount},\"idempotencyKey\":\"{key}\"}}")).unwrap();
        json!({ "input": input })
    };
    let query =
        "mutation ($input: ChargeInput!) { charge(input: $input) { points { balance } problem { code } } }";
    ann.ask(query, charge("1000.0", "a")).await.data();
    ann.ask(query, charge("1e3", "b")).await.data();
    assert_eq!(ann.balance().await, 2_000);
    for bad in ["1000.5", "1e10", "1e300", "-1e300", "2147483648", "99999999999999999999", "\"1000\"", "true"]
    {
        let told = inputs(&ann.ask(query, charge(bad, "c")).await);
        assert!(
            told[0].starts_with("input.amount: must be an Int, a whole number from -2147483648 to"),
            "{told:?}"
        );
    }
    for bad in ["1000.0", "1e3", "3000000000"] {
        let literal = format!(
            "mutation {{ charge(input: {{ amount: {bad}, idempotencyKey: \"d\" }}) {{ points {{ balance }} }} }}"
        );
        assert_eq!(inputs(&ann.ask(&literal, json!({})).await).len(), 1, "{bad}");
    }
    assert_eq!(ann.balance().await, 2_000);
}

#[tokio::test]
async fn a_nullable_root_that_fails_is_null_and_not_the_whole() {
    let server = Server::start().await;
    let fan = server.stranger();
    const MISSING: &str = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";
    let missing = format!("concert(id: \"{MISSING}\") {{ id title }}");
    let hold = format!("hold(id: \"{MISSING}\") {{ id }}");
    for (query, expected) in [
        (format!("{{ {missing} }}"), json!({ "concert": null })),
        (format!("{{ {missing} {hold} }}"), json!({ "concert": null, "hold": null })),
        (
            format!("{{ {missing} concerts {{ nodes {{ id }} }} }}"),
            json!({ "concert": null, "concerts": { "nodes": [] } }),
        ),
        (
            format!("{{ a: {missing} b: {missing} __typename }}"),
            json!({ "a": null, "b": null, "__typename": "Query" }),
        ),
    ] {
        let reply = fan.ask(&query, json!({})).await;
        assert_eq!(reply.0["data"], expected, "{query}: {}", reply.0);
    }
}

/// A problem of which the client asks for nothing is there all the same: null would say that all went well.
#[tokio::test]
async fn a_problem_is_not_null_because_nothing_of_it_was_asked_for() {
    let server = Server::start().await;
    let ann = server.fan("ann");
    let query = "mutation { usePoints(input: { amount: 1, idempotencyKey: \"k\" }) {
        points { balance } problem { ... on SeatTaken { seats { number } } } } }";
    let used = ann.ask(query, json!({})).await.field("usePoints");
    assert_eq!(used, json!({ "points": null, "problem": {} }));
}

/// Lists of seats are written by other means.
#[tokio::test]
async fn seats_are_in_order_and_empty_where_nothing_is_asked_for() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::small(1, 1, json!({}))).await;
    let of = async |select: &str| {
        let body = json!({ "query": format!("{{ seats(seriesId: \"{}\") {{ {select} }} }}", date.series) });
        let url = format!("http://{}/graphql", server.address);
        reqwest::Client::new().post(url).json(&body).send().await.unwrap().text().await.unwrap()
    };
    for (select, seat) in [
        ("id @skip(if: true)", "{}"),
        ("... on Seat { number @include(if: false) }", "{}"),
        (
            "series { concert { title } status } number",
            r#"{"series":{"concert":{"title":"Soundtracks"},"status":"ON_SALE"},"number":1}"#,
        ),
        (
            "...A number ...B } } fragment A on Seat { series { status } } fragment B on Seat { series { ... { concert { title } }",
            r#"{"series":{"status":"ON_SALE","concert":{"title":"Soundtracks"}},"number":1}"#,
        ),
        ("series { concert { title @skip(if: true) } }", r#"{"series":{"concert":{}}}"#),
    ] {
        let answer = of(select).await;
        assert_eq!(answer, format!("{{\"data\":{{\"seats\":[{seat}]}}}}"), "{select}");
    }
}

#[tokio::test]
async fn a_mutation_in_two_fragments_is_one() {
    let server = Server::start().await;
    let ann = server.fan("ann");
    let organizer: Organizer = server.organizer();
    let twice = "mutation { ...A ...B }
        fragment A on Mutation { createConcert(input: { title: \"Once\" }) { id } }
        fragment B on Mutation { createConcert(input: { title: \"Once\" }) { title } }";
    let made = organizer.fan.ask(twice, json!({})).await.field("createConcert");
    assert_eq!(made["title"], "Once");
    assert_eq!(titles(&ann).await, ["Once"]);
}

#[tokio::test]
async fn over_a_socket_it_is_an_error_message() {
    let server = Server::start().await;
    let fan = server.stranger();
    let query = "subscription ($id: ID!) { seatAvailability(seriesId: $id) { version } }";
    for bad in [json!({}), json!({ "id": null }), json!({ "id": 1.5 })] {
        let mut watch = fan.watch(query, bad.clone()).await;
        let message = watch.message().await;
        assert_eq!(message["type"], "error", "{bad}: {message}");
        let error = &message["payload"][0]["extensions"];
        assert_eq!((&error["code"], &error["inputs"][0]["path"]), (&json!("BAD_USER_INPUT"), &json!(["id"])));
    }
}

#[tokio::test]
async fn the_status_says_that_nothing_was_executed() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for (accept, expected) in
        [("application/graphql-response+json", StatusCode::BAD_REQUEST), ("application/json", StatusCode::OK)]
    {
        let body = json!({ "query": "query ($n: Int) { concerts(first: $n) { nodes { id } } }", "variables": { "n": "x" } });
        let answer = client
            .post(format!("http://{}/graphql", server.address))
            .header("accept", accept)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{accept}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["errors"], "{accept}");
    }
}
