//! What is refused when the server is at its limits, and in which order: catalogue and seat maps first, then joins, then
//! holds and whatever else fans do with their places; payments last (rule 22).
//!
//! Two things are looked at: how many operations run at once, and how late a task gets its turn. Both are taken in
//! shares of what is bearable, so that one order of refusal serves both.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{self, Clock},
    service::{Failure, Services},
};

/// Operations that run at the same time, unless told otherwise; payments may be twice as many.
pub const OPERATIONS: usize = 8_192;

/// A task that gets its turn this late: the process is far beyond what it can do.
const LATE: Duration = Duration::from_millis(1_200);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A look counts for one part in so many of what is taken for the lateness: a single pause refuses nobody.
const LOOKS: u64 = 8;

/// How soon somebody who was refused may come again, at least and at most, in milliseconds: not all at once.
const AGAIN: std::ops::Range<u64> = 1_000..3_000;

/// Operations that read much, at the same time: the sale needs the database and the processor too.
const READS: usize = 2;

/// How many may wait for that, and for how long.
const READS_WAITING: usize = 256;
const READ_PATIENCE: Duration = Duration::from_secs(2);

/// What kind of thing somebody wants, in the order in which it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Catalogue and seat maps.
    Browse,
    /// Joining a waiting room, and an organiser's work.
    Join,
    /// Holds, heartbeats, and whatever else fans do and look at that is theirs.
    Hold,
    /// Payments, and points.
    Pay,
}

impl Class {
    /// Up to which part of what is bearable it goes on, in quarters; `None`: lateness refuses it never.
    fn quarters(self) -> Option<u64> {
        match self {
            Self::Browse => Some(1),
            Self::Join => Some(2),
            Self::Hold => Some(3),
            Self::Pay => None,
        }
    }
}

/// How much is going on.
#[derive(Debug)]
pub struct Load {
    running: AtomicUsize,
    most: usize,
    /// Microseconds, smoothed.
    late: AtomicU64,
    refused: AtomicU64,
    reads: Arc<Semaphore>,
    reads_waiting: Semaphore,
}

/// An operation that runs, until this is dropped.
#[derive(Debug)]
pub struct Running {
    load: Arc<Load>,
    /// Of an operation that reads much.
    turn: Option<OwnedSemaphorePermit>,
}

