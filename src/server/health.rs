//! Whether the process is alive, and whether it can serve.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::service::{Ready, Services};

pub(super) fn routes(services: Arc<Services>) -> Router {
    Router::new()
        .route("/health/live", get(async || "alive\n"))
        .route("/health/ready", get(ready))
        .with_state(services)
}

/// A process without Redis stays in the line of a load balancer, see [`Services::ready`]; the second line is for people
/// and their alarms.
async fn ready(State(services): State<Arc<Services>>) -> (StatusCode, &'static str) {
    match services.ready().await {
        Ok(Ready { redis: None }) => (StatusCode::OK, "ready\n"),
        Ok(Ready { redis: Some(true) }) => (StatusCode::OK, "ready\nRedis answers\n"),
        Ok(Ready { redis: Some(false) }) => (StatusCode::OK, "ready\nRedis does not answer\n"),
        Err(failure) => {
            tracing::warn!(?failure, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
