//! Config to stores to services to router: the only place that knows which concrete parts run.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::{Clock, Entropy},
    config::{Config, RedisConfig},
    files::{self, Others},
    open_files,
    server::{
        self,
        door::{Door, DoorLimits, Hosts},
        endpoint::TransportLimits,
    },
    service::{
        Failure, Services, Settings,
        identity::{Expected, Keys},
    },
    store::{
        Claim, Database,
        building::OrganizerLimits,
        redis::{Redis, is_away},
    },
};

/// How long requests and sockets may take to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(10);

/// A house with its front door.
#[derive(Debug)]
pub struct App {
    services: Arc<Services>,
    router: Router,
    door: Door,
    shutdown: CancellationToken,
    sockets: TaskTracker,
    claim: Claim,
}

impl App {
    /// Opens the stores, brings the schema up to date, and seeds the demo if asked.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn open(config: &Config, clock: Clock, entropy: Entropy) -> Result<Self, String> {
        // Before anything is opened: a key that others have read signs for them as well.
        let keys = keys(config, &entropy)?;
        let database = database(config).await?;
        let claim = database.claim().map_err(|error| error.to_string())?;
        database
            .migrate()
            .await
            .map_err(|error| format!("the database cannot be brought up to date: {error}"))?;
        let redis = redis(config).await?;
        let settings = Settings {
            open_identities: config.open_identities,
            self_service_charging: config.self_service_charging,
            organizer_limits: config.rate_limits.then_some(OrganizerLimits {
                concerts: config.organiser_concerts_per_hour,
                dates: config.organiser_dates_per_hour,
                seats: config.organiser_seats_per_hour,
            }),
            key_age: TimeDelta::days(config.idempotency_days.into()),
            dates_memory: config.max_dates,
            draws: draw_folder(config)?,
        };
        if !database.is_shared() {
            clock.keep_own();
        }
        // Until fans can come in, nobody is silent.
        clock.expect_attendance();
        let services = Services::open(database, redis, keys, settings, clock, entropy).await.map_err(said)?;
        if config.demo {
            crate::demo::seed(&services).await.map_err(said)?;
        }
        let (shutdown, sockets) = (CancellationToken::new(), TaskTracker::new());
        let bounds = door_limits(config)?;
        let limits = transport_limits(config, bounds.connections);
        let door = Door::new(bounds);
        let router =
            server::router(Arc::clone(&services), limits, door.outgoing(), shutdown.clone(), sockets.clone());
        Ok(Self { services, router, door, shutdown, sockets, claim })
    }

    /// What is behind the door.
    #[must_use]
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Serves until `stop`: then accepts nothing more, tells sockets to come back later (1001), finishes what was
    /// accepted, and flushes the journal.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), String> {
        let shutdown = self.shutdown.clone();
        let stopping = async {
            stop.await;
            tracing::info!("stopping");
            shutdown.cancel();
        };
        self.services.attend();
        let serving = async {
            let served = server::door::serve(listener, self.router, self.door, shutdown.clone());
            tokio::join!(stopping, served);
        };
        let hard_stop = async {
            self.shutdown.cancelled().await;
            // Whoever does not let go of a connection must not keep the process open.
            let _ = tokio::time::timeout(FAREWELL, std::future::pending::<()>()).await;
        };
        tokio::select! {
            () = serving => {}
            () = hard_stop => {}
        }
        self.shutdown.cancel();
        self.sockets.close();
        if tokio::time::timeout(FAREWELL, self.sockets.wait()).await.is_err() {
            tracing::warn!(sockets = self.sockets.len(), "sockets that did not close in time are dropped");
        }
        self.services.close().await.map_err(said)?;
        drop(self.claim);
        Ok(())
    }
}

/// A socket lasts for hours, and whoever has none must still be able to pay.
const SOCKETS_OF_CONNECTIONS: (usize, usize) = (9, 10);

fn transport_limits(config: &Config, connections: usize) -> TransportLimits {
    let defaults = TransportLimits::default();
    let (of, all) = SOCKETS_OF_CONNECTIONS;
    TransportLimits {
        allowed_origins: config.allowed_origins.clone(),
        persisted_queries: config.persisted_queries,
        sockets: connections * of / all,
        remembered_bytes: config.max_answers,
        operation_rate: defaults.operation_rate.filter(|_| config.rate_limits),
        sign_rate: defaults.sign_rate.filter(|_| config.rate_limits),
        ..defaults
    }
}

/// # Errors
/// A sentence for the operator.
fn door_limits(config: &Config) -> Result<DoorLimits, String> {
    let defaults = DoorLimits::default();
    let connections = open_files::connections(config.max_connections, defaults.spare_connections)?;
    if connections < config.max_connections {
        let wanted = config.max_connections;
        tracing::info!(connections, wanted, "the limit on open files allows fewer connections");
    }
    // Only there the address itself says who may be anybody.
    let is_guarded = config.open_identities && config.listen.ip().is_loopback();
    let hosts = if is_guarded { Hosts::of_loopback(&config.allowed_origins) } else { Hosts::any() };
    Ok(DoorLimits {
        connections,
        per_address: config.rate_limits.then_some(config.max_connections_per_address),
        outgoing: config.max_outgoing,
        outgoing_per_address: config.rate_limits.then_some(config.max_outgoing / 4),
        trusted_proxies: config.trusted_proxies.clone(),
        hosts,
        ..defaults
    })
}

