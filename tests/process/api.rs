//! GraphQL over HTTP, as a front end speaks it.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// The server was gone before it answered: whether it acted is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered;

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    pub(crate) address: SocketAddr,
}

impl Api {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // A call that hangs fails the test; an answer that takes this long is none.
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { http, address }
    }

    /// Runs an operation; its `data`. An error of the operation fails the test.
    pub(crate) async fn call(&self, token: &str, query: &str, variables: Value) -> Result<Value, Unanswered> {
        let mut answer = self.answer(token, query, variables).await?;
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        Ok(answer["data"].take())
    }

    /// Runs an operation; the whole answer.
    pub(crate) async fn answer(
        &self,
        token: &str,
        query: &str,
        variables: Value,
    ) -> Result<Value, Unanswered> {
        let mut request = self.http.post(format!("http://{}/graphql", self.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let sent = request.json(&json!({ "query": query, "variables": variables })).send().await;
        let answer = match sent {
            Ok(answer) => answer.json().await,
            Err(error) => Err(error),
        };
        answer.map_err(|error| {
            assert!(!error.is_timeout(), "{query} took too long");
            Unanswered
        })
    }

    /// The body of a page.
    pub(crate) async fn page(&self, path: &str) -> String {
        let page = self.http.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        assert!(page.status().is_success(), "{path}: {}", page.status());
        page.text().await.unwrap()
    }
}

/// What time it is outside.
#[expect(clippy::disallowed_methods, reason = "the server under test runs on the real clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Creates a concert and one date of it with the standard house of 50 seats at 10,000 points; the date's id.
pub(crate) async fn create_series(api: &Api, organizer: &str, opens_in: TimeDelta, policy: Value) -> String {
    create_house(api, organizer, opens_in, policy, None).await
}

/// The same with a house of so many rows and columns, unless it is the standard one.
pub(crate) async fn create_house(
    api: &Api,
    organizer: &str,
    opens_in: TimeDelta,
    policy: Value,
    rows_and_cols: Option<(i32, i32)>,
) -> String {
    let concert = "mutation($title: String!) { createConcert(input: { title: $title }) { id } }";
    let concert = api.call(organizer, concert, json!({ "title": "Anime Soundtracks" })).await.unwrap();
    let series = "mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id } }";
    let at = |from_now: TimeDelta| (now() + from_now).to_rfc3339();
    let input = json!({
        "concertId": concert["createConcert"]["id"],
        "startAt": at(TimeDelta::days(7)),
        "endAt": at(TimeDelta::days(7) + TimeDelta::hours(3)),
        "reserveStartAt": at(opens_in),
        "reserveEndAt": at(TimeDelta::days(6)),
        "sections": rows_and_cols
            .map(|(rows, cols)| json!([{ "name": "Floor", "rows": rows, "cols": cols, "price": 10_000 }])),
        "queuePolicy": policy,
    });
    let series = api.call(organizer, series, json!({ "input": input })).await.unwrap();
    series["createSeries"]["id"].as_str().unwrap().to_owned()
}
