//! A fan who wants a seat, and who writes down what was asked and what was answered.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::api::{Api, Unanswered};
use crate::server::Victim;
use crate::socket::{Incoming, Socket};

/// Points that each fan charges: enough for two seats.
pub(crate) const CHARGE: i64 = 20_000;

/// Counts acknowledged mutations and kills the server at one of them.
pub(crate) struct Moment {
    acknowledged: AtomicUsize,
    /// Which acknowledgement is the last; `None` for a server that lives on.
    last: Option<(usize, Victim)>,
    /// Puts what is sent and answered into one order.
    ticks: AtomicUsize,
}

impl Moment {
    pub(crate) fn never() -> Self {
        Self { acknowledged: AtomicUsize::new(0), last: None, ticks: AtomicUsize::new(0) }
    }

    pub(crate) fn after(acknowledged: usize, victim: Victim) -> Self {
        Self { last: Some((acknowledged, victim)), ..Self::never() }
    }

    /// Whether the moment has come.
    pub(crate) fn is_over(&self) -> bool {
        self.last.as_ref().is_some_and(|(last, _)| self.acknowledged.load(Ordering::SeqCst) >= *last)
    }

    fn acknowledge(&self) {
        let count = self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some((last, victim)) = &self.last
            && count == *last
        {
            victim.kill();
        }
    }

    fn tick(&self) -> usize {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }
}

/// What became of a mutation.
#[derive(Debug, Default)]
pub(crate) enum Call<T> {
    #[default]
    NotMade,
    Unanswered,
    Answered(T),
}

impl<T> Call<T> {
    pub(crate) fn answer(&self) -> Option<&T> {
        if let Self::Answered(answer) = self { Some(answer) } else { None }
    }

    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self, Self::Unanswered)
    }
}

/// A place in line as last seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) position: i64,
    /// Who stands behind: in a line that nobody joins or leaves any more this never changes.
    pub(crate) behind: i64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Fan {
    pub(crate) user: String,
    /// How many seats; one will do if there are not so many side by side.
    pub(crate) wants: i64,
    /// The id of the seat that is asked for first, for a fan who has one in mind.
    favourite: Option<String>,
    series: String,
    /// The queue token.
    pub(crate) token: String,
    /// When the join was sent and when it was answered.
    pub(crate) joined: (usize, usize),
    pub(crate) join: Call<String>,
    pub(crate) seen: Option<Seen>,
    /// The ids of the holds.
    pub(crate) hold: Call<Vec<String>>,
    /// The id of the line in the ledger.
    pub(crate) charge: Call<String>,
    /// The ids of the payment and of the reservations.
    pub(crate) pay: Call<(String, Vec<String>)>,
}

