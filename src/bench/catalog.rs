//! What every measurement needs before anybody can come: concerts and dates, made by an organiser over the API.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{fans::api::Api, sale::fans::MOST_SEATS};
use crate::clock::Clock;

/// Seats of a row.
pub(super) const COLUMNS: usize = 100;

/// A concert; its id.
///
/// # Errors
/// If the server refuses it.
pub(super) async fn create_concert(organizer: &mut Api, title: &str) -> Result<String, String> {
    let query = "mutation ($title: String!) { createConcert(input: { title: $title }) { id } }";
    text(&organizer.run(query, &json!({ "title": title })).await?["createConcert"]["id"])
}

/// A date of a concert that has been on sale for an hour, and is for two days; these `fields` of it. `house`: rows and
/// columns of its only section, or else the standard house.
///
/// # Errors
/// If the server refuses it.
pub(super) async fn create_date(
    organizer: &mut Api,
    concert: &str,
    house: Option<(usize, usize)>,
    policy: Value,
    fields: &str,
) -> Result<Value, String> {
    let now = Clock::system().now();
    let at = |hours| (now + TimeDelta::hours(hours)).to_rfc3339();
    let mut input = json!({
        "concertId": concert, "startAt": at(48), "endAt": at(51), "reserveStartAt": at(-1), "reserveEndAt": at(47),
        "queuePolicy": policy,
    });
    if let Some((rows, cols)) = house {
        input["sections"] = json!([{ "name": "Floor", "rows": rows, "cols": cols, "price": 1 }]);
    }
    let create =
        format!("mutation ($input: CreateSeriesInput!) {{ createSeries(input: $input) {{ {fields} }} }}");
    Ok(organizer.run(&create, &json!({ "input": input })).await?["createSeries"].take())
}

/// Rows and columns of a house of so many seats, or a few more.
pub(super) fn house(seats: usize) -> (usize, usize) {
    (seats.div_ceil(COLUMNS), COLUMNS.min(seats))
}

/// A policy under which at most so many are admitted at once, who stay all day and hold as much as one may.
pub(super) fn all_day(most: &Value) -> Value {
    const DAY: i32 = 86_400;
    json!({
        "maxActive": most, "maxSeatsPerUser": MOST_SEATS, "heartbeatTimeoutSeconds": DAY, "sessionSeconds": DAY,
    })
}

/// The ids in a list of objects.
///
/// # Errors
/// With what was answered, if one has none.
pub(super) fn ids(list: &Value) -> Result<Vec<String>, String> {
    list.as_array().into_iter().flatten().map(|one| text(&one["id"])).collect()
}

/// What must be a text.
///
/// # Errors
/// With what was answered instead.
pub(super) fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("the server answered {value}"))
}
