//! Who may work on a database beside whom. A process that keeps its waiting rooms to itself must be the only one, or
//! each would count admissions for itself and together they would exceed the limits (rule 6).
//!
//! On SQLite a claim is a lock of the operating system on a file beside the database; on PostgreSQL it is an advisory
//! lock, which a session of its own holds (so no pooler that hands sessions around may be in between). Both are gone
//! with the process, however it ends.

use std::{
    fmt,
    fs::{File, TryLockError},
    path::PathBuf,
    time::Duration,
};

use chrono::TimeDelta;
use sea_orm::sqlx::{self, Connection, PgConnection, postgres::PgConnectOptions};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    clock::{Clock, Dice},
    files,
    store::{Database, connect},
};

/// The advisory lock that everybody who serves takes. Any number will do, but always the same.
const SERVING: i64 = 0x4652_4f4e_5402;

/// How long a claim on PostgreSQL waits: it may take a moment until the end of another session is noticed.
const WAIT: &str = "5s";

/// How often a session is looked after. For so long, after PostgreSQL was restarted, nobody has a claim.
const PULSE: TimeDelta = TimeDelta::seconds(1);

/// How long the session may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a session may take from the first word to the lock: less would not let it wait.
const CLAIMING: Duration = Duration::from_secs(10);

/// Who holds the lock, whether as the only one or with others.
const HOLDERS: &str = "SELECT activity.application_name FROM pg_locks \
     JOIN pg_database ON pg_database.oid = pg_locks.database AND datname = current_database() \
     JOIN pg_stat_activity AS activity ON activity.pid = pg_locks.pid \
     WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
     AND classid::bigint << 32 | objid::bigint = $1";

/// Whether others may work on the database as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody else.
    Alone,
    /// Others that share as well.
    Together,
}

/// Why there is no claim.
#[derive(Debug)]
pub enum Unclaimed {
    /// Somebody has one that does not go with it.
    Taken(Sharing),
    /// The lock could not even be asked for.
    Failed(String),
}

impl fmt::Display for Unclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(Sharing::Alone) => f.write_str(
                "another Frontrow process works on this database, and without Redis there may be only one, \
                 because each would keep waiting rooms of its own",
            ),
            Self::Taken(Sharing::Together) => f.write_str(
                "a Frontrow process without Redis works on this database; it would not know of the waiting rooms \
                 in Redis",
            ),
            Self::Failed(why) => write!(f, "the database cannot be claimed: {why}"),
        }
    }
}

impl std::error::Error for Unclaimed {}

/// The right to work on a database. Over when it is released or dropped, when the process ends in any way, or when
/// it was lost.
#[derive(Debug)]
pub struct Claim {
    held: Held,
    lost: CancellationToken,
}

#[derive(Debug)]
enum Held {
    /// A database in memory: nobody else can see it.
    Private,
    File(File),
    /// A task holds the session until it is told to stop.
    Session {
        stop: DropGuard,
        task: tokio::task::JoinHandle<()>,
    },
}

impl Claim {
    /// Cancelled when another process has taken the database while PostgreSQL was out of reach: this one has to stop
    /// then.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Gives the claim up: when this returns, another process may have it.
    pub async fn release(self) {
        match self.held {
            Held::Private => {}
            Held::File(file) => drop(file),
            Held::Session { stop, task } => {
                drop(stop);
                // A session that cannot be closed in order is gone as well.
                let _ = task.await;
            }
        }
    }
}

impl Database {
    /// Claims the database for this process.
    ///
    /// # Errors
    /// [`Unclaimed`], in a sentence for the operator.
    pub async fn claim(&self, sharing: Sharing) -> Result<Claim, Unclaimed> {
        let lost = CancellationToken::new();
        if !self.is_postgres() {
            return Ok(Claim { held: lock_file(&self.url.0, sharing)?, lost });
        }
        let claimant = Claimant::new(self.url.0.to_string(), sharing);
        let session = claimant.session().await?;
        let stop = CancellationToken::new();
        let keeping = claimant.keep(session, stop.clone(), lost.clone());
        let held = Held::Session { stop: stop.drop_guard(), task: tokio::spawn(keeping) };
        Ok(Claim { held, lost })
    }
}

fn failed(error: impl fmt::Display) -> Unclaimed {
    Unclaimed::Failed(error.to_string())
}