impl Fan {
    pub(crate) fn new(number: usize, series: &str, seats: &[String]) -> Self {
        Self {
            user: format!("fan-{number}"),
            wants: if number.is_multiple_of(10) { 2 } else { 1 },
            favourite: (number % 3 == 1).then(|| seats[number * 7 % seats.len()].clone()),
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

    /// Joins, or comes back.
    pub(crate) async fn join(&mut self, api: &Api, moment: &Moment) -> Result<(), Unanswered> {
        let query = "mutation($series: ID!, $user: String!) {
            issueToken(input: { seriesId: $series, userId: $user }) {
                token tokenId position { status position waiting } problem { code } } }";
        self.join = Call::Unanswered;
        self.joined.0 = moment.tick();
        let done = api.call("", query, json!({ "series": self.series, "user": self.user })).await?;
        let joined = &done["issueToken"];
        assert!(joined["problem"].is_null(), "{joined}");
        self.token = text(&joined["token"]);
        self.joined.1 = moment.tick();
        self.join = Call::Answered(text(&joined["tokenId"]));
        moment.acknowledge();
        self.look(&joined["position"]);
        Ok(())
    }

    /// Asks for the place.
    pub(crate) async fn look_again(&mut self, api: &Api) -> Result<(), Unanswered> {
        let place = api.call(&self.token, "{ queuePosition { status position waiting } }", json!({})).await?;
        self.look(&place["queuePosition"]);
        Ok(())
    }

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
    pub(crate) async fn buy(&mut self, api: &Api, moment: &Moment) -> Result<(), Unanswered> {
        if self.pay.answer().is_some() || !self.admitted(api).await? {
            return Ok(());
        }
        if self.hold.answer().is_none() && !self.choose(api, moment).await? {
            return Ok(());
        }
        if self.charge.answer().is_none() {
            self.charge(api, moment).await?;
        }
        self.pay(api, moment).await
    }

    /// Watches the place until it is this fan's turn, or until there is nothing to wait for.
    async fn admitted(&mut self, api: &Api) -> Result<bool, Unanswered> {
        let mut socket = Socket::open(api.address, &self.token).await?;
        let place = "subscription { queuePosition { status position waiting seriesStatus } }";
        socket.subscribe("place", place, json!({})).await?;
        loop {
            let Incoming::Next(next) = socket.next().await else { return Err(Unanswered) };
            let place = &next["queuePosition"];
            self.look(place);
            match place["status"].as_str() {
                Some("ADMITTED") => return Ok(true),
                Some("WAITING") if place["seriesStatus"] == "SOLD_OUT" => return Ok(false),
                Some("WAITING") => {}
                _ => panic!("{}: {place}", self.user),
            }
        }
    }

    async fn choose(&mut self, api: &Api, moment: &Moment) -> Result<bool, Unanswered> {
        if let Some(seat) = self.favourite.take() {
            let query = "mutation($seat: ID!) { holdSeat(input: { seatId: $seat }) { hold { id } problem { code } } }";
            self.hold = Call::Unanswered;
            let done = api.call(&self.token, query, json!({ "seat": seat })).await?;
            let held = &done["holdSeat"];
            if held["problem"].is_null() {
                return Ok(self.held(vec![text(&held["hold"]["id"])], moment));
            }
            none_left(held);
        }
        for count in (1..=self.wants).rev() {
            let query = "mutation($count: Int!) {
                holdBestSeats(input: { count: $count }) { holds { id } problem { code } } }";
            self.hold = Call::Unanswered;
            let done = api.call(&self.token, query, json!({ "count": count })).await?;
            let held = &done["holdBestSeats"];
            if held["problem"].is_null() {
                return Ok(self.held(ids(&held["holds"]), moment));
            }
            none_left(held);
        }
        self.hold = Call::NotMade;
        Ok(false)
    }

    fn held(&mut self, holds: Vec<String>, moment: &Moment) -> bool {
        self.hold = Call::Answered(holds);
        moment.acknowledge();
        true
    }

    /// Charges, under a key that is always the same.
    pub(crate) async fn charge(&mut self, api: &Api, moment: &Moment) -> Result<(), Unanswered> {
        let query = "mutation($amount: Int!) {
            charge(input: { amount: $amount, idempotencyKey: \"charge\" }) { entry { id } problem { code } } }";
        self.charge = Call::Unanswered;
        let done = api.call(&self.token, query, json!({ "amount": CHARGE })).await?;
        assert!(done["charge"]["problem"].is_null(), "{done}");
        self.charge = Call::Answered(text(&done["charge"]["entry"]["id"]));
        moment.acknowledge();
        Ok(())
    }

    /// Pays, under a key that is always the same.
    pub(crate) async fn pay(&mut self, api: &Api, moment: &Moment) -> Result<(), Unanswered> {
        let query = "mutation { pay(input: { idempotencyKey: \"pay\" }) {
            payment { id } reservations { id } problem { code } } }";
        self.pay = Call::Unanswered;
        let done = api.call(&self.token, query, json!({})).await?;
        assert!(done["pay"]["problem"].is_null(), "{done}");
        self.pay = Call::Answered((text(&done["pay"]["payment"]["id"]), ids(&done["pay"]["reservations"])));
        moment.acknowledge();
        Ok(())
    }
}

/// The only problems that a fan whose turn it is may have with a seat.
fn none_left(held: &Value) {
    let code = &held["problem"]["code"];
    assert!(code == "SEAT_TAKEN" || code == "SOLD_OUT", "{held}");
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The ids of a list of objects.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap_or_else(|| panic!("no list: {list}"))
        .iter()
        .map(|each| text(&each["id"]))
        .collect()
}
