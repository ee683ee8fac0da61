//! HTTP: what is read, what is refused, and with which status.

use std::sync::atomic::Ordering;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::toy::Toy;

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

fn request(toy: &Toy, method: Method) -> RequestBuilder {
    reqwest::Client::new().request(method, toy.url())
}

fn post(toy: &Toy, accept: &str, query: &str) -> RequestBuilder {
    request(toy, Method::POST).header("accept", accept).json(&json!({ "query": query }))
}

async fn told(request: RequestBuilder) -> (StatusCode, Value) {
    let response: Response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().expect("a code")
}

#[tokio::test]
async fn a_query_is_answered_in_the_media_type_asked_for() {
    let toy = Toy::start();
    for accept in [JSON, GRAPHQL] {
        let response = post(&toy, accept, "{ hello }").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(accept));
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "data": { "hello": "Hello, world" } }));
    }
    let response = post(&toy, "text/html", "{ hello }").send().await.unwrap();
    assert_eq!(response.status(), 406);
}

#[tokio::test]
async fn a_request_error_has_no_data_and_says_so_in_its_status() {
    let toy = Toy::start();
    for query in ["{ nothing }", "{ hello", "{ number(value: \"x\") }", "query A { hello } query B { hello }"]
    {
        let (status, body) = told(post(&toy, GRAPHQL, query)).await;
        assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{query}");
        assert!(body.get("data").is_none());
        assert_eq!(told(post(&toy, JSON, query)).await.0, 200, "{query}");
    }
    let (_, body) = told(post(&toy, GRAPHQL, "{ nothing }")).await;
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("nothing"));
}

#[tokio::test]
async fn an_error_of_a_resolver_has_data_and_200() {
    let toy = Toy::start();
    let (status, body) = told(post(&toy, GRAPHQL, "{ hello refuse }")).await;
    assert_eq!((status, code(&body)), (StatusCode::OK, "NOT_FOUND"));
    assert_eq!(body["data"], json!({ "hello": "Hello, world", "refuse": null }));
    // A failure that takes the whole of `data` with it is still an execution.
    let (status, body) = told(post(&toy, GRAPHQL, "{ hello fail }")).await;
    assert_eq!((status, code(&body), body.get("data")), (StatusCode::OK, "INTERNAL", Some(&Value::Null)));
}

#[tokio::test]
async fn nothing_of_the_inside_leaks() {
    let toy = Toy::start();
    for query in ["{ fail }", "{ missing }", "{ explode }"] {
        let (_, body) = told(post(&toy, GRAPHQL, query)).await;
        assert_eq!(code(&body), "INTERNAL", "{query}");
        assert_eq!(body["errors"][0]["message"], "Something broke on our side.");
        assert_eq!(body["errors"][0]["extensions"]["requestId"], "request-1");
        assert!(!body.to_string().contains("secret") && !body.to_string().contains("Missing"), "{body}");
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_server_lives() {
    let toy = Toy::start();
    assert_eq!(told(post(&toy, GRAPHQL, "{ explode }")).await.0, 500);
    assert_eq!(told(post(&toy, JSON, "{ explode }")).await.0, 200);
    assert_eq!(told(post(&toy, JSON, "{ hello }")).await.0, 200);
}

#[tokio::test]
async fn only_json_can_mutate() {
    let toy = Toy::start();
    let body = r#"{"query":"mutation { bump }"}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ] {
        let answer =
            request(&toy, Method::POST).header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 415, "{kind}");
    }
    assert_eq!(request(&toy, Method::POST).body(body).send().await.unwrap().status(), 415);
    assert_eq!(toy.watch.bumps.load(Ordering::SeqCst), 0);
    let (_, answer) = told(post(&toy, JSON, "mutation { bump }")).await;
    assert_eq!(answer, json!({ "data": { "bump": 1 } }));
}

#[tokio::test]
async fn get_runs_queries_and_nothing_else() {
    let toy = Toy::start();
    let get = |pairs: &[(&str, &str)]| request(&toy, Method::GET).header("accept", GRAPHQL).query(pairs);
    let (status, body) = told(get(&[
        ("query", "query A($n: Int!) { number(value: $n) } mutation B { bump }"),
        ("operationName", "A"),
        ("variables", r#"{"n":7}"#),
        ("extensions", "{}"),
    ]))
    .await;
    assert_eq!((status, body), (StatusCode::OK, json!({ "data": { "number": 7 } })));

    let both = "query A { hello } mutation B { bump }";
    let refused = get(&[("query", both), ("operationName", "B")]).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["allow"]), (405, &"POST".parse().unwrap()));
    for query in ["mutation { bump }", "mutation Only { bump }", "subscription { count(to: 1) }"] {
        assert_eq!(told(get(&[("query", query)])).await.0, 405, "{query}");
    }
    assert_eq!(told(get(&[("query", both)])).await.0, 400, "no operation chosen");
    assert_eq!(told(get(&[("query", "mutation { bump }"), ("operationName", "Other")])).await.0, 400);
    assert_eq!(told(get(&[])).await.0, 400);
    assert_eq!(told(get(&[("query", "{ hello }"), ("variables", "[1]")])).await.0, 400);
    assert_eq!(toy.watch.bumps.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let toy = Toy::start();
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(request(&toy, method).send().await.unwrap().status(), 405);
    }
}

