//! A date in memory at a version, which only moves on from one version to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::{
    clock::{Clock, Moment},
    domain::{
        attendance::{Absence, STALL},
        date::{Forecast, Sale, WaitEstimate},
        id::{SeriesId, TokenId},
        presence::Presence,
    },
    sales::{seats::SeatWatchers, versions::Versions, watchers::Watchers},
    store::journal::{Fault, Journal, Logged, Version},
};

/// Commits that may be caught up with while the date's row is locked; with more the lock is given back first.
pub(super) const UNDER_THE_LOCK: usize = 64;

/// Commits that are read at once without the lock.
const AT_ONCE: usize = 1_024;

/// A date and its version, which belong together, and what this process knows beside them: who was heard from, how long
/// fans will wait, and who watches.
#[derive(Debug)]
pub(super) struct Memory {
    date: SeriesId,
    clock: Clock,
    state: RwLock<State>,
    /// What had been missed when the date was opened.
    missed: Absence,
    presence: Mutex<Presence>,
    forecast: Mutex<Forecast>,
    pub(super) seats: SeatWatchers,
    pub(super) watchers: Watchers,
    changed: watch::Sender<i64>,
    /// Counts what changes of the date, before anybody is told of it.
    versions: Arc<Versions>,
}

#[derive(Debug)]
struct State {
    sale: Sale,
    version: Version,
}

impl Memory {
    pub(super) async fn open(
        date: SeriesId,
        clock: Clock,
        versions: Arc<Versions>,
        journal: &impl Journal,
    ) -> Result<Self, Fault> {
        let begun = clock.moment();
        let (sale, version) = journal.open(date).await?;
        // Everybody has a full timeout from when this process can hear.
        let opened = clock.moment();
        let presence = Presence::of(&sale, opened.absence.since(&begun.absence), opened.now);
        Ok(Self {
            date,
            clock,
            missed: begun.absence,
            presence: Mutex::new(presence),
            forecast: Mutex::new(Forecast::new()),
            seats: SeatWatchers::new(sale.seats()),
            watchers: Watchers::default(),
            changed: watch::Sender::new(version.number),
            versions,
            state: RwLock::new(State { sale, version }),
        })
    }

    pub(super) fn version(&self) -> Version {
        self.read().version
    }

    /// Looks at the date as it is at one version.
    pub(super) fn see<T>(&self, look: impl FnOnce(&Sale) -> T) -> T {
        look(&self.read().sale)
    }

    /// Hears of the number of each version, or of the last of several.
    pub(super) fn watch(&self) -> watch::Receiver<i64> {
        self.changed.subscribe()
    }

    /// Who was heard from, and the time, which belong together: what the server has missed until that very moment is known,
    /// also if the process was stopped until just now.
    pub(super) fn presence(&self) -> (MutexGuard<'_, Presence>, DateTime<Utc>) {
        let mut presence = self.presence.lock().unwrap_or_else(PoisonError::into_inner);
        let Moment { now, absence } = self.clock.moment();
        presence.missed(&absence.since(&self.missed));
        (presence, now)
    }

    /// The journal was waited for, in vain or not, since then: if it was for long nobody was silent, because joins and
    /// whoever comes back could not be heard.
    pub(super) fn waited_since(&self, then: DateTime<Utc>) {
        let (mut presence, now) = self.presence();
        if now - then >= TimeDelta::milliseconds(STALL) {
            presence.stood_still(now);
        }
    }

    /// How long a place will wait; `None` where nothing is known that would not be wrong.
    pub(super) fn estimate(&self, sale: &Sale, token: TokenId, now: DateTime<Utc>) -> Option<WaitEstimate> {
        self.forecast.lock().unwrap_or_else(PoisonError::into_inner).estimate(sale, token, now)
    }

    /// Takes in a commit of another process, if it follows what memory knows: the number alone would not do, see [`Version`].
    /// Whether memory is at that version then.
    pub(super) fn take(&self, before: Version, logged: &Logged) -> bool {
        self.take_heard(before, logged, logged.batch.at)
    }

    /// Takes in commits that follow each other; whether memory is at the version of the last then.
    pub(super) fn take_all(&self, mut before: Version, log: &[Logged]) -> bool {
        log.iter().all(|logged| self.take(std::mem::replace(&mut before, logged.version), logged))
    }

    /// The same with a commit of this process: who joined hears of it only now.
    pub(super) fn take_own(&self, before: Version, logged: &Logged) -> bool {
        self.take_heard(before, logged, self.clock.now())
    }

    fn take_heard(&self, before: Version, logged: &Logged, heard: DateTime<Utc>) -> bool {
        let Logged { version, batch } = logged;
        let mut state = self.write();
        if state.version == before {
            let sold_out = state.sale.state().sold_out;
            self.presence().0.take_in(&state.sale, batch, heard);
            self.forecast.lock().unwrap_or_else(PoisonError::into_inner).take_in(&state.sale, batch);
            state.sale.apply(batch);
            state.version = *version;
            let sold_out_changed = state.sale.state().sold_out != sold_out;
            self.versions.committed(self.date, batch, sold_out_changed);
            self.seats.tell(state.sale.seats());
            self.watchers.tell(batch, sold_out_changed, self.clock.now());
        } else if state.version != *version {
            // The rows have it already, which is where lists of dates are read.
            self.versions.date_changed(self.date);
        }
        let is_current = state.version == *version;
        let number = state.version.number;
        drop(state);
        self.changed.send_if_modified(|known| std::mem::replace(known, number) != number);
        is_current
    }

    /// Follows what others have committed, without the lock, until there is no more; opens the date anew where memory is
    /// at a version that the log does not have with its head.
    pub(super) async fn follow(&self, journal: &impl Journal) -> Result<(), Fault> {
        loop {
            let at = self.version();
            let log = journal.log_after(self.date, at, AT_ONCE).await?;
            let Some(log) = log else { return self.reopen(at, journal).await };
            let is_all = log.len() < AT_ONCE;
            if !self.take_all(at, &log) {
                // Another task of ours may have been faster.
                if self.version() == at {
                    return self.reopen(at, journal).await;
                }
                continue;
            }
            if is_all {
                return Ok(());
            }
        }
    }

    /// The date as its rows have it now, in place of what memory had, unless that has moved on from `found` meanwhile.
    async fn reopen(&self, found: Version, journal: &impl Journal) -> Result<(), Fault> {
        let (mut sale, version) = journal.open(self.date).await?;
        let mut state = self.write();
        if state.version == version || state.version != found {
            return Ok(());
        }
        tracing::warn!(
            date = %self.date,
            had = found.number,
            has = version.number,
            "the database has another history of a date than this process: it is opened anew"
        );
        // Whoever has seen seats at a version must not take others for the same.
        sale.raise_seats_above(state.sale.seats().version());
        *state = State { sale, version };
        self.versions.date_changed(self.date);
        self.somebody_else_was_there(&state.sale);
        self.seats.tell(state.sale.seats());
        drop(state);
        self.watchers.tell_all(self.clock.now());
        self.changed.send_replace(version.number);
        Ok(())
    }

    /// Nothing is known of who was heard until now, except of those who watch.
    fn somebody_else_was_there(&self, sale: &Sale) {
        let (mut presence, now) = self.presence();
        *presence = Presence::of(sale, self.clock.moment().absence.since(&self.missed), now);
        for token in self.watchers.subscribers.watched() {
            if let Some(seq) = sale.seq(token) {
                presence.open_stream(seq, token, now);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
