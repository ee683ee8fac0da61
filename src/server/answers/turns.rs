//! One request at a time makes the same answer.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{Arrived, Asked, Remembered, Waited};

/// The answers that are being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Asked, Arc<Making>>>>);

/// An answer that is being made, for as long as somebody makes it or waits.
#[derive(Debug, Default)]
struct Making {
    state: Mutex<State>,
    /// Wakes everybody who waits when a turn ends.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_taken: bool,
    /// What the last turn came to.
    made: Option<Arc<Remembered>>,
    /// How many turns came to nothing.
    failed: u64,
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
pub(crate) struct Turn(Place);

impl Turns {
    /// Waits for the answer, or for a turn to make it; `known` looks for one that is remembered.
    pub(super) async fn wait(
        &self,
        asked: &Asked,
        arrived: Arrived,
        known: impl Fn() -> Option<Arc<Remembered>>,
    ) -> Waited {
        let making = Arc::clone(self.lock().entry(asked.clone()).or_default());
        let place = Place { turns: self.clone(), asked: asked.clone(), making };
        // Let go of before the place is, which counts who is left.
        let making = Arc::clone(&place.making);
        let failed = making.lock().failed;
        loop {
            let mut ended = pin!(making.ended.notified());
            ended.as_mut().enable();
            if let Some(made) = known() {
                return Waited::Made(made);
            }
            match making.look(arrived, failed) {
                Look::Made(made) => return Waited::Made(made),
                // Each of many would wait for one failure after the other.
                Look::OthersFailed => return Waited::Make(None),
                Look::Taken => return Waited::Make(Some(Turn(place))),
                Look::Wait => {}
            }
            ended.await;
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Asked, Arc<Making>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What there is for somebody who wants an answer.
enum Look {
    Made(Arc<Remembered>),
    OthersFailed,
    /// The turn, which is theirs now.
    Taken,
    Wait,
}

impl Making {
    /// `failed`: how many turns had come to nothing when they came.
    fn look(&self, arrived: Arrived, failed: u64) -> Look {
        let mut state = self.lock();
        if let Some(made) = state.made_for(arrived) {
            Look::Made(made)
        } else if state.failed != failed {
            Look::OthersFailed
        } else if std::mem::replace(&mut state.is_taken, true) {
            Look::Wait
        } else {
            Look::Taken
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What was made meanwhile, if it is no older than the request: nothing that was counted before that came is missing in
    /// it, and it had not changed by itself.
    fn made_for(&self, arrived: Arrived) -> Option<Arc<Remembered>> {
        self.made.clone().filter(|made| made.since >= arrived.known && made.is_before_its_end(arrived.at))
    }
}

impl Turn {
    /// Hands over what was made.
    pub(super) fn done(self, made: Arc<Remembered>) {
        self.0.making.lock().made = Some(made);
    }

    /// What was made cannot be handed over: it says that something failed.
    pub(crate) fn failed(self) {
        self.0.making.lock().failed += 1;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.making.lock().is_taken = false;
        self.0.making.ended.notify_waiters();
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
