//! What anybody needs to check a draw (rule 5): the commitment, the secret once the lobby is drawn, and the token ids of
//! the lobby, without whose they are.
//!
//! A drawn lobby never changes again, and may have a million places; so what is published of it is written once into a
//! file, by one date at a time, and nothing of it is kept in memory. The first who asks has it written. Who asks
//! meanwhile waits for a moment, and is then asked to come again.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    task::spawn_blocking,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::store::draws::Published;
use crate::{
    domain::{catalog::Series, id::SeriesId},
    service::{Failure, Services},
    store::{
        Database,
        draws::{Writer, open_folder},
        lobby::LOBBY_PART,
    },
};

/// How long who asks waits for a file that is being written, before being asked to come again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Dates whose files are being written or wait for their turn.
const MOST_WAITING: usize = 64;

/// What is published of a draw.
#[derive(Clone, Debug)]
pub enum Draw {
    /// Before the order is drawn.
    ToCome {
        /// SHA-256 of the secret.
        commitment: String,
        /// How many have joined the lobby so far, also those who have left since.
        places: u64,
    },
    /// All of it.
    Done(Published),
}

/// The files of the draws.
#[derive(Debug)]
pub(super) struct Draws {
    database: Database,
    /// Where they are to be; a temporary folder without it, or if it cannot be had.
    wanted: Option<PathBuf>,
    folder: OnceCell<Folder>,
    known: Mutex<Known>,
    /// One date at a time: a million places take 48 MB while they are sorted.
    turn: Arc<Semaphore>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Where the files are.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Deleted with this, in order that temporary files stay temporary.
    _temporary: Option<TempDir>,
}

impl Folder {
    fn temporary() -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("frontrow-draws-").tempdir()?;
        Ok(Self { path: folder.path().to_owned(), _temporary: Some(folder) })
    }
}

#[derive(Debug, Default)]
struct Known {
    ready: HashMap<SeriesId, Published>,
    /// `None` until the file is there or has failed.
    writing: HashMap<SeriesId, watch::Receiver<Option<Result<Published, ()>>>>,
}

impl Services {
    /// What is published of the draw of a date.
    ///
    /// # Errors
    /// NOT_FOUND without the date; UNAVAILABLE while its file is being written.
    pub async fn draw(&self, id: SeriesId) -> Result<Draw, Failure> {
        let series = self.database.find_series(id).await?.ok_or_else(|| Failure::not_found("date"))?;
        if series.drawn_at.is_none() {
            let commitment = series.draw_secret.commitment();
            return Ok(Draw::ToCome { commitment, places: self.database.joins(id).await? });
        }
        self.draws.of(series).await.map(Draw::Done)
    }

    /// Has the file written again that somebody has taken away, when it is asked for next.
    pub fn forget_draw(&self, gone: &Published) {
        self.draws.known().ready.retain(|_, found| found.path() != gone.path());
    }
}

impl Draws {
    pub(super) fn new(
        database: Database,
        wanted: Option<PathBuf>,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            database,
            wanted,
            folder: OnceCell::new(),
            known: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            stop,
            tasks,
        })
    }

    /// The file of a date whose lobby is drawn, written if it is not there.
    async fn of(self: &Arc<Self>, series: Series) -> Result<Published, Failure> {
        self.folder().await?;
        let mut written = {
            let mut known = self.known();
            match known.ready.get(&series.id) {
                Some(found) if found.is_of(&series) => return Ok(found.clone()),
                // Drawn anew, after the database was set back.
                Some(_) => drop(known.ready.remove(&series.id)),
                None => {}
            }
            // One whose writer is gone without a word has failed.
            match known.writing.get(&series.id).filter(|written| written.has_changed().is_ok()) {
                Some(written) => written.clone(),
                None if known.writing.len() >= MOST_WAITING => return Err(Failure::Unavailable),
                None => {
                    let (tell, written) = watch::channel(None);
                    known.writing.insert(series.id, written.clone());
                    // Not a part of the request: the file is wanted also if who asked for it has gone.
                    self.tasks.spawn(Arc::clone(self).write(series, tell));
                    written
                }
            }
        };
        match tokio::time::timeout(PATIENCE, written.wait_for(Option::is_some)).await {
            Ok(Ok(told)) => told.clone().and_then(Result::ok).ok_or(Failure::Unavailable),
            Ok(Err(_)) | Err(_) => Err(Failure::Unavailable),
        }
    }

    async fn write(self: Arc<Self>, series: Series, tell: watch::Sender<Option<Result<Published, ()>>>) {
        let id = series.id;
        let written = match self.turn.acquire().await {
            Ok(_turn) => self.stop.run_until_cancelled(self.try_write(&series)).await,
            Err(_) => None,
        };
        let mut known = self.known();
        known.writing.remove(&id);
        let told = match written {
            Some(Ok(published)) => {
                known.ready.insert(id, published.clone());
                Ok(published)
            }
            Some(Err(failure)) => {
                tracing::error!(?failure, %id, "the draw cannot be published");
                Err(())
            }
            None => Err(()),
        };
        drop(known);
        tell.send_replace(Some(told));
    }

    async fn try_write(&self, series: &Series) -> Result<Published, Failure> {
        let (folder, joins) = (self.folder().await?.to_owned(), self.database.joins(series.id).await?);
        let mut writer = {
            let series = series.clone();
            blocking(move || Writer::begin(&folder, &series, joins)).await?
        };
        let drawn_at = series.drawn_at.filter(|_| series.lobby_hash.is_some());
        let mut first = 0;
        while first < joins {
            let tokens = self.database.lobby_part(series.id, drawn_at, first).await?;
            writer = blocking(move || writer.with(&tokens)).await?;
            first += LOBBY_PART;
        }
        blocking(move || writer.finish()).await
    }

    /// The folder, with what earlier processes have left in it.
    async fn folder(&self) -> Result<&PathBuf, Failure> {
        let open = async || {
            let wanted = self.wanted.clone();
            let (folder, ready) = blocking(move || match wanted.map(|path| (open_folder(&path), path)) {
                Some((Ok(ready), path)) => Ok((Folder { path, _temporary: None }, ready)),
                Some((Err(why), _)) => {
                    tracing::warn!("{why}: the draws are published from a temporary folder");
                    Ok((Folder::temporary()?, HashMap::new()))
                }
                None => Ok((Folder::temporary()?, HashMap::new())),
            })
            .await?;
            self.known().ready = ready;
            Ok::<_, Failure>(folder)
        };
        Ok(&self.folder.get_or_try_init(open).await?.path)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what waits for a disk or takes long where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let done = spawn_blocking(act).await.map_err(|error| Failure::Internal(error.into()))?;
    done.map_err(|error| Failure::Internal(error.into()))
}
