//! What the transport needs to know of the application, and the routes made of it.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, ServerError};
use axum::Router;
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::bucket::Rate;
use crate::graphql::budget::ANSWER_BYTES;
use crate::graphql::code;
use crate::graphql::error::Outdated;
use crate::graphql::live::Live;
use crate::graphql::request::Intake;
use crate::server::answers::Answers;
use crate::server::door::Outgoing;
pub use crate::server::graphql_ws::Feeds;
use crate::server::persisted::Persisted;
use crate::server::{graphql_http, graphql_ws};

/// Finds out who is asking from the bearer token, if one was sent. Called once per HTTP request and once per
/// `connection_init` (rule 1).
pub type Authenticate = Arc<dyn Fn(Option<&str>) -> Result<Session, Refusal> + Send + Sync>;

/// Puts what the resolvers need to know of the caller into a request, an [`Outdated`] where the token has ended. Called
/// for each operation, because a socket may outlive the token that opened it.
pub type Session = Arc<dyn Fn(&mut Request) -> Result<(), Refusal> + Send + Sync>;

/// Put into a request by a [`Session`] whose token ends some day: the moment at which a subscription that relied on it is
/// over, and what its client is told.
#[derive(Clone)]
pub struct Lapse(Arc<dyn Fn() -> BoxFuture<'static, Refusal> + Send + Sync>);

impl Lapse {
    /// `wait` returns when the token has ended, and not at all if that matters to nobody.
    pub fn new<F>(wait: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Refusal> + Send + 'static,
    {
        Self(Arc::new(move || wait().boxed()))
    }

    /// That of this request, if it has one.
    pub(crate) fn of(request: &Request) -> Option<BoxFuture<'static, Refusal>> {
        let lapse = request.data.get(&TypeId::of::<Self>())?.downcast_ref::<Self>()?;
        Some((lapse.0)())
    }
}

impl fmt::Debug for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lapse(..)")
    }
}

/// Refuses a session whose token has ended already: a socket that it opened would have nothing to say for it.
///
/// # Errors
///
/// `UNAUTHENTICATED`.
pub(crate) fn refuse_outdated(session: Session) -> Result<Session, Refusal> {
    let mut probe = Request::new("");
    // What it refuses for other reasons it refuses with each operation.
    let _ = session(&mut probe);
    match probe.data.get(&TypeId::of::<Outdated>()).and_then(|found| found.downcast_ref()) {
        Some(Outdated(message)) => Err(Refusal::unauthenticated(message)),
        None => Ok(session),
    }
}

/// Makes the id by which a caller's error and the log line about it find each other.
pub type RequestId = Arc<dyn Fn() -> String + Send + Sync>;

/// Why a caller is not let in; both parts are shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word of [`code`], usually `UNAUTHENTICATED`.
    pub code: &'static str,
    /// What was wrong, for the caller.
    pub message: String,
}

impl Refusal {
    /// The refusal of a missing, forged, malformed or outdated token.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self { code: code::UNAUTHENTICATED, message: message.into() }
    }

    /// The same as a top-level GraphQL error.
    #[must_use]
    pub fn to_error(&self) -> ServerError {
        let mut error = ServerError::new(self.message.clone(), None);
        error.extensions.get_or_insert_default().set("code", self.code);
        error
    }
}

/// The token of `Bearer <token>`, from a header or a `connection_init` payload.
///
/// # Errors
///
/// `UNAUTHENTICATED` if it does not read like that.
pub(crate) fn bearer(authorization: &str) -> Result<&str, Refusal> {
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Refusal::unauthenticated("The authorization must read \"Bearer <token>\"."))
}

/// The bounds of one request, one socket and all sockets together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportLimits {
    /// Length of an answer, or of one answer of a subscription, in bytes; beyond it QUERY_TOO_COMPLEX.
    pub answer_bytes: usize,
    /// Bytes of the answers that are remembered; 0 for none.
    pub remembered_bytes: usize,
    /// Length of an HTTP body in bytes; beyond it 413.
    pub body_bytes: usize,
    /// How long an HTTP body may take to arrive; beyond it 408.
    pub body_timeout: Duration,
    /// Open WebSockets of this process; beyond it 503.
    pub sockets: usize,
    /// Pages on other hosts that may open a WebSocket, as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Whether documents may be named by their hashes.
    pub persisted_queries: bool,
    /// Operations that one socket runs at once; beyond it an `error` message.
    pub operations: usize,
    /// Length of a WebSocket message from a client in bytes; beyond it close code 1009.
    pub message_bytes: usize,
    /// How long a client may take to send `connection_init`; beyond it close code 4408.
    pub init_timeout: Duration,
    /// How long a socket may be silent before it is pinged.
    pub ping_interval: Duration,
    /// How long the answer to a ping may take; beyond it the socket is closed.
    pub pong_timeout: Duration,
    /// How long a WebSocket message may take to arrive, from its first byte; beyond it close code 4408.
    pub message_timeout: Duration,
    /// How often one socket may start operations; beyond it an `error` message, and with abuse close code 4429. `None`: no
    /// limit.
    pub operation_rate: Option<Rate>,
    /// How often a client may send anything else: pings, pongs and `complete`. Up to twice the burst is overlooked; beyond it
    /// close code 4429. `None`: no limit.
    pub sign_rate: Option<Rate>,
    /// How long a client may take to answer a close.
    pub close_timeout: Duration,
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self {
            answer_bytes: ANSWER_BYTES,
            remembered_bytes: 64 << 20,
            body_bytes: 256 << 10,
            body_timeout: Duration::from_secs(10),
            sockets: 100_000,
            allowed_origins: Vec::new(),
            persisted_queries: true,
            operations: 16,
            message_bytes: 256 << 10,
            init_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(10),
            operation_rate: Some(Rate { burst: 100, per_second: 20 }),
            sign_rate: Some(Rate { burst: 200, per_second: 20 }),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// What the transport needs to know of the application.
#[derive(Clone)]
pub struct Endpoint<E> {
    /// Runs the operations: the schema.
    pub executor: E,
    /// Finds out who is asking.
    pub authenticate: Authenticate,
    /// The bounds of everything that comes in.
    pub limits: TransportLimits,
    /// The documents that clients may name by their hashes.
    pub persisted: Persisted,
    /// What is on its way out, with that of everybody else.
    pub outgoing: Outgoing,
    /// What many are told.
    pub feeds: Feeds,
    /// What is sent again as it is; `None` to make everything anew.
    pub answers: Option<Arc<Answers>>,
    /// Reads what is to be executed.
    pub intake: Arc<Intake>,
    /// Makes the ids of INTERNAL errors.
    pub request_id: RequestId,
    /// Once cancelled, sockets are closed with 1001 and new ones refused.
    pub shutdown: CancellationToken,
    /// Every open socket, so that a shutdown can wait for them.
    pub sockets: TaskTracker,
}

impl<E> fmt::Debug for Endpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// `/graphql`: POST and GET by the GraphQL-over-HTTP specification, and `graphql-transport-ws` for a GET that asks
/// for a WebSocket.
pub fn routes<E: Live>(endpoint: Endpoint<E>) -> Router {
    let handlers = get(graphql_ws::or_else_http::<E>).post(graphql_http::post::<E>);
    Router::new().route("/graphql", handlers).with_state(Arc::new(endpoint))
}
