//! Follows what other processes commit. News of it comes by [`news`](crate::sales::news), fast and without a promise; so
//! the versions in the database are looked at too, and what was missed is read from the log.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::TimeDelta;

use crate::{
    clock::Clock,
    sales::{date::Date, registry::Sales},
    store::journal::{Fault, Journal},
};

/// How often the versions are looked at.
const LOOK: TimeDelta = TimeDelta::milliseconds(300);

/// Lets many who want to be sure share one look at the database.
#[derive(Debug, Default)]
pub(super) struct Looks {
    turn: tokio::sync::Mutex<()>,
    begun: AtomicU64,
}

impl<J: Journal> Date<J> {
    /// Sees to it that this process knows everything that was committed before this call (rule 27). One that is alone
    /// always does.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn fresh(&self) -> Result<(), Fault> {
        if !self.parts.shared {
            return Ok(());
        }
        let asked = self.looks.begun.load(Ordering::Acquire);
        let _turn = self.looks.turn.lock().await;
        if self.looks.begun.load(Ordering::Acquire) > asked {
            // Somebody else's look has begun and ended since.
            return Ok(());
        }
        self.looks.begun.fetch_add(1, Ordering::AcqRel);
        let versions = self.parts.journal.versions(&[self.id]).await?;
        if versions.get(&self.id).is_some_and(|version| *version != self.version()) {
            self.follow().await?;
        }
        Ok(())
    }
}

impl<J: Journal> Sales<J> {
    /// Looks at the versions again and again, until the process stops.
    pub async fn follow_all(self: Arc<Self>) {
        // What others do is a matter of real time, also where a test holds the clock.
        let real = Clock::system();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = real.sleep(LOOK) => {}
                () = self.missed.notified() => {}
            }
            if let Err(fault) = self.look().await {
                tracing::debug!(?fault, "what other processes have done cannot be seen; looking again soon");
            }
        }
    }

    /// News may have been missed.
    pub fn look_again(&self) {
        self.missed.notify_one();
    }

    async fn look(&self) -> Result<(), Fault> {
        let Some(look) = self.parts.versions.look() else { return Ok(()) };
        let dates = self.in_use();
        let ids: HashSet<_> = dates.iter().map(|date| date.id()).chain(look.dates.iter().copied()).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let journal = &self.parts.journal;
        let versions = if ids.is_empty() { HashMap::new() } else { journal.versions(&ids).await? };
        let catalogue = if look.catalogue { Some(journal.catalogue().await?) } else { None };
        for date in dates {
            if versions.get(&date.id()).is_some_and(|version| *version != date.version()) {
                date.follow().await?;
            }
        }
        self.parts.versions.seen(look, &versions, catalogue);
        Ok(())
    }
}
