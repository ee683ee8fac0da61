//! Organisers, and the dates that they make.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{Client, Fan, now, text};

/// A date, as an organiser has made it.
#[derive(Debug, Clone)]
pub struct Date {
    /// The id of the concert.
    pub concert: String,
    /// The id of the date.
    pub series: String,
    /// The ids by number.
    pub seats: Vec<String>,
    /// Of each seat, in points.
    pub price: i64,
}

/// How a date is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The sale opens so long after the clock's time.
    pub opens: TimeDelta,
    /// It closes so long after the clock's time.
    pub closes: TimeDelta,
    /// The concert begins so long after the clock's time.
    pub begins: TimeDelta,
    /// One section of so many rows and columns at 10,000 points; otherwise the standard house.
    pub rows_and_cols: Option<(i32, i32)>,
    /// The fields of `QueuePolicyInput` that are not to be as usual.
    pub policy: Value,
}

impl Default for Plan {
    fn default() -> Self {
        let week = TimeDelta::days(7);
        Self { opens: TimeDelta::zero(), closes: week, begins: week, rows_and_cols: None, policy: json!({}) }
    }
}

impl Plan {
    /// The standard house with this policy.
    pub fn policy(policy: Value) -> Self {
        Self { policy, ..Self::default() }
    }

    /// A house of so many rows and columns.
    pub fn small(rows: i32, cols: i32, policy: Value) -> Self {
        Self { rows_and_cols: Some((rows, cols)), policy, ..Self::default() }
    }
}

/// Somebody who may create concerts.
#[derive(Debug, Clone)]
pub struct Organizer {
    /// As whoever they are.
    pub fan: Fan,
    now: DateTime<Utc>,
}

impl Organizer {
    /// Whose dates are planned from this time on.
    pub fn new(fan: Fan, now: DateTime<Utc>) -> Self {
        Self { fan, now }
    }

    /// Creates a concert; its id.
    pub async fn concert(&self, title: &str) -> String {
        let query = "mutation($title: String!) { createConcert(input: { title: $title }) { id } }";
        text(&self.fan.ask(query, json!({ "title": title })).await.field("createConcert")["id"])
    }

    /// Creates a concert with one date.
    pub async fn date(&self, plan: Plan) -> Date {
        let concert = self.concert("Soundtracks").await;
        self.series(&concert, plan).await
    }

    /// Creates a date of a concert.
    pub async fn series(&self, concert: &str, plan: Plan) -> Date {
        let made = self.create_series(concert, plan, "id seats { id }").await;
        let seats = made["seats"].as_array().unwrap().iter().map(|seat| text(&seat["id"])).collect();
        Date { concert: concert.to_owned(), series: text(&made["id"]), seats, price: 10_000 }
    }

    async fn create_series(&self, concert: &str, plan: Plan, select: &str) -> Value {
        let (begins, at) = (self.now + plan.begins, |span: TimeDelta| (self.now + span).to_rfc3339());
        let section =
            |(rows, cols)| json!([{ "name": "Floor", "rows": rows, "cols": cols, "price": 10_000 }]);
        let input = json!({
            "concertId": concert,
            "startAt": begins.to_rfc3339(),
            "endAt": (begins + TimeDelta::hours(3)).to_rfc3339(),
            "reserveStartAt": at(plan.opens),
            "reserveEndAt": at(plan.closes),
            "sections": plan.rows_and_cols.map(section),
            "queuePolicy": plan.policy,
        });
        let query =
            format!("mutation($input: CreateSeriesInput!) {{ createSeries(input: $input) {{ {select} }} }}");
        self.fan.ask(&query, json!({ "input": input })).await.field("createSeries")
    }

    /// `pauseSale` or `resumeSale`.
    pub async fn turn(&self, mutation: &str, series: &str) -> Value {
        let query = format!("mutation($id: ID!) {{ {mutation}(seriesId: $id) {{ status }} }}");
        self.fan.ask(&query, json!({ "id": series })).await.field(mutation)
    }
}

impl Date {
    /// The status of each seat, by number, as anybody sees it.
    pub async fn look(&self, anybody: &Fan) -> Vec<String> {
        let query = "query($id: ID!) { seats(seriesId: $id) { status } }";
        let seats = anybody.ask(query, json!({ "id": self.series })).await.field("seats");
        seats.as_array().unwrap().iter().map(|seat| text(&seat["status"])).collect()
    }
}

/// Creates a concert and one date of it with the standard house of 50 seats at 10,000 points; the date's id. For a
/// server that runs on the system's clock.
pub async fn create_series(client: &Client, organizer: &str, opens_in: TimeDelta, policy: Value) -> String {
    create_house(client, organizer, opens_in, policy, None).await
}

/// The same with a house of so many rows and columns, unless it is the standard one.
pub async fn create_house(
    client: &Client,
    organizer: &str,
    opens_in: TimeDelta,
    policy: Value,
    rows_and_cols: Option<(i32, i32)>,
) -> String {
    let organizer = Organizer::new(Fan::new(client.clone(), "organizer", Some(organizer.to_owned())), now());
    let concert = organizer.concert("Anime Soundtracks").await;
    let plan = Plan { opens: opens_in, closes: TimeDelta::days(6), rows_and_cols, policy, ..Plan::default() };
    text(&organizer.create_series(&concert, plan, "id").await["id"])
}
