//! Every date that is in use in this process.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::TimeDelta;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    domain::{
        date::Sale,
        id::{SeriesId, TokenId, UserId},
    },
    sales::{
        date::Date,
        parts::{Committed, Parts},
        stream::Here,
        wallets::Wallets,
    },
    store::journal::{Fault, Journal},
};

/// A date that nobody uses leaves memory after so long.
const UNUSED: TimeDelta = TimeDelta::minutes(5);

/// How often that is looked at.
const LOOK: TimeDelta = TimeDelta::seconds(20);

/// Dates that are read from the database at the same time: a large one takes a while, and the sale needs the database too.
const READS: usize = 2;

/// See the module.
#[derive(Debug)]
pub struct Sales<J: Journal> {
    pub(super) parts: Arc<Parts<J>>,
    /// How much memory dates may take together, in bytes: beyond it those go that were not used for the longest, and
    /// where all are in use no more are opened.
    memory: usize,
    dates: Mutex<HashMap<SeriesId, Slot<J>>>,
    reads: Semaphore,
    wallets: Arc<Wallets<J>>,
    tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// Rings when a date has left memory: from now on its deadlines are the scanner's.
    pub(super) left: Notify,
    /// Rings when a date has come into use: others wait to be told who is heard of it here.
    pub(super) opened: Notify,
    /// Rings when news of other processes may have been missed.
    pub(super) missed: Notify,
}

/// A date that is in use, or being opened.
#[derive(Debug)]
struct Slot<J> {
    date: Option<Arc<Date<J>>>,
    /// Held by who opens it, so that it is opened once.
    opening: Arc<Opening>,
}

#[derive(Debug, Default)]
struct Opening {
    turn: tokio::sync::Mutex<()>,
    /// How often that has failed.
    failed: AtomicU64,
}

impl<J> Default for Slot<J> {
    fn default() -> Self {
        Self { date: None, opening: Arc::default() }
    }
}

impl<J: Journal> Sales<J> {
    /// With `memory` bytes for all dates together.
    #[must_use]
    pub fn start(parts: Parts<J>, memory: usize, tasks: TaskTracker) -> Arc<Self> {
        let parts = Arc::new(parts);
        let wallets = Wallets::new(Arc::clone(&parts));
        tasks.spawn(Arc::clone(&wallets).serve());
        let sales = Arc::new(Self {
            parts,
            memory,
            dates: Mutex::default(),
            reads: Semaphore::new(READS),
            wallets,
            tasks,
            stop: CancellationToken::new(),
            left: Notify::new(),
            opened: Notify::new(),
            missed: Notify::new(),
        });
        sales.tasks.spawn(Arc::clone(&sales).tidy());
        sales
    }

    /// The lane of those who only move points.
    #[must_use]
    pub fn wallets(&self) -> &Wallets<J> {
        &self.wallets
    }

    /// What every date works with.
    #[must_use]
    pub fn parts(&self) -> &Parts<J> {
        &self.parts
    }

    /// A date, opened if it is not in use yet.
    ///
    /// # Errors
    /// [`Fault::Unknown`] if there is no such date; see [`Fault`].
    pub async fn of(self: &Arc<Self>, id: SeriesId) -> Result<Arc<Date<J>>, Fault> {
        if let Some(date) = self.get(id) {
            return Ok(date);
        }
        let opening = Arc::clone(&self.lock().entry(id).or_default().opening);
        let failed = opening.failed.load(Ordering::Acquire);
        let _turn = opening.turn.lock().await;
        if let Some(date) = self.get(id) {
            return Ok(date);
        }
        // Those who have waited meanwhile do not each wait once more for a store that is away.
        if opening.failed.load(Ordering::Acquire) != failed {
            return Err(Fault::Unavailable);
        }
        let opened = self.open(id).await;
        if opened.is_err() {
            opening.failed.fetch_add(1, Ordering::AcqRel);
            self.lock().retain(|of, slot| *of != id || slot.date.is_some());
        }
        opened
    }

