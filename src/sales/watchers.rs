//! Who has to be woken when something changes. Those who watch the sale are told by counters, and look for themselves what is
//! new; those who watch their own places are [subscribers](super::subscribers).

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use crate::{
    domain::date::{Batch, Event},
    sales::subscribers::Subscribers,
};

/// Those who watch a date's line.
#[derive(Debug)]
pub(super) struct Watchers {
    /// Counts the changes of the line.
    line: watch::Sender<u64>,
    /// Counts the changes that concern everybody: opened, paused, sold out.
    everybody: watch::Sender<u64>,
    /// Those who watch their places.
    pub(super) subscribers: Subscribers,
    /// Rings when there may be news for those.
    pub(super) bell: Notify,
}

impl Default for Watchers {
    fn default() -> Self {
        Self {
            line: watch::Sender::new(0),
            everybody: watch::Sender::new(0),
            subscribers: Subscribers::default(),
            bell: Notify::new(),
        }
    }
}

impl Watchers {
    /// Tells whom a commit concerns. `sold_out`: whether that has changed by it.
    pub(super) fn tell(&self, batch: &Batch, sold_out: bool, now: DateTime<Utc>) {
        let (mut line, mut everybody, mut places) = (false, sold_out, Vec::new());
        for event in &batch.events {
            match event {
                Event::Joined { .. } => line = true,
                Event::Admitted { token, .. } | Event::Ended { token, .. } => {
                    line = true;
                    places.push(*token);
                }
                Event::Drawn | Event::Closed | Event::PolicySet(_) | Event::PauseSet(_) => everybody = true,
                _ => {}
            }
        }
        if line || everybody {
            self.subscribers.changed(&places, line, everybody, now);
            self.ring(everybody);
        }
    }

    /// Everybody looks again.
    pub(super) fn tell_all(&self, now: DateTime<Utc>) {
        self.subscribers.changed(&[], true, true, now);
        self.ring(true);
    }

    fn ring(&self, everybody: bool) {
        self.line.send_modify(|n| *n += 1);
        if everybody {
            self.everybody.send_modify(|n| *n += 1);
        }
        self.bell.notify_one();
    }

    pub(super) fn line(&self) -> watch::Receiver<u64> {
        self.line.subscribe()
    }

    pub(super) fn everybody(&self) -> watch::Receiver<u64> {
        self.everybody.subscribe()
    }
}
