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
};

use super::{CHECK, servers::Servers};
use crate::clock::Clock;

/// Commands that may be on their way to the connection.
const UNSENT: usize = 1_024;

/// What commands are sent by. A call is never repeated: whoever gets an error does not know whether it was
/// carried out.
#[derive(Clone)]
pub struct Link(Kind);

#[derive(Clone)]
enum Kind {
    Node(Arc<Node>),
    Cluster(ClusterConnection),
}

impl Link {
    pub(super) async fn cluster(servers: &Servers) -> RedisResult<Self> {
        Ok(Self(Kind::Cluster(servers.cluster()?.get_async_connection().await?)))
    }

    pub(super) async fn node(servers: &Arc<Servers>) -> RedisResult<Self> {
        let node = Arc::new(Node { servers: Arc::clone(servers), line: Mutex::default() });
        node.check().await?;
        tokio::spawn(keep(Arc::downgrade(&node)));
        Ok(Self(Kind::Node(node)))
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.0 {
            Kind::Node(_) => "node",
            Kind::Cluster(_) => "cluster",
        };
        f.debug_tuple("Link").field(&kind).finish()
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.0 {
            Kind::Cluster(cluster) => cluster.req_packed_command(cmd),
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
        match &mut self.0 {
            Kind::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
            Kind::Node(node) => Box::pin(async move {
                let (age, mut connection) = node.connection().await?;
                node.looked_at(age, connection.req_packed_commands(pipeline, offset, count).await)
            }),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.0 {
            Kind::Cluster(_) => 0,
            Kind::Node(node) => node.servers.db(),
        }
    }
}

type Attempt = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// The one server, or the present master.
struct Node {
    servers: Arc<Servers>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// Which attempt it is: a loss that is heard of late must not end a newer connection.
    age: u64,
    /// Whoever needs the connection while it is being made waits for the same attempt.
    attempt: Option<Attempt>,
}

impl Node {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(self: &Arc<Self>) -> RedisResult<(u64, MultiplexedConnection)> {
        let (age, attempt) = self.attempt();
        match attempt.await {
            Ok(connection) => Ok((age, connection)),
            Err(error) => {
                self.forget(age);
                Err(error)
            }
        }
    }

    fn attempt(self: &Arc<Self>) -> (u64, Attempt) {
        let mut line = self.lock();
        if let Some(attempt) = &line.attempt {
            return (line.age, attempt.clone());
        }
        line.age += 1;
        let (age, servers, node) = (line.age, Arc::clone(&self.servers), Arc::downgrade(self));
        let heard = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection
                && let Some(node) = node.upgrade()
            {
                node.forget(age);
            }
            Ok::<(), ()>(())
        };
        let config = AsyncConnectionConfig::new().set_push_sender(heard).set_pipeline_buffer_size(UNSENT);
        let attempt = async move { servers.connect(0, config).await }.boxed().shared();
        // It goes on when who began it does not wait for it any more.
        tokio::spawn(attempt.clone());
        line.attempt = Some(attempt.clone());
        (age, attempt)
    }

    fn forget(&self, age: u64) {
        let mut line = self.lock();
        if line.age == age {
            line.attempt = None;
        }
    }

    /// Lets go of a connection that is lost, silent, or leads to a server that is not the master any more.
    fn looked_at<T>(&self, age: u64, result: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &result
            && (error.is_unrecoverable_error() || error.is_io_error() || is_read_only(error))
        {
            self.forget(age);
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
async fn keep(node: Weak<Node>) {
    let (clock, mut away) = (Clock::system(), false);
    loop {
        clock.sleep(CHECK).await;
        let Some(node) = node.upgrade() else { return };
        match node.check().await {
            Ok(()) if away => tracing::info!("Redis is back"),
            Err(error) if !away => tracing::warn!(%error, "Redis is away"),
            Ok(()) | Err(_) => {}
        }
        away = node.lock().attempt.is_none();
    }
}
