//! Somebody who watches the seats at one process while they are held by way of others.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{bench::fans::socket::Socket, clock::Clock};

/// A hold that is not seen this long after the last fan has gone is never seen.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);

/// When something happened to each seat, by its id.
#[derive(Default)]
pub(super) struct Holds(Mutex<HashMap<String, DateTime<Utc>>>);

impl Holds {
    /// A fan has just been told that it holds this seat.
    pub(super) fn answered(&self, seat: &str) {
        self.note([seat]);
    }

    /// It is the first time that counts.
    fn note<'a>(&self, seats: impl IntoIterator<Item = &'a str>) {
        let now = Clock::system().now();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for seat in seats {
            known.entry(seat.to_owned()).or_insert(now);
        }
    }

    fn of(&self, seat: &str) -> Option<DateTime<Utc>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(seat).copied()
    }

    fn all(&self) -> HashMap<String, DateTime<Utc>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An open subscription to the seats of some dates.
pub(super) struct Watch {
    seen: Arc<Holds>,
    listening: JoinHandle<String>,
}

impl Watch {
    /// Subscribes, and returns once every date has been shown.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) async fn open(host: SocketAddr, series: impl Iterator<Item = &str>) -> Result<Self, String> {
        let mut socket = Socket::open(0, host, None).await?;
        let query = "subscription ($id: ID!) { seatAvailability(seriesId: $id) { seats { id status } } }";
        for (nth, id) in series.enumerate() {
            socket.subscribe(nth, &json!({ "query": query, "variables": { "id": id } })).await?;
            socket.expect("\"next\"").await?;
        }
        let seen = Arc::new(Holds::default());
        let listening = tokio::spawn(listen(socket, Arc::clone(&seen)));
        Ok(Self { seen, listening })
    }

    /// How long after its answer each hold was seen, in milliseconds; 0 if the answer was slower.
    ///
    /// # Errors
    /// If one is not seen at all.
    pub(super) async fn delays(self, holds: &Holds) -> Result<Vec<i64>, String> {
        let clock = Clock::system();
        let until = clock.now() + PATIENCE;
        let mut delays = Vec::new();
        for (seat, answered) in holds.all() {
            let seen = loop {
                if let Some(seen) = self.seen.of(&seat) {
                    break seen;
                }
                if self.listening.is_finished() {
                    return Err(self.listening.await.unwrap_or_else(|error| error.to_string()));
                }
                if clock.now() > until {
                    return Err(format!("seat {seat} was held, and nobody who watches was told"));
                }
                clock.sleep(TimeDelta::milliseconds(10)).await;
            };
            delays.push((seen - answered).num_milliseconds().max(0));
        }
        self.listening.abort();
        Ok(delays)
    }
}

/// Notes what is no longer free; returns why it has ended.
async fn listen(mut socket: Socket, seen: Arc<Holds>) -> String {
    loop {
        let text = match socket.hear().await {
            Ok(text) => text,
            Err(error) => return error,
        };
        let news: Value = serde_json::from_str(&text).unwrap_or_default();
        let seats = news["payload"]["data"]["seatAvailability"]["seats"].as_array();
        let taken = seats.into_iter().flatten().filter(|seat| seat["status"] != "AVAILABLE");
        seen.note(taken.filter_map(|seat| seat["id"].as_str()));
    }
}
