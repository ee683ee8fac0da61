//! What fans say on their way, as bytes, and what they take from the answers.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::load::find;
use crate::bench::fans::api;

const JOIN: &str =
    "mutation ($input: IssueTokenInput!) { issueToken(input: $input) { token problem { code } } }";
const CHARGE: &str = "mutation ($input: ChargeInput!) { charge(input: $input) { problem { code } } }";
const HOLD: &str = "mutation ($input: HoldSeatInput!) { holdSeat(input: $input) { hold { id expiresAt } problem { code } } }";
const HOLD_MANY: &str =
    "mutation ($input: HoldSeatsInput!) { holdSeats(input: $input) { holds { id } problem { code } } }";
const HOLD_BEST: &str = "mutation { holdBestSeats(input: { count: 1 }) { problem { code } } }";
const PAY: &str =
    "mutation ($input: PayInput!) { pay(input: $input) { payment { id amount } problem { code } } }";

/// Seats that one fan may have, and has when a house is to be filled soon.
pub(in crate::bench) const MOST_SEATS: usize = 100;

/// Where the requests go.
#[derive(Clone, Copy)]
pub(in crate::bench) struct Wording(pub(in crate::bench) SocketAddr);

impl Wording {
    /// Joins the waiting room of a date.
    pub(in crate::bench) fn join(self, series: &str, user: &str) -> Vec<u8> {
        self.request(None, JOIN, &json!({ "seriesId": series, "userId": user }))
    }

    /// Puts points into the wallet of the token's owner.
    pub(super) fn charge(self, token: &str, amount: usize) -> Vec<u8> {
        self.request(Some(token), CHARGE, &json!({ "amount": amount, "idempotencyKey": "charge" }))
    }

    /// Holds one seat or several.
    pub(super) fn hold(self, token: &str, seats: &[String]) -> Vec<u8> {
        match seats {
            [seat] => self.request(Some(token), HOLD, &json!({ "seatId": seat })),
            seats => self.request(Some(token), HOLD_MANY, &json!({ "seatIds": seats })),
        }
    }

    /// Holds the best seat.
    pub(super) fn hold_best(self, token: &str) -> Vec<u8> {
        self.request(Some(token), HOLD_BEST, &json!(null))
    }

    /// Pays for what is held.
    pub(super) fn pay(self, token: &str) -> Vec<u8> {
        self.request(Some(token), PAY, &json!({ "idempotencyKey": "pay" }))
    }

    /// Asks for next to nothing: what HTTP alone costs.
    pub(in crate::bench) fn health(self) -> Vec<u8> {
        format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", self.0).into_bytes()
    }

    fn request(self, token: Option<&str>, query: &str, input: &Value) -> Vec<u8> {
        let body = json!({ "query": query, "variables": { "input": input } });
        api::request(self.0, token, &body.to_string())
    }
}

/// Sees that an operation was carried out.
///
/// # Errors
/// With the answer, if it was not.
pub(super) fn done(answer: &[u8]) -> Result<(), String> {
    match find(answer, b"\"problem\":null") {
        Some(_) => Ok(()),
        None => Err(format!("the server answered {}", String::from_utf8_lossy(answer))),
    }
}

/// The token of a fan who has joined.
///
/// # Errors
/// With the answer, if there is none.
pub(in crate::bench) fn token(answer: &[u8]) -> Result<String, String> {
    done(answer)?;
    let text = String::from_utf8_lossy(answer);
    let token = text.split_once("\"token\":\"").and_then(|(_, rest)| rest.split_once('"'));
    token.map(|(token, _)| token.to_owned()).ok_or_else(|| format!("the server answered {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_was_not_done() {
        assert!(done(br#"{"data":{"holdSeat":{"hold":{"id":"1"},"problem":null}}}"#).is_ok());
        assert!(done(br#"{"data":{"holdSeat":{"hold":null,"problem":{"code":"SEAT_TAKEN"}}}}"#).is_err());
        assert!(done(br#"{"data":null,"errors":[{"message":"no"}]}"#).is_err());
    }

    #[test]
    fn a_token_is_what_stands_in_the_quotes() {
        let answer = br#"{"data":{"issueToken":{"token":"a.b.c","problem":null}}}"#;
        assert_eq!(token(answer).as_deref(), Ok("a.b.c"));
    }
}