#[tokio::test]
async fn bodies_that_are_no_request_are_400_in_either_media_type() {
    let toy = Toy::start();
    let bodies = [
        "",
        "{",
        "null",
        "\"{ hello }\"",
        "{}",
        r#"{"query":1}"#,
        r#"{"query":"{hello}","variables":[]}"#,
        r#"{"query":"{hello}","operationName":1}"#,
        r#"{"query":"{hello}","extensions":"x"}"#,
        r#"[{"query":"{hello}"}]"#,
        "\u{1}",
    ];
    for accept in [JSON, GRAPHQL] {
        for body in bodies {
            let answer =
                request(&toy, Method::POST).header("content-type", JSON).header("accept", accept).body(body);
            let (status, answer) = told(answer).await;
            assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{body}");
        }
    }
    let batch = request(&toy, Method::POST).json(&json!([{ "query": "{ hello }" }]));
    let (_, answer) = told(batch).await;
    assert_eq!(answer["errors"][0]["message"], "Batches are not supported: send one request at a time.");
}

/// What no number can be, and what is nested so deep that reading it would recurse as deep.
#[tokio::test]
async fn values_beyond_all_bounds_are_400() {
    let toy = Toy::start();
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    for value in ["1e400".to_owned(), "-1e999999999".to_owned(), deep(200), deep(3_000), deep(100)] {
        let body =
            format!(r#"{{"query":"query ($v: Int!) {{ number(value: $v) }}","variables":{{"v":{value}}}}}"#);
        let post =
            request(&toy, Method::POST).header("content-type", JSON).header("accept", GRAPHQL).body(body);
        let (status, answer) = told(post).await;
        assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{value:.20}");
        let variables = format!(r#"{{"v":{value}}}"#);
        let pairs = [("query", "query ($v: Int!) { number(value: $v) }"), ("variables", &variables)];
        let (status, answer) = told(request(&toy, Method::GET).header("accept", GRAPHQL).query(&pairs)).await;
        assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{value:.20}");
    }
}

#[tokio::test]
async fn nulls_and_unknown_keys_are_fine() {
    let toy = Toy::start();
    let body =
        json!({ "query": "{ hello }", "operationName": null, "variables": null, "extensions": null, "x": 1 });
    assert_eq!(told(request(&toy, Method::POST).json(&body)).await.0, 200);
}

#[tokio::test]
async fn a_big_body_is_413() {
    let toy = Toy::start();
    let fits = json!({ "query": "{ hello }", "x": "x".repeat(200 << 10) });
    assert_eq!(told(request(&toy, Method::POST).json(&fits)).await.0, 200);
    let too_big = json!({ "query": "{ hello }", "x": "x".repeat(256 << 10) });
    assert_eq!(told(request(&toy, Method::POST).json(&too_big)).await.0, 413);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let toy = Toy::with(|limits| limits.body_timeout = std::time::Duration::from_millis(20));
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
        toy.address
    );
    let answer = tokio::task::spawn_blocking({
        let address = toy.address;
        move || crate::raw::exchange(address, head.as_bytes())
    });
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn the_token_is_looked_at() {
    let toy = Toy::start();
    let ask = |accept: &str, authorization: &str| {
        post(&toy, accept, "{ whoami }").header("authorization", authorization.to_owned())
    };
    assert_eq!(told(ask(GRAPHQL, "bearer ann")).await.1, json!({ "data": { "whoami": "ann" } }));
    assert_eq!(told(post(&toy, GRAPHQL, "{ whoami }")).await.1, json!({ "data": { "whoami": null } }));
    for bad in ["Bearer bad", "Bearer ended", "Basic YQ==", "Bearer", "Bearer "] {
        let (status, body) = told(ask(GRAPHQL, bad)).await;
        assert_eq!((status, code(&body)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{bad}");
        assert!(body.get("data").is_none());
        assert_eq!(told(ask(JSON, bad)).await.0, 200, "{bad}");
    }
}

#[tokio::test]
async fn a_document_beyond_the_limits_is_refused_before_it_runs() {
    let toy = Toy::start();
    let deep = format!("{}hello{}", "{ this ".repeat(10_000), "}".repeat(10_000));
    let fragments: String =
        (0..24).map(|n| format!("fragment F{n} on Query {{ ...F{m} ...F{m} }}", m = n + 1)).collect();
    let bomb = format!("{{ ...F0 }} {fragments} fragment F24 on Query {{ hello }}");
    let aliases: String = (0..51).map(|n| format!("a{n}: hello ")).collect();
    for query in [deep, bomb, format!("{{ {aliases} }}")] {
        let (status, body) = told(post(&toy, GRAPHQL, &query)).await;
        assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "QUERY_TOO_COMPLEX"));
    }
}

#[tokio::test]
async fn a_subscription_over_http_is_told_where_to_go() {
    let toy = Toy::start();
    let (status, body) = told(post(&toy, GRAPHQL, "subscription { count(to: 1) }")).await;
    assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("WebSocket"));
}
