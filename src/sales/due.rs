//! Wakes up dates that nobody has opened, when something is due of them: their next deadline stands in their row.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    clock::Clock,
    domain::id::SeriesId,
    sales::registry::Sales,
    store::journal::{Fault, Journal},
};

/// How long to rest after a failure; and at most, if other processes change dates too.
const REST: TimeDelta = TimeDelta::seconds(1);

/// How long lines of the log are kept: whoever was away for longer opens a date anew.
const KEPT: TimeDelta = TimeDelta::minutes(10);

impl<J: Journal> Sales<J> {
    /// Until the process stops; `shared`: there may be other processes.
    pub async fn wake_what_is_due(self: Arc<Self>, shared: bool) {
        let clock = &self.parts.clock;
        // What others do, and when a store is back, is a matter of real time, also where a test holds the clock.
        let real = Clock::system();
        let mut broken = HashSet::new();
        loop {
            let next = match self.open_what_is_due(&mut broken).await {
                Ok(next) => next,
                Err(fault) => {
                    tracing::warn!(
                        ?fault,
                        "dates on which something is due cannot be found; looking again in a second"
                    );
                    Some(clock.now())
                }
            };
            // More are due than are opened at once, or it has failed.
            let is_late = next.is_some_and(|next| next <= clock.now());
            let next = next.filter(|_| !is_late);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.left.notified() => {}
                () = async { clock.sleep_until(next.unwrap_or_default()).await }, if next.is_some() => {}
                () = real.sleep(REST), if shared || is_late => {}
            }
        }
    }

    /// Opens those dates; each then does by itself what is due. When the next is. `broken`: those that are known to be so.
    async fn open_what_is_due(
        self: &Arc<Self>,
        broken: &mut HashSet<SeriesId>,
    ) -> Result<Option<DateTime<Utc>>, Fault> {
        let now = self.parts.clock.now();
        let mut in_vain = 0;
        loop {
            let (due, next) = self.parts.journal.due(now, in_vain).await?;
            let mut opened = false;
            for id in &due {
                opened |= self.open_one(*id, broken).await?;
            }
            // However many cannot be opened, those behind them are served too.
            if opened || due.is_empty() || next.is_none_or(|next| next > now) {
                return Ok(next);
            }
            in_vain += due.len();
        }
    }

    /// Whether it was opened.
    async fn open_one(self: &Arc<Self>, id: SeriesId, broken: &mut HashSet<SeriesId>) -> Result<bool, Fault> {
        if self.is_in_use(id) {
            return Ok(false);
        }
        match self.of(id).await {
            Ok(_) => Ok(true),
            // It is being removed.
            Err(Fault::Unknown) => Ok(false),
            Err(Fault::Broken(why)) => {
                if broken.insert(id) {
                    tracing::error!(date = %id, why, "a date cannot be opened, and what is due of it is not done");
                }
                Ok(false)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Forgets old lines of the log, in short steps, until the process stops.
    pub async fn prune(self: Arc<Self>) {
        let real = Clock::system();
        loop {
            let more = self.parts.journal.prune(self.parts.clock.now() - KEPT).await;
            if let Err(fault) = &more {
                tracing::debug!(?fault, "old lines of the log cannot be removed; trying again in a minute");
            }
            let pause =
                if matches!(more, Ok(true)) { TimeDelta::milliseconds(50) } else { TimeDelta::minutes(1) };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = real.sleep(pause) => {}
            }
        }
    }
}