    async fn open(self: &Arc<Self>, id: SeriesId) -> Result<Arc<Date<J>>, Fault> {
        if self.stop.is_cancelled() {
            return Err(Fault::Unavailable);
        }
        let date = {
            // Never closed.
            let _turn = self.reads.acquire().await;
            Date::open(id, Arc::clone(&self.parts)).await?
        };
        if !self.make_room(date.weight()) {
            tracing::warn!(date = %id, "a date cannot be opened: those in use take all the memory that dates may have");
            return Err(Fault::Unavailable);
        }
        if !self.add(&date) {
            return Err(Fault::Unavailable);
        }
        // Whatever was due while nobody was there is done before anybody looks: a slot that was paid for at the last moment
        // is given away, say. Where that fails it is tried again.
        if date.see(Sale::next_due).is_some_and(|due| due <= self.parts.clock.now()) {
            let _ = date.decided().await;
        }
        Ok(date)
    }

    /// False once the process stops.
    fn add(&self, date: &Arc<Date<J>>) -> bool {
        let mut dates = self.lock();
        let goes_on = !self.stop.is_cancelled();
        if goes_on {
            dates.entry(date.id()).or_default().date = Some(Arc::clone(date));
            self.opened.notify_one();
            self.tasks.spawn(Arc::clone(date).serve());
        }
        goes_on
    }

    /// A date, if it is in use.
    #[must_use]
    pub fn get(&self, id: SeriesId) -> Option<Arc<Date<J>>> {
        let date = self.lock().get(&id).and_then(|slot| slot.date.clone())?;
        date.touch();
        Some(date)
    }

    /// Whether a date is in use; to ask that is no use.
    pub(super) fn is_in_use(&self, id: SeriesId) -> bool {
        self.lock().get(&id).is_some_and(|slot| slot.date.is_some())
    }

    /// Every date that is in use.
    #[must_use]
    pub fn in_use(&self) -> Vec<Arc<Date<J>>> {
        self.lock().values().filter_map(|slot| slot.date.clone()).collect()
    }

    /// A user who asks about their place and names it but not its date: until what is returned is dropped they are here,
    /// because it is we who keep them waiting while the database is slow to say which date that is.
    #[must_use]
    pub fn here(&self, token: TokenId, user: &UserId) -> Option<Here<J>> {
        // Not with the lock held: a date may be busy.
        self.in_use().into_iter().find_map(|date| date.here(token, user))
    }

    /// Takes in what another process has told of a date. Where something is missing before it, that is read.
    pub async fn hear_of(&self, committed: &Committed) {
        let date = self.lock().get(&committed.date).and_then(|slot| slot.date.clone());
        let Some(date) = date else { return self.parts.versions.date_changed(committed.date) };
        if date.hear_of(committed)
            && let Err(fault) = date.follow().await
        {
            tracing::debug!(?fault, date = %committed.date, "a date cannot be followed; it is looked at again soon");
        }
    }

    /// Finishes what was accepted, and takes no more.
    pub fn close(&self) {
        self.stop.cancel();
        self.wallets.close();
        for slot in self.lock().values() {
            slot.date.iter().for_each(|date| date.close());
        }
    }

    async fn tidy(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.parts.clock.sleep(LOOK) => self.let_go(|date| date.unused_for() >= UNUSED),
            }
        }
    }

    /// Lets go of those dates that nobody needs and `is_old` says so of. They are asked while nobody can come by one.
    pub(crate) fn let_go(&self, is_old: impl Fn(&Date<J>) -> bool) {
        let mut dates = self.lock();
        let before = dates.len();
        dates.retain(|_, slot| match &slot.date {
            // The task that serves it has another.
            Some(date) if Arc::strong_count(date) == 2 && date.is_idle() && is_old(date) => {
                date.close();
                false
            }
            Some(_) => true,
            None => Arc::strong_count(&slot.opening) > 1,
        });
        if dates.len() < before {
            self.left.notify_one();
        }
    }

    /// Lets go of what was not used for the longest until there is room for so many bytes; whether there is.
    fn make_room(&self, bytes: usize) -> bool {
        let taken = || self.in_use().iter().map(|date| date.weight()).sum::<usize>();
        let mut over = (taken() + bytes).saturating_sub(self.memory);
        if over == 0 {
            return true;
        }
        let mut ages: Vec<_> = self
            .in_use()
            .iter()
            .filter(|date| date.is_idle())
            .map(|date| (date.unused_for(), date.weight()))
            .collect();
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let mut oldest = TimeDelta::MAX;
        for (age, weight) in ages {
            if over == 0 {
                break;
            }
            (oldest, over) = (age, over.saturating_sub(weight));
        }
        self.let_go(|date| date.unused_for() >= oldest);
        taken() + bytes <= self.memory
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SeriesId, Slot<J>>> {
        self.dates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
