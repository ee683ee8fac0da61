//! What waits to be decided: by kind, so that who pays never waits behind who joins.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// Whose turn it is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// Payments and refunds: what is held ends in five minutes, and nobody else can have the seats meanwhile.
    Money,
    /// Holds.
    Holds,
    /// Joins, and everything else.
    Line,
}

/// How many of each kind may wait; beyond it the date is overloaded and says so.
const CAPACITY: usize = 8_192;

/// Commands of one decision.
pub(super) const BATCH: usize = 256;

/// What is kept for each of the kinds that come after, however much of those before waits: nobody starves.
const KEPT: usize = BATCH / 8;

/// Three queues of which batches are taken.
#[derive(Debug)]
pub(super) struct Lane<T> {
    queues: Mutex<Queues<T>>,
    filled: Notify,
}

#[derive(Debug)]
struct Queues<T> {
    kinds: [VecDeque<T>; 3],
    /// Whether to decide although nothing was asked: something is due.
    is_due: bool,
    is_closed: bool,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        let queues = Queues { kinds: Default::default(), is_due: false, is_closed: false };
        Self { queues: Mutex::new(queues), filled: Notify::new() }
    }
}

impl<T> Lane<T> {
    /// Lets something wait for its turn.
    ///
    /// # Errors
    /// The thing itself, if too many of its kind wait or nothing is taken any more.
    pub(super) fn push(&self, priority: Priority, job: T) -> Result<(), T> {
        let mut queues = self.lock();
        if queues.is_closed || queues.kinds[priority as usize].len() >= CAPACITY {
            return Err(job);
        }
        queues.kinds[priority as usize].push_back(job);
        drop(queues);
        self.filled.notify_one();
        Ok(())
    }

    /// Something is due: decide, also without a job.
    pub(super) fn ring(&self) {
        self.lock().is_due = true;
        self.filled.notify_one();
    }

    /// Takes no more jobs; those that wait are still taken out.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_one();
    }

    /// What has queued up, at most a batch, in the order of the kinds; `None` once nothing will come any more.
    pub(super) async fn next(&self) -> Option<Vec<T>> {
        loop {
            let filled = self.filled.notified();
            if let Some(batch) = self.lock().take() {
                return batch;
            }
            filled.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queues<T>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Queues<T> {
    /// `None`: there is nothing to do yet. `Some(None)`: there will not be any more.
    fn take(&mut self) -> Option<Option<Vec<T>>> {
        let waiting = self.kinds.iter().map(VecDeque::len).sum::<usize>();
        if waiting == 0 && !self.is_due {
            return self.is_closed.then_some(None);
        }
        self.is_due = false;
        let mut batch = Vec::with_capacity(waiting.min(BATCH));
        for kind in 0..self.kinds.len() {
            let kept: usize = self.kinds[kind + 1..].iter().map(|later| later.len().min(KEPT)).sum();
            let room = BATCH - kept - batch.len();
            let queue = &mut self.kinds[kind];
            batch.extend(queue.drain(..queue.len().min(room)));
        }
        Some(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(batch: &[Priority]) -> [usize; 3] {
        let count = |kind| batch.iter().filter(|one| **one == kind).count();
        [count(Priority::Money), count(Priority::Holds), count(Priority::Line)]
    }

    proptest! {
        #[test]
        fn batches_are_full_and_in_order_and_nobody_starves(
            money in 0..600_usize,
            holds in 0..600_usize,
            line in 0..600_usize,
        ) {
            let lane = Lane::default();
            let mut left = [money, holds, line];
            for (kind, n) in [(Priority::Line, line), (Priority::Money, money), (Priority::Holds, holds)] {
                for _ in 0..n {
                    lane.push(kind, kind).unwrap();
                }
            }
            while let Some(Some(batch)) = lane.lock().take() {
                prop_assert!(batch.is_sorted());
                prop_assert_eq!(batch.len(), BATCH.min(left.iter().sum()));
                let taken = counts(&batch);
                for kind in 0..3 {
                    prop_assert!(taken[kind] >= left[kind].min(KEPT));
                    left[kind] -= taken[kind];
                }
            }
            prop_assert_eq!(left, [0; 3]);
        }
    }

    #[tokio::test]
    async fn a_full_kind_leaves_room_for_the_others() {
        let lane = Lane::default();
        for n in 0..CAPACITY {
            lane.push(Priority::Line, n).unwrap();
        }
        assert_eq!(lane.push(Priority::Line, 0), Err(0));
        assert_eq!(lane.push(Priority::Money, 1), Ok(()));
    }

    #[tokio::test]
    async fn what_is_due_needs_no_job_and_what_waits_outlives_the_close() {
        let lane = Lane::default();
        lane.ring();
        assert_eq!(lane.next().await, Some(Vec::new()));
        lane.push(Priority::Money, 1).unwrap();
        lane.close();
        assert_eq!(lane.push(Priority::Money, 2), Err(2));
        assert_eq!(lane.next().await, Some(vec![1]));
        assert_eq!(lane.next().await, None);
        assert_eq!(lane.next().await, None);
    }
}
