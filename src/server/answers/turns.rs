//! One request at a time makes the same answer.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::OwnedMutexGuard;

use super::{Arrived, Asked, Remembered};

/// The answers that are being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Asked, Arc<Making>>>>);

/// An answer that is being made, for as long as somebody makes it or waits.
#[derive(Debug, Default)]
struct Making {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// What the last turn came to.
    made: Mutex<Option<Arc<Remembered>>>,
    /// How many turns came to nothing.
    failed: AtomicU64,
}

/// Somebody who makes an answer, or waits for it.
#[derive(Debug)]
struct Place {
    turns: Turns,
    asked: Asked,
    making: Arc<Making>,
}

/// The turn to make an answer.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedMutexGuard<()>,
    place: Place,
}

impl Turns {
    /// Waits for a turn; whether others have failed meanwhile.
    pub(super) async fn wait(&self, asked: &Asked) -> (Turn, bool) {
        let making = Arc::clone(self.lock().entry(asked.clone()).or_default());
        let place = Place { turns: self.clone(), asked: asked.clone(), making };
        let making = &place.making;
        let failed = making.failed.load(Ordering::SeqCst);
        let turn = Arc::clone(&making.turn).lock_owned().await;
        let others_failed = making.failed.load(Ordering::SeqCst) != failed;
        (Turn { _turn: turn, place }, others_failed)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Asked, Arc<Making>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// What was made meanwhile, if it is no older than the request: nothing that was counted before that came is missing in
    /// it, and it had not changed by itself.
    pub(super) fn made_for(&self, arrived: Arrived) -> Option<Arc<Remembered>> {
        self.made().clone().filter(|made| made.since >= arrived.known && made.is_before_its_end(arrived.at))
    }

    /// Hands over what was made.
    pub(super) fn done(self, made: Arc<Remembered>) {
        *self.made() = Some(made);
    }

    /// What was made cannot be handed over: it says that something failed.
    pub(crate) fn failed(self) {
        self.place.making.failed.fetch_add(1, Ordering::SeqCst);
    }

    fn made(&self) -> MutexGuard<'_, Option<Arc<Remembered>>> {
        self.place.making.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        // The other is in the table.
        if Arc::strong_count(&self.making) == 2 {
            turns.remove(&self.asked);
        }
    }
}
