//! From an HTTP request to a WebSocket (RFC 6455, 4.2).

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::protocol::SUBPROTOCOL;

/// The only version of WebSocket.
const VERSION: &str = "13";

/// A key is 16 bytes in base64.
const KEY_LENGTH: usize = 24;

/// A request for a WebSocket, as it must be.
pub(super) struct Offer {
    /// The connection, once the answer is sent.
    pub(super) upgrade: OnUpgrade,
    /// Whether the client speaks our subprotocol.
    pub(super) agreed: bool,
    accept: HeaderValue,
}

impl Offer {
    /// # Errors
    ///
    /// The refusal, which says what is wrong.
    pub(super) fn of(request: &mut Request) -> Result<Self, Box<Response>> {
        let headers = request.headers();
        if request.method() != Method::GET || request.version() != Version::HTTP_11 {
            return Err(bad("A WebSocket is asked for by GET with HTTP/1.1.\n"));
        }
        if !mentions(headers, &header::CONNECTION, "upgrade") {
            return Err(bad("A WebSocket needs \"Connection: Upgrade\".\n"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
            let version = [(header::SEC_WEBSOCKET_VERSION, VERSION)];
            let text = "The version of WebSocket must be 13.\n";
            return Err(Box::new((StatusCode::UPGRADE_REQUIRED, version, text).into_response()));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY_LENGTH);
        let accept = key
            .and_then(|key| HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok())
            .ok_or_else(|| bad("A WebSocket needs a Sec-WebSocket-Key of 16 bytes in base64.\n"))?;
        let agreed = mentions(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or_else(|| bad("This connection cannot become a WebSocket.\n"))?;
        Ok(Self { upgrade, agreed, accept })
    }

    /// With 101. Without a common subprotocol as well: then the socket is closed with the code that says so.
    pub(super) fn answer(&self) -> Response {
        let mut answer = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if self.agreed {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        answer
    }
}

fn bad(text: &'static str) -> Box<Response> {
    Box::new((StatusCode::BAD_REQUEST, text).into_response())
}

/// Whether a list in these headers has this word.
fn mentions(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|entry| entry.trim().eq_ignore_ascii_case(word))
}
