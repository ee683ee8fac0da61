//! The task that tells: whatever has queued up while the last letter was on its way goes into the next one.

use std::sync::{Mutex, PoisonError};

use redis::cmd;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Event, wire};
use crate::store::redis::Redis;

/// Events that may wait to be told; beyond it they are dropped.
const QUEUE: usize = 4_096;

/// Events of one letter.
const BATCH: usize = 64;

#[derive(Debug)]
pub(super) struct Publisher {
    queue: Mutex<Option<mpsc::Sender<Event>>>,
    task: TaskTracker,
}

impl Publisher {
    pub(super) fn start(redis: Redis, channel: String, me: Uuid) -> Self {
        let (queue, events) = mpsc::channel(QUEUE);
        let task = TaskTracker::new();
        task.spawn(run(redis, channel, me, events));
        Self { queue: Mutex::new(Some(queue)), task }
    }

    pub(super) fn publish(&self, event: Event) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = &*queue
            && queue.try_send(event).is_err()
        {
            tracing::debug!("too many events to tell");
        }
    }

    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.task.close();
        self.task.wait().await;
    }
}

async fn run(redis: Redis, channel: String, me: Uuid, mut events: mpsc::Receiver<Event>) {
    let (mut link, mut batch) = (redis.connection(), Vec::with_capacity(BATCH));
    while events.recv_many(&mut batch, BATCH).await > 0 {
        let told = match wire::write(me, batch.drain(..)) {
            Ok(letter) => cmd("PUBLISH").arg(&channel).arg(letter).query_async::<()>(&mut link).await,
            Err(error) => {
                tracing::error!(%error, "an event cannot be written");
                continue;
            }
        };
        if let Err(error) = told {
            tracing::debug!(%error, "events were not told");
            // The others look into the database meanwhile; late news is of no use to them.
            while events.try_recv().is_ok() {}
        }
    }
}