/// Connects to the database that the settings name, in a data folder that is made if it is missing.
///
/// # Errors
/// A sentence for the operator.
pub async fn database(config: &Config) -> Result<Database, String> {
    let url = match &config.database_url {
        Some(url) => url.clone(),
        None => {
            own_data_folder(config)?;
            Database::embedded_url(&config.data)
        }
    };
    Database::connect(&url).await.map_err(|error| format!("the database cannot be opened: {error}"))
}

/// The link to the Redis that the settings name, if they do. One that is away may come back: what it is not needed
/// for goes on meanwhile.
///
/// # Errors
/// A sentence for the operator, if somebody answers there and not as it should.
async fn redis(config: &Config) -> Result<Option<Redis>, String> {
    let Some(RedisConfig { url, prefix }) = &config.redis else { return Ok(None) };
    let redis = Redis::to(url, prefix);
    match redis.check().await {
        Ok(()) => {}
        Err(error) if is_away(&error) => {
            tracing::warn!(%url, %error, "Redis is away: other processes hear of what is done here a little later");
        }
        Err(error) => return Err(format!("redis-url: {url} does not answer as it should: {error}")),
    }
    Ok(Some(redis))
}

/// The keys: ours, made at the first start and readable by the owner alone (rule 3), and the identity provider's.
///
/// # Errors
/// A sentence for the operator.
pub fn keys(config: &Config, entropy: &Entropy) -> Result<Keys, String> {
    if let Some(folder) = config.signing_key.parent() {
        let shown = folder.display();
        files::make_folder(folder).map_err(|error| format!("the folder {shown} cannot be made: {error}"))?;
    }
    let secret = signing_secret(&config.signing_key, entropy)?;
    look_at_signing_key(config)?;
    if is_within_data(config) {
        own_data_folder(config)?;
    }
    let keys = Keys::new(&secret).expecting(Expected {
        issuer: config.identity_issuer.clone(),
        audiences: config.identity_audience.clone(),
    });
    match &config.identity_key {
        None => Ok(keys),
        Some(path) => {
            let shown = path.display();
            let pem = std::fs::read(path)
                .map_err(|error| format!("identity-key: {shown} cannot be read: {error}"))?;
            keys.with_provider(&pem).map_err(|why| format!("identity-key: {shown}: {why}"))
        }
    }
}

/// Everything in the data folder is for its owner alone: the database knows the secret of every draw that is to come.
fn own_data_folder(config: &Config) -> Result<(), String> {
    files::own_folder(&config.data, &config.signing_key).map_err(|why| format!("data: {why}"))
}

/// Where the published draws are: where the settings say, or among the data if there are any; `None` for a temporary
/// folder.
fn draw_folder(config: &Config) -> Result<Option<PathBuf>, String> {
    if let Some(wanted) = &config.draw_folder {
        files::own_folder(wanted, Path::new("")).map_err(|why| format!("draw-folder: {why}"))?;
        return Ok(Some(wanted.clone()));
    }
    Ok(config.data.is_dir().then(|| config.data.join("draws")))
}

/// Whether the signing key lives among the data, and was not mounted by somebody.
fn is_within_data(config: &Config) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(&config.signing_key).zip(real(&config.data)).is_some_and(|(key, data)| key.starts_with(data))
}

/// Whoever can read the signing key can be anybody here. One that we keep is refused then rather than closed, because
/// it may have been read already; one that is mounted may have to be like that.
fn look_at_signing_key(config: &Config) -> Result<(), String> {
    let path = &config.signing_key;
    let shown = path.display();
    let found = files::others(path).map_err(|error| format!("signing-key: {shown}: {error}"))?;
    let Some(Others { mode, read, write }) = found.filter(|others| others.read || others.write) else {
        return Ok(());
    };
    let can = if write { "changed" } else { "read" };
    let said =
        format!("{shown} can be {can} by other users (mode {mode:04o}), who could sign tokens with it");
    let is_ours = is_within_data(config);
    if !is_ours && !write {
        tracing::warn!("signing-key: {said}; if it need not be like that: chmod 600 {}", quoted(path));
        return Ok(());
    }
    let renew = if is_ours {
        "; if somebody may have used it, delete it instead: the next start makes another one, and every token that it \
         has signed ends"
    } else {
        ""
    };
    debug_assert!(read || write);
    Err(format!("signing-key: {said}; run: chmod 600 {}{renew}", quoted(path)))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c)) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn signing_secret(path: &Path, entropy: &Entropy) -> Result<Vec<u8>, String> {
    let shown = path.display();
    match files::private().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            let text = hex::encode(entropy.bytes::<32>());
            let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
            written.map_err(|error| format!("signing-key: {shown} cannot be written: {error}"))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(format!("signing-key: {shown} cannot be made: {error}")),
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("signing-key: {shown} cannot be read: {error}"))?;
    hex::decode(text.trim())
        .ok()
        .filter(|secret| secret.len() >= 32)
        .ok_or_else(|| format!("signing-key: {shown} must hold at least 32 bytes in hexadecimal"))
}

fn said(failure: Failure) -> String {
    match failure {
        Failure::Internal(error) => error.to_string(),
        Failure::Unavailable => "a store is not available".to_owned(),
        other => format!("{other:?}"),
    }
}
