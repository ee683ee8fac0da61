//! `graphql-transport-ws`: operations over a WebSocket on the path of the HTTP endpoint.
//!
//! One task a socket, and everything it may hold is bounded: operations, message sizes, buffers, and the time that
//! the other side may take for anything. A socket waits for nobody but its own client (rule 21).
//!
//! `protocol` is the messages and close codes, `handshake` what happens before `connection_ack`, `connection` the
//! life after it, `operations` what runs on it.

mod connection;
mod handshake;
mod operations;
mod protocol;
mod socket;

use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server::endpoint::Endpoint;
use crate::server::graphql_http;
use protocol::{Closing, SUBPROTOCOL};
use socket::Socket;

/// tungstenite keeps its read buffer for the life of a socket: 128 KiB unless told otherwise. What fans send fits into
/// this one; a longer message takes more reads.
const READ_BUFFER_BYTES: usize = 1 << 10;

/// What is collected before it is written; every message is flushed at once anyway.
const WRITE_BUFFER_BYTES: usize = 4 << 10;

/// GET `/graphql`: a WebSocket where the client asks for one, an HTTP query otherwise.
pub(crate) async fn or_else_http<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request: Request,
) -> Response {
    if asks_for_websocket(request.headers()) {
        upgrade(endpoint, request).await
    } else {
        graphql_http::get(&endpoint, request).await
    }
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

async fn upgrade<E: Executor>(endpoint: Arc<Endpoint<E>>, request: Request) -> Response {
    if !origin_is_allowed(request.headers(), &endpoint.limits.allowed_origins) {
        return (StatusCode::FORBIDDEN, "This page may not open a WebSocket here.").into_response();
    }
    if endpoint.shutdown.is_cancelled() || endpoint.sockets.len() >= endpoint.limits.sockets {
        return (StatusCode::SERVICE_UNAVAILABLE, "No more WebSockets at the moment.").into_response();
    }
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([SUBPROTOCOL]),
        Err(rejection) => return rejection.into_response(),
    };
    let agreed = upgrade.selected_protocol().is_some();
    // Counted from here on, so that a shutdown cannot overlook a socket between the handshake and its task.
    let counted = endpoint.sockets.token();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(endpoint.limits.message_bytes)
        .max_frame_size(endpoint.limits.message_bytes)
        .on_upgrade(move |socket| {
            // On the heap from the start: each future that it is handed on to would keep room for it.
            let socket = Box::new(Socket::new(socket, &endpoint.limits));
            async move {
                serve(&endpoint, socket, agreed).await;
                drop(counted);
            }
        })
}

/// The life of one socket, from the upgrade to the close. Its beginning and its end are boxed, or it would keep room for
/// them all the time between.
async fn serve<E: Executor>(endpoint: &Endpoint<E>, mut socket: Box<Socket>, agreed: bool) {
    let closing = if agreed {
        match Box::pin(handshake::greet(endpoint, &mut socket)).await {
            Ok(session) => connection::run(endpoint, &mut socket, &session).await,
            Err(closing) => closing,
        }
    } else {
        Closing::SUBPROTOCOL_NOT_ACCEPTABLE
    };
    Box::pin(socket.close(closing)).await;
}

/// A browser names the page that opens the socket; cookies or not, only pages of this host and of those in the list
/// may. Other clients send no Origin.
fn origin_is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same_host = match (origin.split_once("://"), host) {
        (Some((_, authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    };
    same_host || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
}
