//! The date that the fans want, and the joins.

use std::net::SocketAddr;

use chrono::{SecondsFormat, TimeDelta};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::api::Api;
use crate::clock::Clock;

/// How long an admitted fan may choose: longer than any run, so that nobody's session ends in it.
pub(super) const SESSION: TimeDelta = TimeDelta::hours(24);

/// Connections that the joins share.
const CONNECTIONS: usize = 64;

/// Creates a date that is on sale but paused: everybody waits until [`resume`].
///
/// # Errors
/// If the server refuses.
pub(super) async fn create_series(api: &mut Api, per_second: u32) -> Result<String, String> {
    let concert = "mutation { createConcert(input: { title: \"Load\" }) { id } }";
    let concert = api.run(concert, &json!({})).await?["createConcert"]["id"].take();
    let now = Clock::system().now();
    let at = |hours| (now + TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Millis, true);
    let seconds = SESSION.num_seconds();
    let input = json!({
        "concertId": concert, "startAt": at(48), "endAt": at(51), "reserveStartAt": at(-1), "reserveEndAt": at(47),
        "queuePolicy": {
            "maxActive": null, "admitPerInterval": per_second, "intervalSeconds": 1,
            "heartbeatTimeoutSeconds": seconds, "sessionSeconds": seconds,
        },
    });
    let create = "mutation ($input: CreateSeriesInput!) { createSeries(input: $input) { id } }";
    let made = api.run(create, &json!({ "input": input })).await?;
    let id = text(&made["createSeries"]["id"])?;
    api.run("mutation ($id: ID!) { pauseSale(seriesId: $id) { id } }", &json!({ "id": id })).await?;
    Ok(id)
}

/// Lets the first fans in.
///
/// # Errors
/// If the server refuses.
pub(super) async fn resume(api: &mut Api, series: &str) -> Result<(), String> {
    api.run("mutation ($id: ID!) { resumeSale(seriesId: $id) { id } }", &json!({ "id": series })).await?;
    Ok(())
}

/// `count` fans join; their queue tokens.
///
/// # Errors
/// If the server refuses one of them.
pub(super) async fn join(host: SocketAddr, series: &str, count: usize) -> Result<Vec<String>, String> {
    let connections = CONNECTIONS.min(count);
    let shares = (0..connections).map(|share| async move {
        let mut api = Api::connect(host, None).await?;
        let mut tokens = Vec::new();
        for fan in (share..count).step_by(connections) {
            tokens.push(join_one(&mut api, series, fan).await?);
        }
        Ok::<_, String>(tokens)
    });
    Ok(try_join_all(shares).await?.concat())
}

async fn join_one(api: &mut Api, series: &str, fan: usize) -> Result<String, String> {
    let issue =
        "mutation ($input: IssueTokenInput!) { issueToken(input: $input) { token problem { code } } }";
    let input = json!({ "seriesId": series, "userId": format!("fan-{fan:030}") });
    let issued = api.run(issue, &json!({ "input": input })).await?;
    text(&issued["issueToken"]["token"]).map_err(|_| format!("a fan could not join: {issued}"))
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("the server answered {value}"))
}
