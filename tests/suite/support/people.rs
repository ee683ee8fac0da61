//! Those who use the server, by its public API and nothing else.

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Reply, Watch, code_of, int, text};

/// What is to be known of a place.
pub(crate) const PLACE: &str = "tokenId status position waiting admittedUntil availableSeats seriesStatus";

const PROBLEM: &str = "problem { code message ... on SeatTaken { seats { id number } } \
     ... on NotAdmitted { position { status position } } ... on InsufficientPoints { balance required } }";

/// Somebody at the API.
#[derive(Debug, Clone)]
pub(crate) struct Fan {
    pub(crate) user: String,
    pub(crate) bearer: Option<String>,
    /// The last place that was joined.
    pub(crate) token: String,
    http: reqwest::Client,
    address: SocketAddr,
}

impl Fan {
    pub(crate) fn new(
        http: reqwest::Client,
        address: SocketAddr,
        user: &str,
        bearer: Option<String>,
    ) -> Self {
        Self { user: user.to_owned(), bearer, token: String::new(), http, address }
    }

    /// Sends a request.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Reply {
        let request = self.http.post(format!("http://{}/graphql", self.address));
        let request = match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
        Reply(answer.json().await.unwrap())
    }

    /// Sends a body as it is.
    pub(crate) async fn post(&self, body: String) -> Reply {
        let request = self.http.post(format!("http://{}/graphql", self.address));
        let request = match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        Reply(answer.json().await.unwrap())
    }

    /// A query without variables; the field of that name.
    pub(crate) async fn get(&self, field: &str, query: &str) -> Value {
        self.ask(query, json!({})).await.field(field)
    }

    /// Subscribes.
    pub(crate) async fn watch(&self, query: &str, variables: Value) -> Watch {
        Watch::open(self.address, self.bearer.as_deref(), query, variables).await
    }

    /// A mutation with one `input`; the response as it is.
    pub(crate) async fn try_act(&self, name: &str, input: Value, select: &str) -> Reply {
        let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query =
            format!("mutation($input: {input_type}!) {{ {name}(input: $input) {{ {select} {PROBLEM} }} }}");
        self.ask(&query, json!({ "input": input })).await
    }

    /// The same; its payload.
    pub(crate) async fn act(&self, name: &str, input: Value, select: &str) -> Value {
        self.try_act(name, input, select).await.field(name)
    }

    /// Joins; from then on the queue token is shown. The second call comes back to the place that the first one
    /// made, and is answered only when all that followed from the first has been done: an admission, say.
    pub(crate) async fn join(&mut self, series: &str) -> Value {
        let select = format!("token tokenId position {{ {PLACE} }}");
        let mut payload = self.act("issueToken", json!({ "seriesId": series }), &select).await;
        if code_of(&payload).is_none() {
            payload = self.act("issueToken", json!({ "seriesId": series }), &select).await;
        }
        if code_of(&payload).is_none() {
            self.bearer = Some(text(&payload["token"]));
            self.token = text(&payload["tokenId"]);
        }
        payload
    }

    /// Says that one is still there.
    pub(crate) async fn heartbeat(&self) -> Value {
        self.get("heartbeat", &format!("mutation {{ heartbeat {{ {PLACE} }} }}")).await
    }

    /// Where the place stands, without a sign of life.
    pub(crate) async fn place(&self) -> Value {
        self.get("token", &format!("{{ token {{ position {{ {PLACE} }} }} }}")).await["position"].clone()
    }

    /// The status of the place, without a sign of life.
    pub(crate) async fn status(&self) -> String {
        text(&self.place().await["status"])
    }

    pub(crate) async fn leave(&self) -> Value {
        self.get("leaveQueue", &format!("mutation {{ leaveQueue {{ {PLACE} }} }}")).await
    }

    pub(crate) async fn watch_place(&self) -> Watch {
        self.watch(&format!("subscription {{ queuePosition {{ {PLACE} }} }}"), json!({})).await
    }

    pub(crate) async fn watch_seats(&self, series: &str, since: Option<i64>) -> Watch {
        let query = "subscription($id: ID!, $since: Int) { seatAvailability(seriesId: $id, sinceVersion: $since) \
             { version snapshot availableCount seats { id number status } } }";
        self.watch(query, json!({ "id": series, "since": since })).await
    }

    pub(crate) async fn hold(&self, seat: &str) -> Value {
        self.act("holdSeat", json!({ "seatId": seat }), "hold { id status createdAt expiresAt }").await
    }

    /// Holds a seat that must be free; the hold's id.
    pub(crate) async fn must_hold(&self, seat: &str) -> String {
        let payload = self.hold(seat).await;
        text(&payload["hold"]["id"])
    }

    pub(crate) async fn release(&self, hold: &str) -> Value {
        self.act("releaseHold", json!({ "holdId": hold }), "hold { id status }").await
    }

    pub(crate) async fn pay(&self, key: &str) -> Value {
        let select = "payment { id amount status } reservations { id seat { id } } points { balance }";
        self.act("pay", json!({ "idempotencyKey": key }), select).await
    }

    pub(crate) async fn charge(&self, amount: i64, key: &str) -> Value {
        let input = json!({ "amount": amount, "idempotencyKey": key });
        self.act("charge", input, "points { balance } entry { id amount balanceAfter }").await
    }

    pub(crate) async fn use_points(&self, amount: i64, key: &str) -> Value {
        let input = json!({ "amount": amount, "idempotencyKey": key });
        self.act("usePoints", input, "points { balance } entry { id amount balanceAfter }").await
    }

    pub(crate) async fn cancel(&self, reservation: &str, key: &str) -> Value {
        let input = json!({ "reservationId": reservation, "idempotencyKey": key });
        let select = "reservation { id status payment { status } } points { balance }";
        self.act("cancelReservation", input, select).await
    }

    pub(crate) async fn balance(&self) -> i64 {
        int(&self.get("points", "{ points { balance } }").await["balance"])
    }

    /// The ledger, newest line first: kind, amount, balance after.
    pub(crate) async fn ledger(&self) -> Vec<(String, i64, i64)> {
        let query = "{ points { history(first: 100) { nodes { kind amount balanceAfter } } } }";
        let lines = self.get("points", query).await["history"]["nodes"].clone();
        let line = |l: &Value| (text(&l["kind"]), int(&l["amount"]), int(&l["balanceAfter"]));
        lines.as_array().unwrap().iter().map(line).collect()
    }

    /// How many tickets stand.
    pub(crate) async fn tickets(&self) -> usize {
        let query = "{ reservations(first: 100) { nodes { status } } }";
        let nodes = self.get("reservations", query).await["nodes"].clone();
        nodes.as_array().unwrap().iter().filter(|ticket| ticket["status"] == "CONFIRMED").count()
    }

    /// Joins, holds, charges and pays; the payload of the payment.
    pub(crate) async fn buy(&mut self, house: &Date, seat: usize) -> Value {
        self.join(&house.series).await;
        self.must_hold(&house.seats[seat]).await;
        self.charge(house.price, &format!("charge for {}", house.seats[seat])).await;
        let paid = self.pay(&format!("pay for {}", house.seats[seat])).await;
        assert_eq!(code_of(&paid), None, "{paid}");
        paid
    }
}

