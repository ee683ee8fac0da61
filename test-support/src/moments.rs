//! When something goes wrong: counted in acknowledged mutations, so that it happens in the middle of a sale on any machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::Victim;

/// Counts acknowledged mutations and says when it is time for an accident.
#[derive(Debug)]
pub struct Moments {
    at: Vec<usize>,
    acknowledged: AtomicUsize,
    /// Who is killed at the last of them, before anybody hears of the acknowledgement after it.
    victim: Option<Victim>,
    /// As many as have come and were not waited for: two may come at once.
    due: Semaphore,
    /// Puts what is sent and answered into one order.
    ticks: AtomicUsize,
}

impl Moments {
    /// Nothing goes wrong.
    pub fn never() -> Self {
        Self::at(Vec::new())
    }

    /// When so many mutations were acknowledged; [`Self::next`] tells.
    pub fn at(moments: Vec<usize>) -> Self {
        let zero = || AtomicUsize::new(0);
        Self { at: moments, acknowledged: zero(), victim: None, due: Semaphore::new(0), ticks: zero() }
    }

    /// The process is killed as soon as so many were acknowledged.
    pub fn kill_after(acknowledged: usize, victim: Victim) -> Self {
        Self { victim: Some(victim), ..Self::at(vec![acknowledged]) }
    }

    /// Whether the last moment has come.
    pub fn are_over(&self) -> bool {
        let last = self.at.iter().max();
        last.is_some_and(|last| self.acknowledged.load(Ordering::SeqCst) >= *last)
    }

    /// Waits for the next of the moments.
    pub async fn next(&self) {
        self.due.acquire().await.unwrap().forget();
    }

    pub(crate) fn acknowledge(&self) {
        let count = self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1;
        if !self.at.contains(&count) {
            return;
        }
        match &self.victim {
            Some(victim) => victim.kill(),
            None => self.due.add_permits(1),
        }
    }

    pub(crate) fn tick(&self) -> usize {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }
}
