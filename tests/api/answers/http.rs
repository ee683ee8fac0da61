//! GET and its entity tags; and POST, which has none.

use reqwest::{
    StatusCode,
    header::{self, HeaderMap},
};
use serde_json::json;
use test_support::{Plan, Server};

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn told<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn get(server: &Server, query: &str) -> reqwest::RequestBuilder {
    let url = format!("http://{}/graphql", server.address);
    client().get(reqwest::Url::parse_with_params(&url, [("query", query)]).unwrap())
}

const TITLES: &str = "{ concerts { nodes { title } } }";

#[tokio::test]
async fn who_has_it_already_is_told_that_nothing_has_changed_and_nothing_else() {
    let server = Server::start().await;
    server.organizer().concert("Rock").await;
    let first = get(&server, TITLES).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let tag = told(first.headers(), "etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(told(first.headers(), "cache-control"), "no-cache");
    let vary: Vec<_> =
        first.headers().get_all(header::VARY).iter().map(|line| line.to_str().unwrap()).collect();
    let vary = vary.join(",");
    let vary: Vec<_> = vary.split(',').map(str::trim).collect();
    for name in ["accept", "accept-encoding", "accept-language"] {
        assert!(vary.contains(&name), "{vary:?}");
    }
    let body = first.text().await.unwrap();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = get(&server, TITLES).header(header::IF_NONE_MATCH, &known).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(told(again.headers(), "etag"), tag);
        assert_eq!(told(again.headers(), "cache-control"), "no-cache");
        assert_eq!(told(again.headers(), "content-type"), "");
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    for other in ["\"x\"", "nonsense"] {
        let again = get(&server, TITLES).header(header::IF_NONE_MATCH, other).send().await.unwrap();
        assert_eq!((again.status(), again.text().await.unwrap()), (StatusCode::OK, body.clone()));
    }
    // Another white space is another question, and the same answer.
    let spaced =
        get(&server, &format!(" {TITLES}")).header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(spaced.status(), StatusCode::NOT_MODIFIED);
    server.organizer().concert("Jazz").await;
    let changed = get(&server, TITLES).header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(told(changed.headers(), "etag"), tag);
    assert!(changed.text().await.unwrap().contains("Jazz"));
}

#[tokio::test]
async fn in_gzip_it_has_another_tag_and_the_same_content() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let query = format!("{{ seats(seriesId: \"{}\") {{ id number status }} }}", date.series);
    let plain = get(&server, &query).send().await.unwrap();
    let zipped = get(&server, &query).header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(told(zipped.headers(), "content-encoding"), "gzip");
    let [plain_tag, zipped_tag] = [&plain, &zipped].map(|answer| told(answer.headers(), "etag").to_owned());
    assert_ne!(plain_tag, zipped_tag);
    let mut text = String::new();
    let body = zipped.bytes().await.unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*body), &mut text).unwrap();
    assert_eq!(text, plain.text().await.unwrap());
    let known = |tag: &str| {
        get(&server, &query).header(header::ACCEPT_ENCODING, "gzip").header(header::IF_NONE_MATCH, tag)
    };
    assert_eq!(known(&zipped_tag).send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    assert_eq!(known(&plain_tag).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_somebodys_own_or_wrong_or_posted_is_not_to_be_kept() {
    let server = Server::start().await;
    let own = get(&server, "{ points { balance } }").bearer_auth(server.fan("ann").bearer.unwrap());
    let wrong = get(&server, "{ nothing }");
    let refused = get(&server, TITLES).bearer_auth("not.a.token");
    let posted =
        client().post(format!("http://{}/graphql", server.address)).json(&json!({ "query": TITLES }));
    for (what, asked) in [("own", own), ("wrong", wrong), ("refused", refused), ("posted", posted)] {
        for known in ["\"x\"", "*"] {
            let answer =
                asked.try_clone().unwrap().header(header::IF_NONE_MATCH, known).send().await.unwrap();
            assert_eq!(told(answer.headers(), "cache-control"), "no-store", "{what}");
            assert_eq!(told(answer.headers(), "etag"), "", "{what}");
            assert_ne!(answer.status(), StatusCode::NOT_MODIFIED, "{what}");
        }
    }
}

#[tokio::test]
async fn media_types_and_ways_to_ask_do_not_mix() {
    let server = Server::start().await;
    let url = format!("http://{}/graphql", server.address);
    for _ in 0..2 {
        for media in ["application/json", "application/graphql-response+json"] {
            let asked = client().post(&url).json(&json!({ "query": TITLES })).header(header::ACCEPT, media);
            let answer = asked.send().await.unwrap();
            assert!(told(answer.headers(), "content-type").starts_with(media), "{media}");
            assert_eq!(told(answer.headers(), "cache-control"), "no-store");
        }
        // A mutation by GET stays forbidden, whatever was posted.
        let mutation = "mutation { createConcert(input: { title: \"x\" }) { id } }";
        assert_eq!(get(&server, mutation).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn languages_do_not_mix() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(1, 1, json!({}))).await;
    let query = format!("{{ seats(seriesId: \"{}\") {{ label }} }}", date.series);
    for _ in 0..2 {
        for (language, label) in [("en", "Floor, row 1, seat 1"), ("ko-KR", "Floor 1열 1번")] {
            let told = get(&server, &query).header(header::ACCEPT_LANGUAGE, language).send().await.unwrap();
            let told: serde_json::Value = told.json().await.unwrap();
            assert_eq!(told["data"]["seats"][0]["label"], label);
        }
    }
}
