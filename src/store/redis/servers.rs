//! Where the servers are, and how a connection to the right one is made.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult, TlsMode, Value,
    aio::MultiplexedConnection,
    cluster::{ClusterClient, ClusterClientBuilder},
    cmd,
    sentinel::{Sentinel, SentinelNodeConnectionInfo},
};

use super::{ANSWER, CONNECT, is_away};
use crate::redis_url::{Host, Layout, Login, RedisUrl, Tls};

pub(super) enum Servers {
    Single(Host, Way),
    Cluster(Vec<Host>, Way),
    Sentinel { sentinels: Vec<Host>, to_sentinels: Way, service: String, way: Way },
}

/// What one needs to know beside the host.
pub(super) struct Way {
    tls: Tls,
    settings: RedisConnectionInfo,
}

impl Way {
    fn new(tls: Tls, login: Option<&Login>) -> Self {
        // Only this protocol tells at once that a connection has ended.
        let mut settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(Login { user, password }) = login {
            settings = settings.set_password(password);
            if let Some(user) = user {
                settings = settings.set_username(user);
            }
        }
        Self { tls, settings }
    }

    fn address(&self, Host { name, port }: &Host) -> ConnectionAddr {
        let (host, port) = (name.clone(), *port);
        match self.tls {
            Tls::Off => ConnectionAddr::Tcp(host, port),
            Tls::On => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            Tls::Unchecked => ConnectionAddr::TcpTls { host, port, insecure: true, tls_params: None },
        }
    }

    fn to(&self, host: &Host) -> RedisResult<ConnectionInfo> {
        Ok(self.address(host).into_connection_info()?.set_redis_settings(self.settings.clone()))
    }

    fn to_all(&self, hosts: &[Host]) -> RedisResult<Vec<ConnectionInfo>> {
        hosts.iter().map(|host| self.to(host)).collect()
    }
}

impl Servers {
    pub(super) fn new(url: &RedisUrl) -> Self {
        let mut way = Way::new(url.tls, url.login.as_ref());
        if let Layout::Single { db } | Layout::Sentinel { db, .. } = url.layout {
            way.settings = way.settings.set_db(db.into());
        }
        match &url.layout {
            Layout::Single { .. } => Self::Single(url.hosts[0].clone(), way),
            Layout::Cluster => Self::Cluster(url.hosts.clone(), way),
            Layout::Sentinel { service, login, .. } => Self::Sentinel {
                sentinels: url.hosts.clone(),
                to_sentinels: Way::new(url.tls, login.as_ref()),
                service: service.clone(),
                way,
            },
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(..))
    }

    /// The number of the database.
    pub(super) fn db(&self) -> i64 {
        let (Self::Single(_, way) | Self::Cluster(_, way) | Self::Sentinel { way, .. }) = self;
        way.settings.db()
    }

    /// A client of the whole cluster, made from any of its nodes that is there.
    pub(super) fn cluster(&self) -> RedisResult<ClusterClient> {
        let Self::Cluster(hosts, way) = self else {
            return Err((ErrorKind::InvalidClientConfig, "Not a cluster").into());
        };
        ClusterClientBuilder::new(way.to_all(hosts)?)
            .connection_timeout(CONNECT)
            .response_timeout(ANSWER)
            .use_protocol(ProtocolVersion::RESP3)
            .build()
    }

    /// Connects to the server, the present master, or a node of the cluster: another with each `turn`.
    pub(super) async fn connect(
        &self,
        turn: usize,
        config: AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let client = match self {
            Self::Single(host, way) => Client::open(way.to(host)?)?,
            Self::Cluster(hosts, way) => Client::open(way.to(&hosts[turn % hosts.len()])?)?,
            Self::Sentinel { sentinels, to_sentinels, service, way } => {
                let sentinels = to_sentinels.to_all(sentinels)?;
                // The first one asked may be away, and the master that the next one names too.
                match tokio::time::timeout(CONNECT * 2, master(sentinels, service, way)).await {
                    Ok(found) => found?,
                    Err(_) => {
                        return Err((ErrorKind::Io, "The sentinels do not name a master in time").into());
                    }
                }
            }
        };
        let config = config.set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Why a node of the cluster that is there does not let us in, if that is so.
    pub(super) async fn refusal(&self) -> Option<RedisError> {
        let Self::Cluster(hosts, _) = self else { return None };
        for turn in 0..hosts.len() {
            match self.connect(turn, AsyncConnectionConfig::new()).await {
                Err(error) if !is_away(&error) => return Some(error),
                _ => {}
            }
        }
        None
    }

    /// Whether the other end is there, and still the master.
    pub(super) async fn check(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if !matches!(self, Self::Sentinel { .. }) {
            return cmd("PING").query_async(connection).await;
        }
        let role: Vec<Value> = cmd("ROLE").query_async(connection).await?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(()),
            _ => Err((ErrorKind::Io, "The server is not the master any more").into()),
        }
    }
}

async fn master(sentinels: Vec<ConnectionInfo>, service: &str, way: &Way) -> RedisResult<Client> {
    let mut node = SentinelNodeConnectionInfo::default().set_redis_connection_info(way.settings.clone());
    node = match way.tls {
        Tls::Off => node,
        Tls::On => node.set_tls_mode(TlsMode::Secure),
        Tls::Unchecked => node.set_tls_mode(TlsMode::Insecure),
    };
    Sentinel::build(sentinels)?.async_master_for(service, Some(&node)).await
}
