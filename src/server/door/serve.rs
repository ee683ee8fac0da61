//! Takes connections and answers requests.

use std::convert::Infallible;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::answer::Answer;
use super::wire::{Line, Wire};
use super::{Door, Lane, Turned, Visit};
use crate::graphql::code;

/// The longest head of a request, and what hyper collects of an answer before it is written. A GET with a document of
/// the longest allowed kind fits, if most of it need not be escaped.
const BUFFER_BYTES: usize = 48 << 10;

/// What the system takes of an answer before the client does (Linux doubles it, for its own books). It would let that grow
/// to 4 MiB by itself. A client at a distance of 100 ms still gets 2.5 MB a second.
const SEND_BUFFER_BYTES: usize = 256 << 10;

/// How long to wait when the system refuses to accept: others have to let go of something first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What somebody may load who takes an answer for a page: nothing. A page says what it needs itself.
const POLICY: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'none'";

/// What a connection gets whose address has too many. It is not worth a parser.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n\
    Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
    Content-Security-Policy: default-src 'none'; connect-src 'self'\r\nContent-Length: 122\r\n\r\n\
    {\"errors\":[{\"message\":\"Your address has too many connections.\",\"extensions\":{\"code\":\"RATE_LIMITED\",\
    \"retryAfterMs\":1000}}]}";

/// Serves until `stop`: then takes no more connections, and returns once every request is answered. Sockets are not waited
/// for.
pub async fn serve(listener: TcpListener, router: Router, door: Door, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => take(stream, peer, &router, &door, &stop, &connections),
            Err(error) if concerns_one_connection(error.kind()) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                // Either way it is tried again.
                let _ = tokio::time::timeout(ACCEPT_PAUSE, stop.cancelled()).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

fn concerns_one_connection(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

fn take(
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    door: &Door,
    stop: &CancellationToken,
    connections: &TaskTracker,
) {
    match door.welcome(peer.ip()) {
        Ok(visit) => {
            if let Err(error) = tune(&stream) {
                tracing::debug!(%error, "a connection cannot be set up");
            }
            connections.spawn(converse(stream, visit, router.clone(), stop.clone()));
        }
        Err(turned) => turn_away(stream, turned),
    }
}

/// Small messages to fans must not wait for more to come; and what the system keeps for a client that does not read is
/// bounded as well.
fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_send_buffer_size(SEND_BUFFER_BYTES)
}

/// Says why, if there is time, and is done with it: whoever has too many connections must not have this one for longer.
fn turn_away(stream: TcpStream, turned: Turned) {
    if turned == Turned::TooMany
        && let Ok(mut stream) = stream.into_std()
    {
        // What was sent already has to be taken, or the answer is lost with it. Nothing here waits, and if the answer
        // does not arrive all the same, the connection is as closed.
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(TOO_MANY);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read(&mut [0; 4096]);
    }
}

/// One connection, to its end or until it becomes a socket.
async fn converse(stream: TcpStream, visit: Visit, router: Router, stop: CancellationToken) {
    let limits = &visit.door.0.limits;
    let header_timeout = match visit.lane {
        Lane::Main => limits.header_timeout,
        Lane::Spare => limits.spare_header_timeout,
    };
    let line = Arc::new(Line::new(header_timeout, limits.idle_timeout));
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&line), limits.least));
    let keep_alive = visit.lane == Lane::Main;
    let service = service_fn(move |request: Request<Incoming>| {
        let (visit, router, line) = (visit.clone(), router.clone(), Arc::clone(&line));
        async move { Ok::<_, Infallible>(respond(request.map(Body::new), &visit, router, line).await) }
    });
    let connection = http1::Builder::new()
        // The wire has deadlines of its own for these, which tell an idle connection from a slow one.
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        .keep_alive(keep_alive)
        .serve_connection(wire, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn respond(mut request: Request, visit: &Visit, router: Router, line: Arc<Line>) -> Response<Answer> {
    line.begins();
    let caller = visit.caller(request.headers(), &line);
    let refusal = refusal(&request, visit, caller.is_none());
    let mut response = match refusal {
        Some(refusal) => refusal,
        None => {
            if let Some(caller) = &caller {
                request.extensions_mut().insert(caller.clone());
            }
            match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    dress(response.headers_mut());
    if visit.door.is_crowded() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    line.answers();
    response.map(|body| Answer::new(body, line, caller))
}

/// Why a request goes no further than the door.
fn refusal(request: &Request, visit: &Visit, too_many: bool) -> Option<Response> {
    let limits = &visit.door.0.limits;
    if !limits.hosts.include(request.uri(), request.headers()) {
        let text = "This server is not known by that name: ask for localhost, 127.0.0.1 or [::1], or add the page's \
            origin to --allowed-origins.\n";
        return Some((StatusCode::MISDIRECTED_REQUEST, text).into_response());
    }
    if visit.lane == Lane::Spare && !request.uri().path().starts_with("/health/") {
        return Some(later(
            StatusCode::SERVICE_UNAVAILABLE,
            code::UNAVAILABLE,
            "The server has no connection left; it is safe to try again in a moment.",
            Duration::from_secs(2),
        ));
    }
    too_many.then(|| {
        let message = "Your address has too many requests and sockets open.";
        later(StatusCode::TOO_MANY_REQUESTS, code::RATE_LIMITED, message, Duration::from_secs(1))
    })
}

/// A refusal in the words of the API, which says when to come back.
pub(crate) fn later(status: StatusCode, code: &str, message: &str, after: Duration) -> Response {
    let retry_after = after.as_millis() as u64;
    let error = serde_json::json!({
        "errors": [{ "message": message, "extensions": { "code": code, "retryAfterMs": retry_after } }],
    });
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from(after.as_millis().div_ceil(1_000).max(1) as u64)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, axum::Json(error)).into_response()
}

/// The headers that every answer has, unless it has its own.
fn dress(headers: &mut HeaderMap) {
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_without_a_parser_is_as_long_as_it_says() {
        let text = std::str::from_utf8(TOO_MANY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(format!("Content-Length: {}\r\n", body.len()).trim_end()), "{}", body.len());
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
}