fn lock_file(url: &str, sharing: Sharing) -> Result<Held, Unclaimed> {
    let Some(database) = connect::file(url).map_err(failed)? else { return Ok(Held::Private) };
    let mut path = database.into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = files::open_private(&path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    let locked = match sharing {
        Sharing::Alone => file.try_lock(),
        Sharing::Together => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(Held::File(file)),
        Err(TryLockError::WouldBlock) => Err(Unclaimed::Taken(sharing)),
        Err(TryLockError::Error(error)) => Err(failed(format!("{}: {error}", path.display()))),
    }
}

/// Who claims a database of PostgreSQL, in one session after another.
struct Claimant {
    url: String,
    sharing: Sharing,
    /// What its sessions are called, and nobody else's: so it knows those that it has let go of.
    name: String,
}

impl Claimant {
    fn new(url: String, sharing: Sharing) -> Self {
        let name = format!("frontrow claim {}", Dice::system().id(Clock::system().now()).simple());
        Self { url, sharing, name }
    }

    /// A session that holds the lock.
    async fn session(&self) -> Result<PgConnection, Unclaimed> {
        match tokio::time::timeout(CLAIMING, self.try_session()).await {
            Ok(claimed) => claimed,
            Err(_) => Err(failed("PostgreSQL does not answer")),
        }
    }

    async fn try_session(&self) -> Result<PgConnection, Unclaimed> {
        let options: PgConnectOptions = self.url.parse().map_err(failed)?;
        let options =
            connect::postgres(options).options(connect::KEEPALIVE).options([("lock_timeout", WAIT)]);
        let options = options.application_name(&self.name);
        let mut session = PgConnection::connect_with(&options).await.map_err(failed)?;
        self.end_former(&mut session).await.map_err(failed)?;
        let lock = match self.sharing {
            Sharing::Alone => "SELECT pg_advisory_lock($1)",
            Sharing::Together => "SELECT pg_advisory_lock_shared($1)",
        };
        match sqlx::query(lock).bind(SERVING).execute(&mut session).await {
            Ok(_) => Ok(session),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => {
                if self.is_taken(&mut session).await.map_err(failed)? {
                    return Err(Unclaimed::Taken(self.sharing));
                }
                Err(failed("the lock on the database was not to be had in time"))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Ends the sessions that this claimant has let go of. PostgreSQL has not noticed if the network was away, and
    /// for as long as it takes to, about eleven seconds, they would still hold the lock.
    async fn end_former(&self, session: &mut PgConnection) -> Result<(), sqlx::Error> {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = $1 AND pid <> pg_backend_pid()";
        sqlx::query(end).bind(&self.name).execute(session).await.map(drop)
    }

    /// Whether somebody else has the lock, and not a former session of this claimant.
    async fn is_taken(&self, session: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let holders: Vec<String> = sqlx::query_scalar(HOLDERS).bind(SERVING).fetch_all(session).await?;
        Ok(holders.iter().any(|holder| *holder != self.name))
    }

    /// Holds the session until `stop`, and claims anew if it is lost.
    async fn keep(self, session: PgConnection, stop: CancellationToken, lost: CancellationToken) {
        // Also where a test moves the clock of the house: PostgreSQL does not wait for that.
        let clock = Clock::system();
        let mut held = Some(session);
        while stop.run_until_cancelled(clock.sleep(PULSE)).await.is_some() {
            if let Some(session) = &mut held
                && matches!(tokio::time::timeout(ANSWER, session.ping()).await, Ok(Ok(())))
            {
                continue;
            }
            // Let go of first: it must not stand in the way of the next.
            held = None;
            let Some(claimed) = stop.run_until_cancelled(self.session()).await else { return };
            match claimed {
                Ok(again) => {
                    tracing::info!("the database is claimed again");
                    held = Some(again);
                }
                Err(Unclaimed::Failed(why)) => {
                    tracing::warn!(why, "the claim on the database is lost for now");
                }
                Err(taken @ Unclaimed::Taken(_)) => {
                    tracing::error!(%taken, "the claim on the database is lost");
                    lost.cancel();
                    return;
                }
            }
        }
        if let Some(session) = held {
            unlock(session).await;
        }
    }
}

/// Unlocks in so many words, because PostgreSQL ends a session some time after its client.
async fn unlock(mut session: PgConnection) {
    let _ = tokio::time::timeout(ANSWER, async {
        let unlocked = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut session).await;
        unlocked.and(session.close().await)
    })
    .await;
}
