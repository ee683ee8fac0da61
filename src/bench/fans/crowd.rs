//! The dates that the fans want, and the joins.

use std::net::SocketAddr;

use chrono::TimeDelta;
use futures_util::future::try_join_all;
use serde_json::json;

use super::api::Api;
use crate::bench::catalog::{create_concert, create_date, text};

/// How long an admitted fan may choose: longer than any run, so that nobody's session ends in it.
pub(super) const SESSION: TimeDelta = TimeDelta::hours(24);

/// Connections that the joins share.
const CONNECTIONS: usize = 64;

/// A fan's places: one in each date.
#[derive(Debug)]
pub(super) struct Places {
    /// The queue token of one of them: it says who the fan is.
    pub(super) jwt: String,
    /// The ids of all of them.
    pub(super) ids: Vec<String>,
}

/// Creates `count` dates that are on sale but paused: everybody waits until [`resume`]. Together they admit
/// `per_second`.
///
/// # Errors
/// If the server refuses.
pub(super) async fn create_dates(api: &mut Api, count: u32, per_second: u32) -> Result<Vec<String>, String> {
    let concert = create_concert(api, "Load").await?;
    let mut dates = Vec::new();
    for date in 0..count {
        let share = per_second / count + u32::from(date < per_second % count);
        dates.push(create_series(api, &concert, share).await?);
    }
    Ok(dates)
}

async fn create_series(api: &mut Api, concert: &str, per_second: u32) -> Result<String, String> {
    let seconds = SESSION.num_seconds();
    let policy = json!({
        "maxActive": null, "admitPerInterval": per_second, "intervalSeconds": 1,
        "heartbeatTimeoutSeconds": seconds, "sessionSeconds": seconds,
    });
    let id = text(&create_date(api, concert, None, policy, "id").await?["id"])?;
    api.run("mutation ($id: ID!) { pauseSale(seriesId: $id) { id } }", &json!({ "id": id })).await?;
    Ok(id)
}

/// Lets the first fans in.
///
/// # Errors
/// If the server refuses.
pub(super) async fn resume(api: &mut Api, dates: &[String]) -> Result<(), String> {
    for date in dates {
        api.run("mutation ($id: ID!) { resumeSale(seriesId: $id) { id } }", &json!({ "id": date })).await?;
    }
    Ok(())
}

/// `count` fans join every date.
///
/// # Errors
/// If the server refuses one of them.
pub(super) async fn join(host: SocketAddr, dates: &[String], count: usize) -> Result<Vec<Places>, String> {
    let mut fans: Vec<_> = (0..count).map(|_| Places { jwt: String::new(), ids: Vec::new() }).collect();
    for (nth, date) in dates.iter().enumerate() {
        // Another order for each date: nobody is admitted to all of them at once.
        for (fan, jwt, id) in join_date(host, date, count, nth * count / dates.len()).await? {
            fans[fan].jwt = jwt;
            fans[fan].ids.push(id);
        }
    }
    Ok(fans)
}

type Join = (usize, String, String);

async fn join_date(host: SocketAddr, date: &str, count: usize, first: usize) -> Result<Vec<Join>, String> {
    let connections = CONNECTIONS.min(count);
    let shares = (0..connections).map(|share| async move {
        let mut api = Api::connect(host, None).await?;
        let mut joins = Vec::new();
        for turn in (share..count).step_by(connections) {
            joins.push(join_one(&mut api, date, (first + turn) % count).await?);
        }
        Ok::<_, String>(joins)
    });
    Ok(try_join_all(shares).await?.concat())
}

async fn join_one(api: &mut Api, date: &str, fan: usize) -> Result<Join, String> {
    let issue = "mutation ($input: IssueTokenInput!) { issueToken(input: $input) { token tokenId problem { code } } }";
    let input = json!({ "seriesId": date, "userId": format!("fan-{fan:030}") });
    let issued = api.run(issue, &json!({ "input": input })).await?;
    let joined = &issued["issueToken"];
    let ids = || Ok::<_, String>((text(&joined["token"])?, text(&joined["tokenId"])?));
    let (jwt, id) = ids().map_err(|_| format!("a fan could not join: {issued}"))?;
    Ok((fan, jwt, id))
}
