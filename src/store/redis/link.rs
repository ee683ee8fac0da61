//! One connection that many share, and that is made anew when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, RedisFuture,
    RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
    cmd,
};

use super::{CHECK, is_away, servers::Servers};
use crate::clock::Clock;

/// Commands that may be on their way to the connection.
const UNSENT: usize = 1_024;

/// What commands are sent by. A call is never repeated: whoever gets an error does not know whether it was
/// carried out.
#[derive(Clone)]
pub struct Link(Arc<Kind>);

enum Kind {
    Node(Arc<Node>),
    Cluster(Cluster),
}

impl Link {
    /// Connects when it is needed.
    pub(super) fn to(servers: &Arc<Servers>) -> Self {
        let servers = Arc::clone(servers);
        let kind = Arc::new(if servers.is_cluster() {
            Kind::Cluster(Cluster { servers, line: Line::default() })
        } else {
            Kind::Node(Arc::new(Node { servers, line: Line::default() }))
        });
        tokio::spawn(keep(Arc::downgrade(&kind)));
        Self(kind)
    }

    /// Whether whoever is at the other end answers as it should.
    pub(super) async fn check(&self) -> RedisResult<()> {
        self.0.check().await
    }
}

impl Kind {
    async fn check(&self) -> RedisResult<()> {
        match self {
            Self::Node(node) => node.check().await,
            Self::Cluster(cluster) => cluster.check().await,
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match *self.0 {
            Kind::Node(_) => "node",
            Kind::Cluster(_) => "cluster",
        };
        f.debug_tuple("Link").field(&kind).finish()
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &*self.0 {
            Kind::Cluster(cluster) => {
                Box::pin(async move { cluster.connection().await?.req_packed_command(cmd).await })
            }
            Kind::Node(node) => Box::pin(async move {
                let (age, mut connection) = node.connection().await?;
                node.looked_at(age, connection.req_packed_command(cmd).await)
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &*self.0 {
            Kind::Cluster(cluster) => Box::pin(async move {
                cluster.connection().await?.req_packed_commands(pipeline, offset, count).await
            }),
            Kind::Node(node) => Box::pin(async move {
                let (age, mut connection) = node.connection().await?;
                node.looked_at(age, connection.req_packed_commands(pipeline, offset, count).await)
            }),
        }
    }

    fn get_db(&self) -> i64 {
        match &*self.0 {
            Kind::Cluster(_) => 0,
            Kind::Node(node) => node.servers.db(),
        }
    }
}

/// A connection that is made when it is first needed.
struct Line<C>(Mutex<Attempt<C>>);

type Making<C> = Shared<BoxFuture<'static, RedisResult<C>>>;

struct Attempt<C> {
    /// Which it is: a loss that is heard of late must not end a newer connection.
    age: u64,
    /// Whoever needs the connection while it is being made waits for the same attempt.
    making: Option<Making<C>>,
}

impl<C> Default for Line<C> {
    fn default() -> Self {
        Self(Mutex::new(Attempt { age: 0, making: None }))
    }
}

impl<C: Clone + Send + Sync + 'static> Line<C> {
    fn lock(&self) -> MutexGuard<'_, Attempt<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection and its age; `make` makes it if there is none.
    async fn connection<F>(&self, make: impl FnOnce(u64) -> F) -> RedisResult<(u64, C)>
    where
        F: Future<Output = RedisResult<C>> + Send + 'static,
    {
        let (age, making) = self.attempt(make);
        match making.await {
            Ok(connection) => Ok((age, connection)),
            Err(error) => {
                self.forget(age);
                Err(error)
            }
        }
    }

    fn attempt<F>(&self, make: impl FnOnce(u64) -> F) -> (u64, Making<C>)
    where
        F: Future<Output = RedisResult<C>> + Send + 'static,
    {
        let mut attempt = self.lock();
        if let Some(making) = &attempt.making {
            return (attempt.age, making.clone());
        }
        attempt.age += 1;
        let making = make(attempt.age).boxed().shared();
        // It goes on when who began it does not wait for it any more.
        tokio::spawn(making.clone());
        attempt.making = Some(making.clone());
        (attempt.age, making)
    }

    fn forget(&self, age: u64) {
        let mut attempt = self.lock();
        if attempt.age == age {
            attempt.making = None;
        }
    }
}

/// All nodes of a cluster; once made, the connection looks after itself.
struct Cluster {
    servers: Arc<Servers>,
    line: Line<ClusterConnection>,
}

impl Cluster {
    async fn connection(&self) -> RedisResult<ClusterConnection> {
        let servers = Arc::clone(&self.servers);
        let make = |_| async move { servers.cluster()?.get_async_connection().await };
        Ok(self.line.connection(make).await?.1)
    }

    async fn check(&self) -> RedisResult<()> {
        let ping = async { cmd("PING").query_async(&mut self.connection().await?).await };
        match ping.await {
            // The client of a cluster does not say why it could not connect.
            Err(error) if is_away(&error) => Err(self.servers.refusal().await.unwrap_or(error)),
            checked => checked,
        }
    }
}

/// The one server, or the present master.
struct Node {
    servers: Arc<Servers>,
    line: Line<MultiplexedConnection>,
}

impl Node {
    async fn connection(self: &Arc<Self>) -> RedisResult<(u64, MultiplexedConnection)> {
        let (servers, node) = (Arc::clone(&self.servers), Arc::downgrade(self));
        let make = |age| async move {
            let heard = move |push: PushInfo| {
                if push.kind == PushKind::Disconnection
                    && let Some(node) = node.upgrade()
                {
                    node.line.forget(age);
                }
                Ok::<(), ()>(())
            };
            let config = AsyncConnectionConfig::new().set_push_sender(heard).set_pipeline_buffer_size(UNSENT);
            servers.connect(0, config).await
        };
        self.line.connection(make).await
    }

    /// Lets go of a connection that is lost, silent, or leads to a server that is not the master any more.
    fn looked_at<T>(&self, age: u64, result: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &result
            && (error.is_unrecoverable_error() || error.is_io_error() || is_read_only(error))
        {
            self.line.forget(age);
        }
        result
    }

    async fn check(self: &Arc<Self>) -> RedisResult<()> {
        let (age, mut connection) = self.connection().await?;
        self.looked_at(age, self.servers.check(&mut connection).await)
    }
}

fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Looks at the connection from time to time, so that a silent loss is noticed, and a Redis that has come back is
/// found before anybody needs it. Ends with the last link.
async fn keep(kind: Weak<Kind>) {
    let (clock, mut away) = (Clock::system(), false);
    loop {
        clock.sleep(CHECK).await;
        let Some(kind) = kind.upgrade() else { return };
        let checked = kind.check().await;
        match &checked {
            Ok(()) if away => tracing::info!("Redis is back"),
            Err(error) if !away => tracing::warn!(%error, "Redis is away"),
            Ok(()) | Err(_) => {}
        }
        away = checked.is_err();
    }
}
