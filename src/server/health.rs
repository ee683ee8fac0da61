//! Whether the process is alive, and whether it can serve.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::service::House;

pub(super) fn routes(house: Arc<House>) -> Router {
    Router::new()
        .route("/health/live", get(async || "alive\n"))
        .route("/health/ready", get(ready))
        .with_state(house)
}

async fn ready(State(house): State<Arc<House>>) -> (StatusCode, &'static str) {
    match house.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(failure) => {
            tracing::warn!(?failure, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "a store does not answer\n")
        }
    }
}
