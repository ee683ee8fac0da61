//! A small schema behind the real routes on a real socket, in a runtime of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use async_graphql::{Context, Object, Request, Result, Schema, Subscription, ValidationMode};
use frontrow::graphql::request::Intake;
use frontrow::server::door::{Door, DoorLimits, Outgoing, serve};
use frontrow::server::endpoint::{Endpoint, Refusal, Session, TransportLimits, routes};
use frontrow::server::persisted::Persisted;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The name of the caller.
struct Caller(Option<String>);
/// Never put into any context.
struct Missing;

/// What tests look at from outside.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) bumps: AtomicI32,
    /// Streams of `forever` that exist.
    pub(crate) open: AtomicUsize,
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self, #[graphql(default_with = "String::from(\"world\")")] name: String) -> String {
        format!("Hello, {name}")
    }

    /// An answer as long as wanted.
    async fn long(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    async fn number(&self, value: i32) -> i32 {
        value
    }

    async fn whoami(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(ctx.data::<Caller>()?.0.clone())
    }

    async fn fail(&self) -> Result<i32> {
        Err(std::io::Error::other("postgres://secret"))?
    }

    async fn missing(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        ctx.data::<Missing>()?;
        Ok(None)
    }

    async fn refuse(&self) -> Result<Option<i32>> {
        Err(no_such_thing())
    }

    async fn explode(&self) -> i32 {
        fuse()
    }

    async fn this(&self) -> Query {
        Query
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn long(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    async fn bump(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(ctx.data::<Arc<Watch>>()?.bumps.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

pub(crate) struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn forever(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = i32>> {
        let watch = ctx.data::<Arc<Watch>>()?.clone();
        watch.open.fetch_add(1, Ordering::SeqCst);
        Ok(Forever { watch })
    }

    /// Big messages without an end.
    async fn flood(&self, bytes: usize) -> impl Stream<Item = String> {
        stream::repeat_with(move || "x".repeat(bytes))
    }

    async fn refuse(&self) -> Result<impl Stream<Item = i32>> {
        Err::<stream::Empty<i32>, _>(no_such_thing())
    }

    async fn explode(&self) -> impl Stream<Item = i32> {
        stream::iter(1..=2).map(|number| if number == 1 { number } else { fuse() })
    }

    async fn fail(&self) -> impl Stream<Item = Result<i32>> {
        stream::once(async { Err(std::io::Error::other("postgres://secret"))? })
    }
}

fn fuse() -> i32 {
    panic!("the secret fuse")
}

fn no_such_thing() -> async_graphql::Error {
    let mut error = async_graphql::Error::new("No such thing.");
    error.extensions.get_or_insert_default().set("code", "NOT_FOUND");
    error
}

/// Nothing ever comes; that it is dropped can be seen.
struct Forever {
    watch: Arc<Watch>,
}

impl Stream for Forever {
    type Item = i32;
    fn poll_next(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<i32>> {
        Poll::Pending
    }
}

impl Drop for Forever {
    fn drop(&mut self) {
        self.watch.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `Bearer bad` is refused, `Bearer ended` is refused from its first operation on; any other token is a name.
fn authenticate(token: Option<&str>) -> Result<Session, Refusal> {
    if token == Some("bad") {
        return Err(Refusal::unauthenticated("The token is not one of ours."));
    }
    let name = token.map(str::to_owned);
    Ok(Arc::new(move |request: &mut Request| {
        if name.as_deref() == Some("ended") {
            return Err(Refusal::unauthenticated("The token has ended."));
        }
        request.data.insert(Caller(name.clone()));
        Ok(())
    }))
}

/// A running server; it is gone when this is dropped.
pub(crate) struct Toy {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) watch: Arc<Watch>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) sockets: TaskTracker,
    pub(crate) outgoing: Outgoing,
    runtime: Option<Runtime>,
}

impl Toy {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut TransportLimits)) -> Self {
        Self::behind(|_| {}, change)
    }

    /// With another door.
    pub(crate) fn behind(
        door: impl FnOnce(&mut DoorLimits),
        change: impl FnOnce(&mut TransportLimits),
    ) -> Self {
        let (mut bounds, mut limits) = (DoorLimits::default(), TransportLimits::default());
        door(&mut bounds);
        change(&mut limits);
        let door = Door::new(bounds);
        let watch = Arc::new(Watch::default());
        let (shutdown, sockets) = (CancellationToken::new(), TaskTracker::new());
        let build = || Schema::build(Query, Mutation, Subscriptions).data(watch.clone());
        let endpoint = Endpoint {
            intake: Arc::new(Intake::new(build(), |shape| shape).unwrap()),
            executor: build().validation_mode(ValidationMode::Fast).finish(),
            authenticate: Arc::new(authenticate),
            persisted: Persisted::on(),
            limits,
            feeds: Default::default(),
            answers: None,
            outgoing: door.outgoing(),
            request_id: Arc::new(|| "request-1".to_owned()),
            shutdown: shutdown.clone(),
            sockets: sockets.clone(),
        };
        // One worker: a socket that kept it busy would hold up all others.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        // Whether it still listens is not what is tested here.
        let (outgoing, stop) = (door.outgoing(), CancellationToken::new());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let router = routes(endpoint).route("/health/live", axum::routing::get(async || "alive\n"));
            serve(listener, router, door, stop).await;
        });
        Self { address, watch, shutdown, sockets, outgoing, runtime: Some(runtime) }
    }

    /// Makes the server stand still, as a process that was stopped: it does nothing until what is returned is dropped.
    pub(crate) fn stop(&self) -> Sender<()> {
        let ((go_on, going_on), (stop, stopped)) = (channel::<()>(), channel());
        // It has one worker.
        self.runtime.as_ref().unwrap().spawn(async move {
            stop.send(()).unwrap();
            let _ = going_on.recv();
        });
        stopped.recv().unwrap();
        go_on
    }

    /// Waits until no socket is left; fails if that takes longer than any limit of a test.
    pub(crate) async fn all_sockets_gone(&self) {
        self.sockets.close();
        tokio::time::timeout(Duration::from_secs(20), self.sockets.wait()).await.expect("a socket is left");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
