//! Who has to be woken when something changes. Everybody is told by counters and bells; what is new, each looks up for
//! itself, at its own pace.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, watch};

use crate::domain::{
    date::{Batch, Event},
    id::TokenId,
};

/// Those who watch a date's line, each its own place.
#[derive(Debug)]
pub(super) struct Watchers {
    /// Counts the changes of the line.
    line: watch::Sender<u64>,
    /// Counts the changes that concern everybody: opened, paused, sold out.
    everybody: watch::Sender<u64>,
    /// The open streams of each place.
    places: Mutex<HashMap<TokenId, Vec<Arc<Notify>>>>,
}

impl Default for Watchers {
    fn default() -> Self {
        Self { line: watch::Sender::new(0), everybody: watch::Sender::new(0), places: Mutex::default() }
    }
}

impl Watchers {
    /// Tells whom a commit concerns.
    pub(super) fn tell(&self, batch: &Batch) {
        let (mut line, mut everybody) = (false, false);
        for event in &batch.events {
            match event {
                Event::Joined { .. } => line = true,
                Event::Admitted { token, .. } | Event::Ended { token, .. } => {
                    line = true;
                    self.tell_owner(*token);
                }
                Event::Drawn | Event::Closed | Event::PolicySet(_) | Event::PauseSet(_) => everybody = true,
                _ => {}
            }
        }
        if everybody {
            self.tell_everybody();
        }
        if line || everybody {
            self.line.send_modify(|n| *n += 1);
        }
    }

    /// Everybody looks again.
    pub(super) fn tell_all(&self) {
        self.tell_everybody();
        self.line.send_modify(|n| *n += 1);
        for own in self.places().values().flatten() {
            own.notify_one();
        }
    }

    /// How the sale stands has changed.
    pub(super) fn tell_everybody(&self) {
        self.everybody.send_modify(|n| *n += 1);
    }

    fn tell_owner(&self, token: TokenId) {
        for own in self.places().get(&token).into_iter().flatten() {
            own.notify_one();
        }
    }

    pub(super) fn line(&self) -> watch::Receiver<u64> {
        self.line.subscribe()
    }

    pub(super) fn everybody(&self) -> watch::Receiver<u64> {
        self.everybody.subscribe()
    }

    /// A bell that rings when something happens to that place.
    pub(super) fn add(&self, token: TokenId) -> Arc<Notify> {
        let own = Arc::new(Notify::new());
        self.places().entry(token).or_default().push(Arc::clone(&own));
        own
    }

    /// The places that are watched, each as often as it is.
    pub(super) fn watched(&self) -> Vec<TokenId> {
        let places = self.places();
        places.iter().flat_map(|(token, bells)| std::iter::repeat_n(*token, bells.len())).collect()
    }

    pub(super) fn remove(&self, token: TokenId, bell: &Arc<Notify>) {
        let mut places = self.places();
        if let Some(open) = places.get_mut(&token) {
            open.retain(|own| !Arc::ptr_eq(own, bell));
            if open.is_empty() {
                places.remove(&token);
            }
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<TokenId, Vec<Arc<Notify>>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