impl Running {
    /// Waits for its turn to read much.
    ///
    /// # Errors
    /// OVERLOADED if too many wait, or for too long.
    pub async fn read(&mut self) -> Result<(), Failure> {
        let turn = match Arc::clone(&self.load.reads).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let _waiting = self.load.reads_waiting.try_acquire().map_err(|_| self.load.refuse())?;
                let turn = Arc::clone(&self.load.reads).acquire_owned();
                let turn = tokio::time::timeout(READ_PATIENCE, turn).await;
                turn.ok().and_then(Result::ok).ok_or_else(|| self.load.refuse())?
            }
        };
        self.turn = Some(turn);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.load.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Load {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let (running, late, refused) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let (reads, reads_waiting) = (Arc::new(Semaphore::new(READS)), Semaphore::new(READS_WAITING));
        Arc::new(Self { running, most, late, refused, reads, reads_waiting })
    }

    /// Lets an operation run, if there is room for one of its class.
    ///
    /// # Errors
    /// OVERLOADED, with how soon to try again.
    pub fn enter(self: &Arc<Self>, class: Class) -> Result<Running, Failure> {
        let running = self.running.fetch_add(1, Ordering::Relaxed);
        // Counted from here on, and no longer if it is refused.
        let entered = Running { load: Arc::clone(self), turn: None };
        let late = self.late.load(Ordering::Relaxed);
        if self.has_room(class, running, late) {
            return Ok(entered);
        }
        Err(self.refuse())
    }

    /// Once for each doubling it is told in the log.
    fn refuse(&self) -> Failure {
        let n = self.refused.fetch_add(1, Ordering::Relaxed);
        if (n + 1).is_power_of_two() {
            let (running, late_us) =
                (self.running.load(Ordering::Relaxed), self.late.load(Ordering::Relaxed));
            tracing::warn!(running, late_us, refused = n + 1, "overloaded: refusing operations");
        }
        Failure::Overloaded { retry_after_ms: AGAIN.start + n * 37 % (AGAIN.end - AGAIN.start) }
    }

    fn has_room(&self, class: Class, running: usize, late: u64) -> bool {
        match class.quarters() {
            None => running < self.most * 2,
            Some(quarters) => {
                let share = |most: u64| most * quarters / 4;
                (running as u64) < share(self.most as u64) && late < share(micros(LATE))
            }
        }
    }

    /// Takes in that a task got its turn so late.
    fn was_late(&self, by: Duration) {
        let before = self.late.load(Ordering::Relaxed);
        let by = micros(by.min(LATE * 3));
        self.late.store((before * (LOOKS - 1) + by) / LOOKS, Ordering::Relaxed);
    }

    /// Looks how late a task gets its turn, until the process stops. Time that stands still says nothing about that.
    pub(super) async fn look(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        while !clock.is_manual() {
            let due = clock::instant() + LOOK;
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock::until(due) => {}
            }
            // The timer comes first among the tasks that are ready; this one goes to the end of them.
            tokio::task::yield_now().await;
            self.was_late(clock::instant().saturating_duration_since(due));
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Services {
    /// How much is going on.
    #[must_use]
    pub fn load(&self) -> &Arc<Load> {
        &self.load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [Class; 4] = [Class::Browse, Class::Join, Class::Hold, Class::Pay];

    fn let_in(load: &Arc<Load>) -> Vec<Class> {
        CLASSES.into_iter().filter(|class| load.enter(*class).is_ok()).collect()
    }

    #[test]
    fn the_more_runs_the_more_is_refused_and_payments_last() {
        let load = Load::new(8);
        let mut running = Vec::new();
        let mut allowed = Vec::new();
        for _ in 0..17 {
            allowed.push(let_in(&load).len());
            running.extend(load.enter(Class::Pay).ok());
        }
        assert_eq!(allowed, [4, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(let_in(&load), []);
        running.clear();
        assert_eq!(let_in(&load), CLASSES);
    }

    #[test]
    fn the_later_tasks_get_their_turn_the_more_is_refused_and_payments_never() {
        let load = Load::new(8);
        let mut before = 4;
        for _ in 0..100 {
            load.was_late(LATE);
            let now = let_in(&load).len();
            assert!(now <= before && now >= before - 1, "{before}, then {now}");
            before = now;
        }
        assert_eq!(let_in(&load), [Class::Pay]);
        for _ in 0..100 {
            load.was_late(Duration::ZERO);
        }
        assert_eq!(let_in(&load), CLASSES);
    }

    #[test]
    fn one_long_pause_refuses_nothing_but_browsing() {
        let load = Load::new(8);
        load.was_late(Duration::from_secs(100));
        assert!(let_in(&load).contains(&Class::Join));
        for _ in 0..8 {
            load.was_late(Duration::ZERO);
        }
        assert_eq!(let_in(&load), CLASSES);
    }

    #[tokio::test]
    async fn few_read_much_at_the_same_time_and_the_others_go_on() {
        let load = Load::new(8_192);
        let mut readers = Vec::new();
        for _ in 0..READS {
            let mut reader = load.enter(Class::Browse).unwrap();
            reader.read().await.unwrap();
            readers.push(reader);
        }
        let mut waits = load.enter(Class::Browse).unwrap();
        let waiting = tokio::spawn(async move { waits.read().await.is_ok() });
        while load.reads_waiting.available_permits() == READS_WAITING {
            tokio::task::yield_now().await;
        }
        assert!(load.enter(Class::Hold).is_ok(), "who reads little does not wait");
        readers.pop();
        assert!(waiting.await.unwrap());
        let mut again = load.enter(Class::Browse).unwrap();
        again.read().await.unwrap();
        let _rest = load.reads_waiting.try_acquire_many(READS_WAITING as u32).unwrap();
        assert!(load.enter(Class::Browse).unwrap().read().await.is_err(), "too many wait");
    }

    #[test]
    fn who_is_refused_is_told_when_to_come_again_and_not_all_at_once() {
        let load = Load::new(0);
        let told: Vec<_> = (0..100)
            .map(|_| match load.enter(Class::Browse) {
                Err(Failure::Overloaded { retry_after_ms }) => retry_after_ms,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(told.iter().all(|ms| AGAIN.contains(ms)));
        assert!(told.iter().collect::<std::collections::BTreeSet<_>>().len() > 50);
    }
}
