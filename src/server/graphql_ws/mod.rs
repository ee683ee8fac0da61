//! `graphql-transport-ws`: operations over a WebSocket on the path of the HTTP endpoint.
//!
//! One task a socket, and everything it may hold is bounded: operations, message sizes, buffers, and the time that
//! the other side may take for anything. A socket waits for nobody but its own client (rule 21).
//!
//! `upgrade` is the handshake of HTTP, `frames` and `socket` are WebSocket itself, `protocol` is the messages and close codes, `handshake` what happens before `connection_ack`, `connection` the
//! life after it, `operations` what runs on it, `outbox` what streams have to say that are told by others, `feeds`
//! what many of them are told.

mod connection;
mod feeds;
mod frames;
mod handshake;
mod operations;
mod outbox;
mod protocol;
mod socket;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;

use crate::graphql::code;
use crate::graphql::live::Live;
use crate::server::door::{Caller, Wire, later};
use crate::server::endpoint::Endpoint;
use crate::server::graphql_http;
pub use feeds::Feeds;
use protocol::Closing;
use socket::Socket;
use upgrade::Offer;

/// GET `/graphql`: a WebSocket where the client asks for one, an HTTP query otherwise.
pub(crate) async fn or_else_http<E: Live>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request: Request,
) -> Response {
    if asks_for_websocket(request.headers()) {
        open(endpoint, request)
    } else {
        graphql_http::get(&endpoint, request).await
    }
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn open<E: Live>(endpoint: Arc<Endpoint<E>>, mut request: Request) -> Response {
    if !origin_is_allowed(request.headers(), &endpoint.limits.allowed_origins) {
        return (StatusCode::FORBIDDEN, "This page may not open a WebSocket here.\n").into_response();
    }
    if endpoint.shutdown.is_cancelled() || endpoint.sockets.len() >= endpoint.limits.sockets {
        let message = "No more WebSockets at the moment; it is safe to try again.";
        return later(StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE, message, Duration::from_secs(2));
    }
    let offer = match Offer::of(&mut request) {
        Ok(offer) => offer,
        Err(refusal) => return *refusal,
    };
    // Counted from here on, so that a shutdown cannot overlook a socket between the handshake and its task.
    let counted = endpoint.sockets.token();
    let caller = request.extensions_mut().remove::<Caller>();
    if let Some(caller) = &caller {
        caller.becomes_socket();
    }
    let (answer, agreed) = (offer.answer(), offer.agreed);
    tokio::spawn(async move {
        if let Some(socket) = opened(&endpoint, offer, caller.as_ref()).await {
            serve(&endpoint, socket, agreed).await;
        }
        drop((caller, counted));
    });
    answer
}

/// The socket, once the client has been told. On the heap from the start: each future that it is handed on to would keep
/// room for it.
async fn opened<E>(endpoint: &Endpoint<E>, offer: Offer, caller: Option<&Caller>) -> Option<Box<Socket>> {
    let upgraded = offer.upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Wire>>().ok()?;
    let address = caller.map(Caller::address);
    let outgoing = endpoint.outgoing.clone();
    Some(Box::new(Socket::new(parts.io.into_inner(), &parts.read_buf, address, outgoing, &endpoint.limits)))
}

/// The life of one socket, from the upgrade to the close. Its beginning and its end are boxed, or it would keep room for
/// them all the time between.
async fn serve<E: Live>(endpoint: &Endpoint<E>, mut socket: Box<Socket>, agreed: bool) {
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
