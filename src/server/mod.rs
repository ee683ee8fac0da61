//! The server room: the door, HTTP and WebSocket in front of the GraphQL schema, health, the draw, and the pages.

pub mod door;
mod draw;
pub mod endpoint;
mod graphql_http;
mod graphql_ws;
mod health;
mod pages;
mod params;
mod payload;
mod session;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    graphql::{self, request::priced::Guarded},
    server::{
        door::Outgoing,
        endpoint::{Endpoint, TransportLimits, routes},
    },
    service::House,
};

/// Every route of the server. Once `shutdown` is cancelled, sockets are told to come back later.
pub fn router(
    house: Arc<House>,
    limits: TransportLimits,
    outgoing: Outgoing,
    shutdown: CancellationToken,
    sockets: TaskTracker,
) -> Router {
    let cors = cors(&limits.allowed_origins);
    let ids = Arc::clone(&house);
    let intake = Arc::new(graphql::intake());
    let endpoint = Endpoint {
        executor: Guarded::new(graphql::schema(), Arc::clone(&intake), Arc::clone(&house)),
        authenticate: session::authenticate(Arc::clone(&house)),
        limits,
        intake,
        outgoing,
        request_id: Arc::new(move || ids.dice().id(ids.clock().now()).to_string()),
        shutdown,
        sockets,
    };
    routes(endpoint)
        .merge(health::routes(Arc::clone(&house)))
        .merge(draw::routes(house))
        .layer(cors)
        .merge(pages::routes())
}

/// Front ends on other hosts may use the API if the operator names them.
fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("apollographql-client-name"),
        ])
}
