//! A fan who takes one seat after the other, and gives each back after a while.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{bench::fans::api::Api, clock};

/// Seats that are taken in a second; once a few are held, as many are given back.
pub(super) const PER_SECOND: u32 = 50;

/// Seats that are held at a time.
const HELD: usize = 20;

/// See the module; holds until it is told to stop.
pub(super) struct Holder {
    stop: CancellationToken,
    task: JoinHandle<Result<(), String>>,
}

impl Holder {
    /// With the token of a fan who is admitted, and the seats that may be taken.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub(super) async fn start((host, token, seats): (SocketAddr, &str, &[String])) -> Result<Self, String> {
        let api = Api::connect(host, Some(token)).await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(hold(api, seats.to_vec(), stop.clone()));
        Ok(Self { stop, task })
    }

    /// Gives back what is held.
    ///
    /// # Errors
    /// If the server has refused something.
    pub(super) async fn stop(self) -> Result<(), String> {
        self.stop.cancel();
        self.task.await.map_err(|error| error.to_string())?
    }
}

async fn hold(mut api: Api, seats: Vec<String>, stop: CancellationToken) -> Result<(), String> {
    let (mut held, begun) = (VecDeque::new(), clock::instant());
    let mut number = 0;
    for seat in seats.iter().cycle() {
        number += 1;
        let next = clock::until(begun + Duration::from_secs(1) * number / PER_SECOND);
        if stop.run_until_cancelled(next).await.is_none() {
            break;
        }
        let query =
            "mutation ($seat: ID!) { holdSeat(input: { seatId: $seat }) { hold { id } problem { code } } }";
        let mut answer = api.run(query, &json!({ "seat": seat })).await?;
        match answer["holdSeat"]["hold"]["id"].take() {
            Value::String(hold) => held.push_back(hold),
            _ => return Err(format!("a seat could not be held: {answer}")),
        }
        if held.len() > HELD {
            give_back(&mut api, held.pop_front()).await?;
        }
    }
    while !held.is_empty() {
        give_back(&mut api, held.pop_front()).await?;
    }
    Ok(())
}

async fn give_back(api: &mut Api, hold: Option<String>) -> Result<(), String> {
    let query = "mutation ($hold: ID!) { releaseHold(input: { holdId: $hold }) { problem { code } } }";
    api.run(query, &json!({ "hold": hold })).await.map(drop)
}
