//! A fan who wants a seat, and who writes down what was asked and what was answered, to be held against what is there
//! after an accident.
//!
//! With a [`Client`] that gives up, a call that got no answer ends what the fan is doing; with one that does not, the fan
//! asks on, at whichever server, until there is an answer.

use serde_json::{Value, json};

use crate::{Client, Incoming, Moments, Socket, Unanswered, ids, text};

/// Points that each fan charges: enough for two seats.
pub const CHARGE: i64 = 20_000;

/// What became of a mutation.
#[derive(Debug, Default)]
pub enum Call<T> {
    /// Nothing was asked.
    #[default]
    NotMade,
    /// Whether it was done is not known.
    Unanswered,
    /// It was done, and this was told.
    Answered(T),
}

impl<T> Call<T> {
    /// What was told.
    pub fn answer(&self) -> Option<&T> {
        if let Self::Answered(answer) = self { Some(answer) } else { None }
    }

    /// Whether it was made and nothing was told.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Unanswered)
    }
}

/// A place in line as last seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// From 1 on.
    pub position: i64,
    /// Who stands behind: in a line that nobody joins or leaves any more this never changes.
    pub behind: i64,
}

/// A fan, and what was asked and answered.
#[derive(Debug)]
pub struct Witness {
    /// The name.
    pub user: String,
    /// How many seats; one will do if there are not so many side by side.
    wants: i64,
    /// The id of the seat that is asked for first, for a fan who has one in mind.
    favourite: Option<String>,
    series: String,
    /// The queue token.
    pub token: String,
    /// When the join was sent and when it was answered.
    pub joined: (usize, usize),
    /// The id of the place.
    pub join: Call<String>,
    /// The place, while it is one in line.
    pub seen: Option<Seen>,
    /// The ids of the holds.
    pub hold: Call<Vec<String>>,
    /// The id of the line in the ledger.
    pub charge: Call<String>,
    /// The ids of the payment and of the reservations.
    pub pay: Call<(String, Vec<String>)>,
}

impl Witness {
    /// Somebody who takes any one seat of the date.
    pub fn new(number: usize, series: &str) -> Self {
        Self {
            user: format!("fan-{number}"),
            wants: 1,
            favourite: None,
            series: series.to_owned(),
            token: String::new(),
            joined: (0, 0),
            join: Call::NotMade,
            seen: None,
            hold: Call::NotMade,
            charge: Call::NotMade,
            pay: Call::NotMade,
        }
    }

    /// The same, of whom some want two seats, and some a certain one of these.
    pub fn choosy(number: usize, series: &str, seats: &[String]) -> Self {
        Self {
            wants: if number.is_multiple_of(10) { 2 } else { 1 },
            favourite: (number % 3 == 1).then(|| seats[number * 7 % seats.len()].clone()),
            ..Self::new(number, series)
        }
    }

