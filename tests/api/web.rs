//! What front ends rely on over HTTP: documents by their hashes, pages on other hosts, compression, and when to come back.

use reqwest::{
    Client, Method, StatusCode,
    header::{self, HeaderMap},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use test_support::{Options, Plan, Server, Watch};

const SHOP: &str = "https://tickets.example";

async fn server() -> Server {
    let settings = |config: &mut frontrow::config::Config| config.allowed_origins = vec![SHOP.to_owned()];
    Server::with(Options { settings, ..Options::default() }).await
}

fn url(server: &Server) -> String {
    format!("http://{}/graphql", server.address)
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn told<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn extension(document: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hex::encode(Sha256::digest(document)) } })
}

async fn post(server: &Server, body: Value) -> (StatusCode, Value) {
    let accept = "application/graphql-response+json";
    let asked = client().post(url(server)).header(header::ACCEPT, accept).json(&body);
    let answer = asked.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn get(server: &Server, parameters: &[(&str, String)]) -> Value {
    let address = reqwest::Url::parse_with_params(&url(server), parameters).unwrap();
    client().get(address).send().await.unwrap().json().await.unwrap()
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// Over every way in: a hash that is not known, the document with its hash, and from then on the hash alone.
#[tokio::test]
async fn a_document_may_be_named_by_its_hash() {
    let server = Server::start().await;
    let document = "query A { concerts { nodes { id } } } query B { __typename }";
    let by_hash = |name: &str| json!({ "extensions": extension(document), "operationName": name });
    let parameters =
        |name: &str| [("extensions", extension(document).to_string()), ("operationName", name.to_owned())];
    let (status, unknown) = post(&server, by_hash("B")).await;
    assert_eq!((status, code(&unknown)), (StatusCode::BAD_REQUEST, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(code(&get(&server, &parameters("B")).await), "PERSISTED_QUERY_NOT_FOUND");
    let mut socket = Watch::ready(server.address).await;
    socket.ask(by_hash("B")).await;
    assert_eq!(socket.refusal().await, "PERSISTED_QUERY_NOT_FOUND");

    // With a mistake in it or beside it, it teaches nothing.
    for (query, hash) in [("{ concerts", "{ concerts"), (document, "{ other }")] {
        let (_, refused) = post(&server, json!({ "query": query, "extensions": extension(hash) })).await;
        assert_eq!(code(&refused), "BAD_USER_INPUT");
        let (_, unknown) = post(&server, json!({ "extensions": extension(hash) })).await;
        assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    }

    let mut whole = by_hash("A");
    whole["query"] = document.into();
    assert!(post(&server, whole).await.1["data"]["concerts"].is_object());
    assert_eq!(post(&server, by_hash("B")).await.1, json!({ "data": { "__typename": "Query" } }));
    assert_eq!(get(&server, &parameters("B")).await["data"]["__typename"], "Query");
    socket.ask(by_hash("B")).await;
    assert_eq!(socket.message().await["payload"]["data"]["__typename"], "Query");
    let id = json!({ "documentId": format!("sha256:{}", hex::encode(Sha256::digest(document))), "operationName": "B" });
    assert_eq!(post(&server, id).await.1["data"]["__typename"], "Query");

    // What is named is guarded like what is sent.
    let change = "mutation { leaveQueue { status } }";
    let taught = json!({ "query": change, "extensions": extension(change) });
    assert_eq!(code(&post(&server, taught).await.1), "UNAUTHENTICATED");
    let by_get = get(&server, &[("extensions", extension(change).to_string())]).await;
    assert!(by_get["errors"][0]["message"].as_str().unwrap().contains("POST"), "{by_get}");
}

#[tokio::test]
async fn where_hashes_are_off_clients_are_told_so() {
    let settings = |config: &mut frontrow::config::Config| config.persisted_queries = false;
    let server = Server::with(Options { settings, ..Options::default() }).await;
    let document = "{ __typename }";
    let (_, whole) = post(&server, json!({ "query": document, "extensions": extension(document) })).await;
    assert_eq!(whole["data"]["__typename"], "Query");
    for asked in [json!({ "extensions": extension(document) }), json!({ "documentId": "5f7c" })] {
        let (_, refused) = post(&server, asked).await;
        assert_eq!(code(&refused), "PERSISTED_QUERY_NOT_SUPPORTED");
        assert_eq!(refused["errors"][0]["message"], "PersistedQueryNotSupported");
    }
}

/// A request without any document says what is missing, however it tries to name one.
#[tokio::test]
async fn a_request_without_a_document_is_told_what_is_missing() {
    let server = Server::start().await;
    for (asked, expected) in [
        (json!({}), "BAD_USER_INPUT"),
        (json!({ "query": null }), "BAD_USER_INPUT"),
        (json!({ "extensions": {} }), "BAD_USER_INPUT"),
        (json!({ "extensions": { "persistedQuery": null } }), "BAD_USER_INPUT"),
        (json!({ "extensions": { "persistedQuery": {} } }), "BAD_USER_INPUT"),
        (json!({ "id": "5f7c8ec7c33c6c004bbafe82" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "doc_id": "5f7c8ec7c33c6c004bbafe82", "query": null }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": 5 }), "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        let (status, refused) = post(&server, asked.clone()).await;
        assert_eq!((status, code(&refused)), (StatusCode::BAD_REQUEST, expected), "{asked}: {refused}");
        assert!(refused.get("data").is_none(), "{asked}");
    }
    let (_, both) = post(&server, json!({ "query": "{ __typename }", "id": "5f7c" })).await;
    assert_eq!(
        both["data"]["__typename"], "Query",
        "who sends the document need not be understood otherwise"
    );
}

/// A page on another host, if the operator has named it.
#[tokio::test]
async fn pages_on_other_hosts_send_what_they_like_and_read_when_to_come_back() {
    let server = server().await;
    let ask = async |method: Method, origin: &str, headers: &str| {
        let asked = client().request(method, url(&server)).header(header::ORIGIN, origin);
        let asked = asked
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers);
        asked.send().await.unwrap()
    };
    for headers in [
        "authorization,content-type",
        "accept,accept-language,apollographql-client-name,apollographql-client-version,apollo-require-preflight",
        "x-apollo-operation-name,x-apollo-operation-id,x-apollo-cache-key,x-graphql-client-name",
        "traceparent,tracestate,baggage,b3,x-b3-traceid,x-b3-spanid,x-b3-sampled,sentry-trace,x-datadog-trace-id",
        "graphql-client-name,graphql-client-version,x-request-id,x-requested-with,cache-control",
    ] {
        let answer = ask(Method::OPTIONS, SHOP, headers).await;
        assert!(answer.status().is_success(), "{headers}");
        assert_eq!(told(answer.headers(), "access-control-allow-origin"), SHOP);
        let allowed: Vec<&str> =
            told(answer.headers(), "access-control-allow-headers").split(',').map(str::trim).collect();
        assert!(headers.split(',').all(|one| allowed.contains(&one)), "{allowed:?}");
        assert!(told(answer.headers(), "access-control-max-age").parse::<u32>().unwrap() >= 600);
        for method in ["GET", "POST"] {
            assert!(told(answer.headers(), "access-control-allow-methods").contains(method));
        }
        assert!(told(answer.headers(), "vary").contains("origin"));
    }
    let asked = client().post(url(&server)).header(header::ORIGIN, SHOP);
    let answer = asked.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
    assert_eq!(told(answer.headers(), "access-control-allow-origin"), SHOP);
    for exposed in ["date", "retry-after", "www-authenticate"] {
        assert!(told(answer.headers(), "access-control-expose-headers").contains(exposed), "{exposed}");
    }
    assert!(!told(answer.headers(), "date").is_empty());
    for stranger in ["https://evil.example", "null", "https://tickets.example.evil"] {
        let answer = ask(Method::OPTIONS, stranger, "authorization").await;
        assert_eq!(told(answer.headers(), "access-control-allow-origin"), "", "{stranger}");
    }
}

/// Where the operator has named none, nothing is said of them.
#[tokio::test]
async fn without_pages_on_other_hosts_no_answer_depends_on_where_it_is_asked_from() {
    let server = Server::start().await;
    for method in [Method::OPTIONS, Method::POST] {
        let asked = client().request(method, url(&server)).header(header::ORIGIN, SHOP);
        let answer = asked.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
        assert_eq!(told(answer.headers(), "access-control-allow-origin"), "");
        assert!(!told(answer.headers(), "vary").contains("origin"));
        assert!(!told(answer.headers(), "date").is_empty());
    }
}

/// What an answer says of itself, and its bytes as they came over the wire.
async fn raw(server: &Server, query: &str, encoding: Option<&str>) -> (HeaderMap, Vec<u8>) {
    let mut asked = client().post(url(server)).json(&json!({ "query": query }));
    if let Some(encoding) = encoding {
        asked = asked.header(header::ACCEPT_ENCODING, encoding);
    }
    let answer = asked.send().await.unwrap();
    (answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

/// Whether it says that it would be another one in another encoding.
fn varies(headers: &HeaderMap) -> bool {
    headers.get_all(header::VARY).iter().any(|by| by == "accept-encoding")
}

/// For those who ask for it, and from a length on at which it is worth it.
#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(40, 50, json!({}))).await;
    let seats = |fields: &str| format!("{{ seats(seriesId: \"{}\") {{ {fields} }} }}", date.series);
    for query in [
        seats("id"),
        seats("id section row col number price status"),
        format!("{{ a: __typename seats(seriesId: \"{}\") {{ id }} z: __typename }}", date.series),
    ] {
        let (plain, whole) = raw(&server, &query, None).await;
        assert_eq!((told(&plain, "content-encoding"), varies(&plain)), ("", true));
        // Twice: the second time the seats are known already.
        for _ in 0..2 {
            let (zipped, bytes) = raw(&server, &query, Some("br, gzip")).await;
            assert_eq!(told(&zipped, "content-encoding"), "gzip");
            assert!(varies(&zipped));
            assert_eq!(told(&zipped, "content-length"), bytes.len().to_string());
            assert!(bytes.len() * 2 < whole.len(), "{} of {}", bytes.len(), whole.len());
            let mut unzipped = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut unzipped)
                .unwrap();
            assert!(unzipped == whole, "{query}");
        }
        let (refused, bytes) = raw(&server, &query, Some("gzip;q=0, br")).await;
        assert_eq!((told(&refused, "content-encoding"), bytes == whole), ("", true));
    }
    assert_eq!(told(&raw(&server, "{ __typename }", Some("gzip")).await.0, "content-encoding"), "");
    // Errors as well; but no answer that may have a secret beside somebody else's words.
    let unknown = format!("{{ {} }}", "no".repeat(2_000));
    assert_eq!(told(&raw(&server, &unknown, Some("gzip")).await.0, "content-encoding"), "gzip");
    let long: String = (0..20).map(|n| format!(" a{n}{}: __typename", "x".repeat(200))).collect();
    let mutation = format!("mutation {{ {long} }}");
    let (answer, bytes) = raw(&server, &mutation, Some("gzip")).await;
    assert!(bytes.len() > 2_000 && told(&answer, "content-encoding").is_empty());
}

/// An error that says when to come back says it to clients that know nothing of our errors, too.
#[tokio::test]
async fn an_error_that_says_when_to_come_back_says_it_in_the_header() {
    let settings = |config: &mut frontrow::config::Config| config.organiser_concerts_per_hour = 1;
    let server = Server::with(Options { rate_limits: true, settings, ..Options::default() }).await;
    let organizer = server.organizer();
    organizer.concert("One").await;
    let create = json!({ "query": "mutation { createConcert(input: { title: \"Two\" }) { id } }" });
    let asked = client().post(url(&server)).bearer_auth(organizer.fan.bearer.as_deref().unwrap());
    let answer = asked.json(&create).send().await.unwrap();
    let seconds: u64 = told(answer.headers(), "retry-after").parse().unwrap();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(code(&body), "RATE_LIMITED");
    let ms = body["errors"][0]["extensions"]["retryAfterMs"].as_u64().unwrap();
    assert_eq!(seconds, ms.div_ceil(1_000).max(1));
}