/// A date, as an organiser has made it.
#[derive(Debug, Clone)]
pub(crate) struct Date {
    pub(crate) concert: String,
    pub(crate) series: String,
    /// The ids by number.
    pub(crate) seats: Vec<String>,
    pub(crate) price: i64,
}

/// How a date is to be.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The sale opens so long after the clock's time.
    pub(crate) opens: TimeDelta,
    /// It closes so long after the clock's time.
    pub(crate) closes: TimeDelta,
    /// The concert begins so long after the clock's time.
    pub(crate) begins: TimeDelta,
    /// One section of so many rows and columns at 10,000 points; otherwise the standard house.
    pub(crate) rows_and_cols: Option<(i32, i32)>,
    pub(crate) policy: Value,
}

impl Default for Plan {
    fn default() -> Self {
        let week = TimeDelta::days(7);
        Self { opens: TimeDelta::zero(), closes: week, begins: week, rows_and_cols: None, policy: json!({}) }
    }
}

impl Plan {
    /// The standard house with this policy.
    pub(crate) fn policy(policy: Value) -> Self {
        Self { policy, ..Self::default() }
    }

    /// A house of so many rows and columns.
    pub(crate) fn small(rows: i32, cols: i32, policy: Value) -> Self {
        Self { rows_and_cols: Some((rows, cols)), policy, ..Self::default() }
    }
}

/// Somebody who may create concerts.
#[derive(Debug, Clone)]
pub(crate) struct Organizer {
    pub(crate) fan: Fan,
    now: DateTime<Utc>,
}

impl Organizer {
    pub(crate) fn new(fan: Fan, now: DateTime<Utc>) -> Self {
        Self { fan, now }
    }

    /// Creates a concert; its id.
    pub(crate) async fn concert(&self, title: &str) -> String {
        let query = "mutation($title: String!) { createConcert(input: { title: $title }) { id } }";
        text(&self.fan.ask(query, json!({ "title": title })).await.field("createConcert")["id"])
    }

    /// Creates a concert with one date.
    pub(crate) async fn date(&self, plan: Plan) -> Date {
        let concert = self.concert("Soundtracks").await;
        self.series(&concert, plan).await
    }

    /// Creates a date of a concert.
    pub(crate) async fn series(&self, concert: &str, plan: Plan) -> Date {
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
            "mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id seats { id } } }";
        let made = self.fan.ask(query, json!({ "input": input })).await.field("createSeries");
        let seats = made["seats"].as_array().unwrap().iter().map(|seat| text(&seat["id"])).collect();
        Date { concert: concert.to_owned(), series: text(&made["id"]), seats, price: 10_000 }
    }

    /// `pauseSale` or `resumeSale`.
    pub(crate) async fn turn(&self, mutation: &str, series: &str) -> Value {
        let query = format!("mutation($id: ID!) {{ {mutation}(seriesId: $id) {{ status }} }}");
        self.fan.ask(&query, json!({ "id": series })).await.field(mutation)
    }
}

impl Date {
    /// The status of each seat, by number, as anybody sees it.
    pub(crate) async fn look(&self, anybody: &Fan) -> Vec<String> {
        let query = "query($id: ID!) { seats(seriesId: $id) { status } }";
        let seats = anybody.ask(query, json!({ "id": self.series })).await.field("seats");
        seats.as_array().unwrap().iter().map(|seat| text(&seat["status"])).collect()
    }
}
