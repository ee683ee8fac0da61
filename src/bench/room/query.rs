//! What a fan pays who asks over HTTP: a whole `queuePosition` query through the router, from the head of the request to
//! the last byte of the answer, only without the network.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::mix;
use crate::{
    bench::long_line::{self, Stores},
    domain::{
        id::{TokenId, UserId},
        identity::QueuePass,
    },
    server::{
        self,
        door::{Door, DoorLimits},
        endpoint::TransportLimits,
    },
    service::Failure,
};

/// Fans who ask in each round, at random places of the line; of a short line some ask again.
const FANS: u32 = if cfg!(test) { 50 } else { 20_000 };

/// The quickest of so many rounds is shown, as for the positions.
const ROUNDS: usize = if cfg!(test) { 1 } else { 5 };

const QUERY: &str =
    r#"{"query":"{ queuePosition { status position waiting estimatedWaitSeconds availableSeats } }"}"#;

/// Nanoseconds of one query with `size` waiting.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn measure(size: usize) -> Result<f64, String> {
    let waiting = u32::try_from(size).map_err(|_| format!("{size} are too many"))?;
    let data = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let fans: Vec<u32> = (0..FANS).map(|n| (mix(n.into()) % u64::from(waiting)) as u32).collect();
    let mut places: HashMap<u32, Option<(TokenId, UserId)>> = fans.iter().map(|fan| (*fan, None)).collect();
    let stores = Stores::embedded(data.path());
    let series = long_line::prepare(&stores, waiting, TimeDelta::hours(-1), |n, token, user| {
        if let Some(place) = places.get_mut(&n) {
            *place = Some((token, user.clone()));
        }
    });
    let series = series.await.map_err(said)?;
    let house = stores.open().await.map_err(said)?;
    let now = house.clock().now();
    let bearer = |(token, user): &(TokenId, UserId)| {
        let pass = QueuePass { token: *token, series, order: None };
        let jwt = long_line::keys().queue_token(pass, user, "", now + TimeDelta::days(1), now);
        jwt.map(|jwt| format!("Bearer {jwt}")).map_err(|error| error.to_string())
    };
    let bearers: Vec<String> =
        fans.iter().filter_map(|fan| places[fan].as_ref()).map(bearer).collect::<Result<_, _>>()?;
    let router = server::router(
        house.clone(),
        TransportLimits::default(),
        Door::new(DoorLimits::default()).outgoing(),
        CancellationToken::new(),
        TaskTracker::new(),
    );
    let mut best = Duration::MAX;
    // The first round warms the caches as far as they reach.
    for round in 0..=ROUNDS {
        let took = ask_all(&router, &bearers).await?;
        best = if round == 0 { best } else { best.min(took) };
    }
    house.close().await.map_err(said)?;
    Ok(best.as_secs_f64() * 1e9 / bearers.len() as f64)
}

/// One after another: what one query costs, and not how many there can be at once.
async fn ask_all(router: &Router, bearers: &[String]) -> Result<Duration, String> {
    let mut took = Duration::ZERO;
    for bearer in bearers {
        let request = Request::post("/graphql")
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Body::from(QUERY))
            .map_err(|error| error.to_string())?;
        let start = Instant::now();
        let (status, answer) = ask(router.clone(), request).await?;
        took += start.elapsed();
        let answer = String::from_utf8_lossy(&answer);
        if status != StatusCode::OK || !answer.contains("\"WAITING\"") || answer.contains("\"position\":null")
        {
            return Err(format!("a fan in line got {status}: {answer}"));
        }
    }
    Ok(took)
}

async fn ask(router: Router, request: Request<Body>) -> Result<(StatusCode, Bytes), String> {
    let Ok(response) = router.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string())?;
    Ok((parts.status, body))
}

fn said(failure: Failure) -> String {
    format!("{failure:?}")
}