    /// Joins, or comes back.
    pub async fn join(&mut self, client: &Client, moments: &Moments) -> Result<(), Unanswered> {
        let query = "mutation($series: ID!, $user: String!) {
            issueToken(input: { seriesId: $series, userId: $user }) {
                token tokenId position { status position waiting } problem { code } } }";
        self.join = Call::Unanswered;
        self.joined.0 = moments.tick();
        let done = client.call("", query, json!({ "series": self.series, "user": self.user })).await?;
        let joined = &done["issueToken"];
        assert!(joined["problem"].is_null(), "{joined}");
        self.token = text(&joined["token"]);
        self.joined.1 = moments.tick();
        self.join = Call::Answered(text(&joined["tokenId"]));
        moments.acknowledge();
        self.look(&joined["position"]);
        Ok(())
    }

    /// Asks for the place.
    pub async fn look_again(&mut self, client: &Client) -> Result<(), Unanswered> {
        let place =
            client.call(&self.token, "{ queuePosition { status position waiting } }", json!({})).await?;
        self.look(&place["queuePosition"]);
        Ok(())
    }

    /// The place never grows, whatever happens to whichever process or store (rule 8).
    fn look(&mut self, place: &Value) {
        if place["status"] != "WAITING" {
            self.seen = None;
            return;
        }
        let position = place["position"].as_i64().unwrap();
        if let Some(seen) = self.seen {
            assert!(position <= seen.position, "the place of {} grew: {seen:?}, then {position}", self.user);
        }
        self.seen = Some(Seen { position, behind: place["waiting"].as_i64().unwrap() - position });
    }

    /// From the line to the ticket, from wherever the fan is; without one if the seats run out.
    pub async fn buy(&mut self, client: &Client, moments: &Moments) -> Result<(), Unanswered> {
        if self.pay.answer().is_some() || !self.admitted(client).await? {
            return Ok(());
        }
        if self.hold.answer().is_none() && !self.held(client, moments).await? {
            return Ok(());
        }
        if self.charge.answer().is_none() {
            self.charge(client, moments).await?;
        }
        self.pay(client, moments).await
    }

    /// Waits until it is this fan's turn, or until there is nothing to wait for.
    async fn admitted(&mut self, client: &Client) -> Result<bool, Unanswered> {
        if client.gives_up() { self.watch(client).await } else { self.ask_from_time_to_time(client).await }
    }

    async fn watch(&mut self, client: &Client) -> Result<bool, Unanswered> {
        let mut socket = Socket::open(client.address(), &self.token).await?;
        let place = "subscription { queuePosition { status position waiting seriesStatus } }";
        socket.subscribe("place", place, json!({})).await?;
        loop {
            let Incoming::Next(next) = socket.next().await else { return Err(Unanswered) };
            if let Some(turn) = self.turn(&next["queuePosition"]) {
                return Ok(turn);
            }
        }
    }

    async fn ask_from_time_to_time(&mut self, client: &Client) -> Result<bool, Unanswered> {
        let query = "mutation { heartbeat { status position waiting seriesStatus } }";
        loop {
            let place = client.call(&self.token, query, json!({})).await?;
            if let Some(turn) = self.turn(&place["heartbeat"]) {
                return Ok(turn);
            }
            client.rest().await;
        }
    }

    /// Whether it is this fan's turn; nothing while that may still come.
    fn turn(&mut self, place: &Value) -> Option<bool> {
        self.look(place);
        match place["status"].as_str() {
            Some("ADMITTED") => Some(true),
            Some("WAITING") => (place["seriesStatus"] == "SOLD_OUT").then_some(false),
            _ => panic!("{}: {place}", self.user),
        }
    }

    /// Holds what the fan wants; false if there is nothing left.
    async fn held(&mut self, client: &Client, moments: &Moments) -> Result<bool, Unanswered> {
        if client.gives_up() {
            self.choose(client, moments).await
        } else {
            self.hold_any(client, moments).await
        }
    }

    async fn choose(&mut self, client: &Client, moments: &Moments) -> Result<bool, Unanswered> {
        if let Some(seat) = self.favourite.take() {
            let query = "mutation($seat: ID!) { holdSeat(input: { seatId: $seat }) { hold { id } problem { code } } }";
            self.hold = Call::Unanswered;
            let done = client.call(&self.token, query, json!({ "seat": seat })).await?;
            let held = &done["holdSeat"];
            if held["problem"].is_null() {
                self.has(vec![text(&held["hold"]["id"])], moments);
                return Ok(true);
            }
            none_left(held, &[]);
        }
        for count in (1..=self.wants).rev() {
            if self.hold_best(count, &[], client, moments).await? {
                return Ok(true);
            }
        }
        self.hold = Call::NotMade;
        Ok(false)
    }

    /// Until there is one seat, or none for anybody.
    async fn hold_any(&mut self, client: &Client, moments: &Moments) -> Result<bool, Unanswered> {
        loop {
            // Of a call without an answer one does not know whether it was done.
            let held = ids(&client.call(&self.token, "{ holds { id } }", json!({})).await?["holds"]);
            if !held.is_empty() {
                self.hold = Call::Answered(held);
                return Ok(true);
            }
            if self.hold_best(1, &["SEAT_LIMIT_REACHED"], client, moments).await? {
                return Ok(true);
            }
            let query = "mutation { heartbeat { seriesStatus } }";
            if client.call(&self.token, query, json!({})).await?["heartbeat"]["seriesStatus"] == "SOLD_OUT" {
                self.hold = Call::NotMade;
                return Ok(false);
            }
            client.rest().await;
        }
    }

    async fn hold_best(
        &mut self,
        count: i64,
        excuses: &[&str],
        client: &Client,
        moments: &Moments,
    ) -> Result<bool, Unanswered> {
        let query = "mutation($count: Int!) {
            holdBestSeats(input: { count: $count }) { holds { id } problem { code } } }";
        self.hold = Call::Unanswered;
        let done = client.call(&self.token, query, json!({ "count": count })).await?;
        let held = &done["holdBestSeats"];
        if held["problem"].is_null() {
            self.has(ids(&held["holds"]), moments);
            return Ok(true);
        }
        none_left(held, excuses);
        Ok(false)
    }

    fn has(&mut self, holds: Vec<String>, moments: &Moments) {
        self.hold = Call::Answered(holds);
        moments.acknowledge();
    }

    /// Charges, under a key that is always the same.
    pub async fn charge(&mut self, client: &Client, moments: &Moments) -> Result<(), Unanswered> {
        let query = "mutation($amount: Int!) {
            charge(input: { amount: $amount, idempotencyKey: \"charge\" }) { entry { id } problem { code } } }";
        self.charge = Call::Unanswered;
        let done = client.call(&self.token, query, json!({ "amount": CHARGE })).await?;
        assert!(done["charge"]["problem"].is_null(), "{done}");
        self.charge = Call::Answered(text(&done["charge"]["entry"]["id"]));
        moments.acknowledge();
        Ok(())
    }

    /// Pays for what is held, under a key that is always the same.
    pub async fn pay(&mut self, client: &Client, moments: &Moments) -> Result<(), Unanswered> {
        let query = "mutation($holds: [ID!]) { pay(input: { holdIds: $holds, idempotencyKey: \"pay\" }) {
            payment { id } reservations { id } problem { code } } }";
        self.pay = Call::Unanswered;
        let done = client.call(&self.token, query, json!({ "holds": self.hold.answer() })).await?;
        assert!(done["pay"]["problem"].is_null(), "{done}");
        self.pay = Call::Answered((text(&done["pay"]["payment"]["id"]), ids(&done["pay"]["reservations"])));
        moments.acknowledge();
        Ok(())
    }

    /// What was told is there, once: for a fan who has charged, and had an answer to every call.
    pub async fn is_there(&self, client: &Client) {
        let query = "{ token { id status } points { balance history(first: 9) { nodes { id } } }
            payments(first: 9) { nodes { id } } reservations(first: 9) { nodes { id } } }";
        let there = client.call(&self.token, query, json!({})).await.unwrap();
        let (token, points, paid) = (&there["token"], &there["points"], self.pay.answer());
        assert_eq!(token["id"], *self.join.answer().unwrap());
        assert_eq!(token["status"] == "COMPLETED", paid.is_some(), "{token}");
        let (lines, charge) = (ids(&points["history"]["nodes"]), self.charge.answer().unwrap());
        assert_eq!(lines.iter().filter(|line| *line == charge).count(), 1, "{points}");
        let (payment, reservations) = paid.cloned().unzip();
        assert_eq!(ids(&there["payments"]["nodes"]), Vec::from_iter(payment));
        assert_eq!(ids(&there["reservations"]["nodes"]), reservations.unwrap_or_default());
        let spent = if paid.is_some() { 10_000 } else { 0 };
        assert_eq!((lines.len(), &points["balance"]), (1 + usize::from(spent > 0), &json!(CHARGE - spent)));
    }
}

/// The only problems that a fan whose turn it is may have with a seat, beside these.
fn none_left(held: &Value, excuses: &[&str]) {
    let code = held["problem"]["code"].as_str().unwrap();
    assert!(["SEAT_TAKEN", "SOLD_OUT"].contains(&code) || excuses.contains(&code), "{held}");
}
