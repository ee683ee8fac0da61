//! From the upgrade to `connection_ack`: who is asking.

use async_graphql::Executor;
use serde_json::{Map, Value};

use super::protocol::{ClientMessage, Closing, ServerMessage};
use super::socket::{Incoming, Socket};
use crate::server::endpoint::{Endpoint, Refusal, Session, bearer, refuse_outdated};
use crate::server::language;

/// Waits for `connection_init`, finds out who is asking (rule 1) and acknowledges.
///
/// # Errors
///
/// How to close the socket instead.
pub(super) async fn greet<E: Executor>(
    endpoint: &Endpoint<E>,
    socket: &mut Socket,
) -> Result<Session, Closing> {
    let init = tokio::time::timeout(endpoint.limits.init_timeout, wait_for_init(socket));
    let payload = tokio::select! {
        () = endpoint.shutdown.cancelled() => return Err(Closing::GOING_AWAY),
        payload = init => payload.map_err(|_| Closing::INIT_TIMEOUT)??,
    };
    // Not 4403: that is what a client tries again, and this token will be no better then.
    let session = authenticate(endpoint, &payload).map_err(|refusal| Closing::new(4401, refusal.message))?;
    socket.send(&ServerMessage::ConnectionAck).await?;
    Ok(language::speaking(session, language::of_init(&payload)))
}

async fn wait_for_init(socket: &mut Socket) -> Result<Map<String, Value>, Closing> {
    loop {
        match socket.receive().await? {
            Incoming::Message(ClientMessage::ConnectionInit { payload }) => {
                return Ok(payload.unwrap_or_default());
            }
            Incoming::Message(ClientMessage::Ping { payload }) => {
                socket.send(&ServerMessage::Pong { payload }).await?;
            }
            Incoming::Message(ClientMessage::Subscribe { .. }) => return Err(Closing::UNAUTHORIZED),
            // A client may give up an operation before it knows that the socket is open.
            Incoming::Message(ClientMessage::Pong {} | ClientMessage::Complete { .. }) | Incoming::Sign => {}
        }
    }
}

fn authenticate<E>(endpoint: &Endpoint<E>, payload: &Map<String, Value>) -> Result<Session, Refusal> {
    let authorization = payload.iter().find(|(key, _)| key.eq_ignore_ascii_case("authorization"));
    let token = match authorization {
        // Clients without a token often send the key all the same.
        None | Some((_, Value::Null)) => None,
        Some((_, value)) => Some(bearer(value.as_str().unwrap_or_default())?),
    };
    (endpoint.authenticate)(token).and_then(refuse_outdated)
}
