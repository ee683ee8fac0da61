//! One fan: a socket, its subscriptions, and the moment at which the good news arrives.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    Admission,
    crowd::{Places, SESSION},
    socket::Socket,
};
use crate::clock::Clock;

const SUBSCRIPTION: &str = "subscription { queuePosition { tokenId status position waiting estimatedWaitSeconds \
                            admittedUntil availableSeats } }";

/// For a fan with places in several dates.
const SUBSCRIPTION_BY_ID: &str = "subscription ($id: ID!) { queuePosition(tokenId: $id) { tokenId status position \
                                  waiting estimatedWaitSeconds admittedUntil availableSeats } }";

/// A fan whose subscriptions have all answered once.
pub(super) struct Fan {
    socket: Socket,
    /// The subscriptions, by number, that have not told of an admission yet.
    waiting: Vec<usize>,
}

impl Fan {
    /// Connects and subscribes to every place.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) async fn open(number: usize, host: SocketAddr, places: &Places) -> Result<Self, String> {
        let mut socket = Socket::open(number, host, Some(&places.jwt)).await?;
        for (nth, id) in places.ids.iter().enumerate() {
            let payload = match places.ids.len() {
                1 => json!({ "query": SUBSCRIPTION }),
                _ => json!({ "query": SUBSCRIPTION_BY_ID, "variables": { "id": id } }),
            };
            socket.subscribe(nth, &payload).await?;
            socket.expect("\"next\"").await?;
        }
        Ok(Self { socket, waiting: (0..places.ids.len()).collect() })
    }

    /// Listens until the next of the places is admitted; `None` once all are. `heard` counts the messages.
    ///
    /// # Errors
    /// If the server ends the socket or a subscription first.
    pub(super) async fn wait(
        &mut self,
        clock: &Clock,
        heard: &AtomicU64,
    ) -> Result<Option<Admission>, String> {
        while !self.waiting.is_empty() {
            let text = self.socket.hear().await?;
            let now = clock.now();
            heard.fetch_add(1, Ordering::Relaxed);
            if text.contains("\"ADMITTED\"") {
                let (nth, at) = admitted(&text)?;
                // News of a place that is admitted already is none.
                if let Some(found) = self.waiting.iter().position(|waits| *waits == nth) {
                    self.waiting.swap_remove(found);
                    let delay = u64::try_from((now - at).num_milliseconds()).unwrap_or_default();
                    return Ok(Some(Admission { at: at.timestamp_millis(), delay }));
                }
            }
        }
        Ok(None)
    }

    /// Stays, so that its subscriptions go on costing what they cost.
    pub(super) async fn stay(mut self, heard: &AtomicU64) {
        while self.socket.hear().await.is_ok() {
            heard.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Which subscription it was, and when. The session began with the admission, and its length is ours.
fn admitted(text: &str) -> Result<(usize, DateTime<Utc>), String> {
    let message: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let nth = message["id"].as_str().and_then(|id| id.parse().ok());
    let until = &message["payload"]["data"]["queuePosition"]["admittedUntil"];
    let until = until.as_str().and_then(|until| until.parse::<DateTime<Utc>>().ok());
    let told = nth.zip(until).map(|(nth, until)| (nth, until - SESSION));
    told.ok_or_else(|| format!("an admission without an end: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admission_is_one_session_before_its_end() {
        let text = r#"{"id":"1","type":"next","payload":{"data":{"queuePosition":
            {"status":"ADMITTED","admittedUntil":"2026-11-02T10:00:00.250Z"}}}}"#;
        let (nth, at) = admitted(text).unwrap();
        assert_eq!((nth, at.to_rfc3339().as_str()), (1, "2026-11-01T10:00:00.250+00:00"));
        assert!(admitted(&text.replace("2026", "soon")).is_err());
    }
}
