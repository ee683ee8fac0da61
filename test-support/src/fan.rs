//! Those who use the server, by its public API and nothing else.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{Client, Date, Reply, Watch, code_of, int, text};

/// What is to be known of a place.
pub const PLACE: &str = "tokenId status position waiting admittedUntil availableSeats seriesStatus";

const PROBLEM: &str = "problem { code message ... on SeatTaken { seats { id number } } \
     ... on NotAdmitted { position { status position } } ... on InsufficientPoints { balance required } }";

/// Somebody at the API.
#[derive(Debug, Clone)]
pub struct Fan {
    /// The name.
    pub user: String,
    /// What is shown with each request; nothing by a stranger.
    pub bearer: Option<String>,
    /// The last place that was joined.
    pub token: String,
    client: Client,
}

impl Fan {
    /// Somebody who shows this.
    pub fn new(client: Client, user: &str, bearer: Option<String>) -> Self {
        Self { user: user.to_owned(), bearer, token: String::new(), client }
    }

    fn shown(&self) -> &str {
        self.bearer.as_deref().unwrap_or_default()
    }

    /// Where requests go.
    pub fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// Sends a request.
    pub async fn ask(&self, query: &str, variables: Value) -> Reply {
        self.client.ask(self.shown(), query, variables).await
    }

    /// Sends a body as it is.
    pub async fn post(&self, body: String) -> Reply {
        Reply(self.client.post(self.shown(), body).await.unwrap())
    }

    /// A query without variables; the field of that name.
    pub async fn get(&self, field: &str, query: &str) -> Value {
        self.ask(query, json!({})).await.field(field)
    }

    /// Subscribes.
    pub async fn watch(&self, query: &str, variables: Value) -> Watch {
        Watch::open(self.address(), self.bearer.as_deref(), query, variables).await
    }

    /// A mutation with one `input`; the response as it is.
    pub async fn try_act(&self, name: &str, input: Value, select: &str) -> Reply {
        let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query =
            format!("mutation($input: {input_type}!) {{ {name}(input: $input) {{ {select} {PROBLEM} }} }}");
        self.ask(&query, json!({ "input": input })).await
    }

    /// The same; its payload.
    pub async fn act(&self, name: &str, input: Value, select: &str) -> Value {
        self.try_act(name, input, select).await.field(name)
    }

    /// Joins; from then on the queue token is shown. The second call comes back to the place that the first one
    /// made, and is answered only when all that followed from the first has been done: an admission, say.
    pub async fn join(&mut self, series: &str) -> Value {
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
    pub async fn heartbeat(&self) -> Value {
        self.get("heartbeat", &format!("mutation {{ heartbeat {{ {PLACE} }} }}")).await
    }

    /// Where the place stands, without a sign of life.
    pub async fn place(&self) -> Value {
        self.get("token", &format!("{{ token {{ position {{ {PLACE} }} }} }}")).await["position"].clone()
    }

    /// The status of the place, without a sign of life.
    pub async fn status(&self) -> String {
        text(&self.place().await["status"])
    }

    /// Gives the place up.
    pub async fn leave(&self) -> Value {
        self.get("leaveQueue", &format!("mutation {{ leaveQueue {{ {PLACE} }} }}")).await
    }

    /// Watches the own place.
    pub async fn watch_place(&self) -> Watch {
        self.watch(&format!("subscription {{ queuePosition {{ {PLACE} }} }}"), json!({})).await
    }

    /// Watches the seats of a date, from after that version on if one is given.
    pub async fn watch_seats(&self, series: &str, since: Option<i64>) -> Watch {
        let query = "subscription($id: ID!, $since: Int) { seatAvailability(seriesId: $id, sinceVersion: $since) \
             { since version snapshot availableCount seats { id number status } } }";
        self.watch(query, json!({ "id": series, "since": since })).await
    }

    /// Holds a seat; the payload.
    pub async fn hold(&self, seat: &str) -> Value {
        self.act("holdSeat", json!({ "seatId": seat }), "hold { id status createdAt expiresAt }").await
    }

    /// Holds a seat that must be free; the hold's id.
    pub async fn must_hold(&self, seat: &str) -> String {
        let payload = self.hold(seat).await;
        text(&payload["hold"]["id"])
    }

    /// Gives a hold back.
    pub async fn release(&self, hold: &str) -> Value {
        self.act("releaseHold", json!({ "holdId": hold }), "hold { id status }").await
    }

    /// Pays for all holds.
    pub async fn pay(&self, key: &str) -> Value {
        let select = "payment { id amount status } reservations { id seat { id } } points { balance }";
        self.act("pay", json!({ "idempotencyKey": key }), select).await
    }

    /// Charges the own wallet.
    pub async fn charge(&self, amount: i64, key: &str) -> Value {
        let input = json!({ "amount": amount, "idempotencyKey": key });
        self.act("charge", input, "points { balance } entry { id amount balanceAfter }").await
    }

    /// Uses points of the own wallet.
    pub async fn use_points(&self, amount: i64, key: &str) -> Value {
        let input = json!({ "amount": amount, "idempotencyKey": key });
        self.act("usePoints", input, "points { balance } entry { id amount balanceAfter }").await
    }

    /// Gives a ticket back.
    pub async fn cancel(&self, reservation: &str, key: &str) -> Value {
        let input = json!({ "reservationId": reservation, "idempotencyKey": key });
        let select = "reservation { id status payment { status } } points { balance }";
        self.act("cancelReservation", input, select).await
    }

    /// Points in the wallet.
    pub async fn balance(&self) -> i64 {
        int(&self.get("points", "{ points { balance } }").await["balance"])
    }

    /// The ledger, newest line first: kind, amount, balance after.
    pub async fn ledger(&self) -> Vec<(String, i64, i64)> {
        let query = "{ points { history(first: 100) { nodes { kind amount balanceAfter } } } }";
        let lines = self.get("points", query).await["history"]["nodes"].clone();
        let line = |l: &Value| (text(&l["kind"]), int(&l["amount"]), int(&l["balanceAfter"]));
        lines.as_array().unwrap().iter().map(line).collect()
    }

    /// How many tickets stand.
    pub async fn tickets(&self) -> usize {
        let query = "{ reservations(first: 100) { nodes { status } } }";
        let nodes = self.get("reservations", query).await["nodes"].clone();
        nodes.as_array().unwrap().iter().filter(|ticket| ticket["status"] == "CONFIRMED").count()
    }

    /// Joins, holds, charges and pays; the payload of the payment.
    pub async fn buy(&mut self, house: &Date, seat: usize) -> Value {
        self.join(&house.series).await;
        self.must_hold(&house.seats[seat]).await;
        self.charge(house.price, &format!("charge for {}", house.seats[seat])).await;
        let paid = self.pay(&format!("pay for {}", house.seats[seat])).await;
        assert_eq!(code_of(&paid), None, "{paid}");
        paid
    }
}
