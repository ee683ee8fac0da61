//! The server room: the door, HTTP and WebSocket in front of the GraphQL schema, health, the draw, and the pages.

pub mod answers;
mod date;
pub mod door;
mod draw;
mod encoding;
pub mod endpoint;
mod graphql_http;
mod graphql_ws;
mod health;
mod language;
mod pages;
mod params;
mod payload;
pub mod persisted;
mod session;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, Method, header},
    middleware::map_response,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{
    graphql::{self, request::priced::Guarded},
    server::{
        answers::Answers,
        date::Dated,
        door::Outgoing,
        endpoint::{Endpoint, Feeds, TransportLimits, routes},
        persisted::Persisted,
    },
    service::Services,
};

/// Every route of the server. Once `shutdown` is cancelled, sockets are told to come back later.
pub fn router(
    services: Arc<Services>,
    limits: TransportLimits,
    outgoing: Outgoing,
    shutdown: CancellationToken,
    sockets: TaskTracker,
) -> Router {
    let (cors, dated) = (cors(&limits.allowed_origins), Dated::new(services.clock().clone()));
    let ids = Arc::clone(&services);
    let intake = Arc::new(graphql::intake());
    let endpoint = Endpoint {
        executor: Guarded::new(graphql::schema(), Arc::clone(&intake), Arc::clone(&services)),
        authenticate: session::authenticate(Arc::clone(&services)),
        persisted: if limits.persisted_queries { Persisted::on() } else { Persisted::off() },
        answers: (limits.remembered_bytes > 0).then(|| {
            let versions = Arc::clone(services.versions());
            Arc::new(Answers::new(limits.remembered_bytes, versions, services.clock().clone()))
        }),
        limits,
        feeds: Feeds::default(),
        intake,
        outgoing,
        request_id: Arc::new(move || ids.entropy().id(ids.clock().now()).to_string()),
        shutdown,
        sockets,
    };
    let api = routes(endpoint).merge(health::routes(Arc::clone(&services))).merge(draw::routes(services));
    let api = match cors {
        Some(cors) => api.layer(cors),
        None => api,
    };
    api.merge(pages::routes()).layer(map_response(move |answer| std::future::ready(dated.tell(answer))))
}

/// How long a browser need not ask again whether it may: as long as any of them remembers.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);

/// Front ends on other hosts may use the API if the operator names them. Such a page may send what headers it likes:
/// clients and tracing name new ones all the time (`apollographql-client-version`, `traceparent`, `baggage`), and who is
/// asking is told by none that a browser would add by itself. What it may read beside the answer is when to come
/// back, what is wrong with a token, and the time, by which it counts down. `None` if there is no such page: then nothing
/// is said of it in any answer.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::DATE, header::RETRY_AFTER, header::WWW_AUTHENTICATE])
        .max_age(REMEMBERED);
    Some(layer)
}
