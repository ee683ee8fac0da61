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

    /// Listens for as long as the server lives, so that its subscriptions go on costing what they cost; `heard` counts the
    /// messages, and `tell` is told of each place that is admitted.
    ///
    /// # Errors
    /// If the server ends the socket.
    pub(super) async fn listen(
        mut self,
        clock: &Clock,
        heard: &AtomicU64,
        tell: impl Fn(Admission),
    ) -> Result<(), String> {
        loop {
            let (mut wrong, waiting) = (None, &mut self.waiting);
            let each = |text: &[u8]| {
                heard.fetch_add(1, Ordering::Relaxed);
                let text = String::from_utf8_lossy(text);
                if !text.contains("\"ADMITTED\"") {
                    return;
                }
                match admitted(&text) {
                    Ok((nth, at)) => {
                        // News of a place that is admitted already is none.
                        if let Some(found) = waiting.iter().position(|waits| *waits == nth) {
                            waiting.swap_remove(found);
                            let delay =
                                u64::try_from((clock.now() - at).num_milliseconds()).unwrap_or_default();
                            tell(Admission { at: at.timestamp_millis(), delay });
                        }
                    }
                    Err(why) => wrong = Some(why),
                }
            };
            self.socket.hear_all(each).await?;
            if let Some(why) = wrong {
                return Err(why);
            }
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
