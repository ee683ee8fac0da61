//! Making dates beside the sales of others: one at a time in a process, in short steps, and shown when complete. Once
//! begun, a date is finished whether or not its caller waits for it; where that fails nothing of it stays.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Entropy},
    domain::{
        catalog::{Layout, Series},
        id::{SeriesId, UserId},
    },
    sales::versions::Source,
    service::{Failure, Services},
    store::{
        self, Database,
        building::{Exceeded, STEP},
    },
};

/// Dates that may wait for their turn; a large one takes some seconds.
const QUEUE: usize = 32;

/// Those of one organiser, so that none keeps the others out.
const OF_ONE: usize = 4;

/// After how long without a step a date is taken for one whose process has died.
const ABANDONED: TimeDelta = TimeDelta::minutes(2);

/// How often such dates are looked for.
const LOOK: TimeDelta = TimeDelta::minutes(1);

/// Who may make a date next.
#[derive(Debug)]
pub(super) struct Queue {
    turn: Arc<Semaphore>,
    waiting: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// A place in the queue; given up when dropped.
#[derive(Debug)]
struct Waiting {
    queue: Arc<Mutex<HashMap<UserId, usize>>>,
    organizer: UserId,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), waiting: Arc::default() }
    }

    /// A place in the queue: UNAVAILABLE if it is full, RATE_LIMITED if it is full of this organiser's with `of_one` at
    /// most.
    fn join(&self, organizer: &UserId, of_one: Option<usize>) -> Result<Waiting, Failure> {
        let mut waiting = lock(&self.waiting);
        if of_one.is_some_and(|most| waiting.get(organizer).is_some_and(|own| *own >= most)) {
            return Err(Failure::RateLimited {
                message: format!(
                    "{OF_ONE} dates of your concerts are being created; wait until one is done."
                ),
                retry_after: Duration::from_secs(1),
            });
        }
        // One has the turn and does not wait.
        if waiting.values().sum::<usize>() > QUEUE {
            return Err(Failure::Unavailable);
        }
        *waiting.entry(organizer.clone()).or_default() += 1;
        Ok(Waiting { queue: Arc::clone(&self.waiting), organizer: organizer.clone() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = lock(&self.queue);
        if let Some(own) = waiting.get_mut(&self.organizer) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.organizer);
            }
        }
    }
}

fn lock(waiting: &Mutex<HashMap<UserId, usize>>) -> MutexGuard<'_, HashMap<UserId, usize>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Services {
    /// Makes a date of a checked layout when it is its turn; `plan` says what it is then.
    pub(super) async fn build(
        &self,
        organizer: &UserId,
        layout: Layout,
        plan: impl FnOnce(chrono::DateTime<Utc>) -> Series,
    ) -> Result<Series, Failure> {
        let limits = self.settings.organizer_limits;
        let waiting = self.building.join(organizer, limits.map(|_| OF_ONE))?;
        let turn = tokio::select! {
            () = self.stop.cancelled() => return Err(Failure::Unavailable),
            turn = Arc::clone(&self.building.turn).acquire_owned() => turn.map_err(|_| Failure::Unavailable)?,
        };
        let series = plan(self.clock.now());
        let task = Building {
            database: self.database.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            stop: self.stop.clone(),
            series: series.clone(),
            layout,
            _waiting: waiting,
            _turn: turn,
        };
        let (organizer, sales, census) =
            (organizer.clone(), Arc::clone(&self.sales), Arc::clone(&self.census));
        // A task of its own: who asked may go away, and what is begun is finished all the same.
        let made = self.tasks.spawn(async move {
            task.database
                .begin_series(&task.series, &organizer, limits, &task.clock)
                .await?
                .map_err(limited)?;
            let made = task.run().await;
            // Also where it failed: it may be there all the same.
            sales.parts().versions.changed(Source::Catalogue);
            made?;
            census.date_created();
            sales.parts().news.created(task.series.id);
            Ok::<_, Failure>(())
        });
        made.await.map_err(|died| Failure::Internal(died.into()))??;
        Ok(series)
    }
}

/// What was asked for is more than an organiser may create within an hour.
pub(super) fn limited(exceeded: Exceeded) -> Failure {
    let Exceeded { what, most, wait } = exceeded;
    let Some(wait) = wait else {
        return Failure::bad(
            "sections",
            format!(
                "must not be larger: an organiser may create at most {most} {what} an hour, so a date cannot have more"
            ),
        );
    };
    let retry_after = wait.to_std().unwrap_or_default();
    let minutes = wait.num_minutes() + 1;
    Failure::RateLimited {
        message: format!(
            "An organiser may create at most {most} {what} an hour; there is room again in less than {minutes} min."
        ),
        retry_after,
    }
}

/// A date that is being made.
struct Building {
    database: Database,
    clock: Clock,
    entropy: Entropy,
    stop: CancellationToken,
    series: Series,
    layout: Layout,
    _waiting: Waiting,
    _turn: OwnedSemaphorePermit,
}

impl Building {
    async fn run(&self) -> Result<(), Failure> {
        let id = self.series.id;
        let failure = match self.steps().await {
            Ok(()) => return Ok(()),
            // It is removed at the next start, or by another process before that.
            Err(failure) if self.stop.is_cancelled() => return Err(failure),
            Err(failure) => failure,
        };
        tracing::warn!(?failure, series = %id, "a date was not finished and is removed");
        // Where only the last answer was lost it is ready after all.
        match self.database.give_up_series(id).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) => return Err(failure),
        }
        if let Err(error) = remove(&self.database, id, &self.stop).await {
            tracing::warn!(%error, series = %id, "it will be removed later");
        }
        Err(failure)
    }

    async fn steps(&self) -> Result<(), Failure> {
        let id = self.series.id;
        // How long others have the database to themselves is a matter of real time, also where a test holds the clock.
        let real = Clock::system();
        let mut seats = self.layout.seats().peekable();
        while seats.peek().is_some() {
            if self.stop.is_cancelled() {
                return Err(Failure::Unavailable);
            }
            let begun = real.now();
            let now = self.clock.now();
            let some = seats.by_ref().take(STEP).map(|seat| (self.entropy.id(now), seat));
            let some: Vec<_> = some.collect();
            if !self.database.add_seats(id, some, &self.clock).await? {
                return Err(Failure::Unavailable);
            }
            if seats.peek().is_some() {
                // As long as the step took, so that it has half of the database and of a processor at most.
                real.sleep((real.now() - begun).min(TimeDelta::milliseconds(50))).await;
            }
        }
        if self.database.series_is_ready(id).await? { Ok(()) } else { Err(Failure::Unavailable) }
    }
}

/// Removes a date that was given up.
async fn remove(
    database: &Database,
    series: SeriesId,
    stop: &CancellationToken,
) -> Result<(), sea_orm::DbErr> {
    let real = Clock::system();
    loop {
        let begun = real.now();
        if stop.is_cancelled() || !database.remove_some_of(series).await? {
            return Ok(());
        }
        real.sleep((real.now() - begun).min(TimeDelta::milliseconds(50))).await;
    }
}

/// Gives up what was being made when the process died, before anybody is served: for a process that works alone.
pub(super) async fn give_up_all(database: &Database, clock: &Clock) -> Result<(), Failure> {
    database.given_up_series(clock.now() + TimeDelta::days(36_500)).await?;
    Ok(())
}

/// Removes dates that were not finished, until the process stops.
pub(super) async fn clean(database: Database, clock: Clock, stop: CancellationToken) {
    loop {
        if let Err(error) = clean_once(&database, &clock, &stop).await
            && !store::is_unavailable(&error)
        {
            tracing::warn!(%error, "a date that was not finished cannot be removed");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(LOOK) => {}
        }
    }
}

async fn clean_once(
    database: &Database,
    clock: &Clock,
    stop: &CancellationToken,
) -> Result<(), sea_orm::DbErr> {
    for series in database.given_up_series(clock.now() - ABANDONED).await? {
        tracing::info!(%series, "a date that was not finished is removed");
        remove(database, series, stop).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: usize) -> UserId {
        UserId::from_stored(&format!("organizer-{n}"))
    }

    #[test]
    fn so_many_wait_and_no_more_and_none_keeps_the_others_out() {
        let queue = Queue::new();
        let mut waiting: Vec<_> = (0..OF_ONE).map(|_| queue.join(&user(0), Some(OF_ONE)).unwrap()).collect();
        assert!(matches!(queue.join(&user(0), Some(OF_ONE)), Err(Failure::RateLimited { .. })));
        // Without limits by who asks, the queue has one all the same.
        waiting.push(queue.join(&user(0), None).unwrap());
        while waiting.len() <= QUEUE {
            waiting.push(queue.join(&user(waiting.len()), Some(OF_ONE)).unwrap());
        }
        assert!(matches!(queue.join(&user(99), Some(OF_ONE)), Err(Failure::Unavailable)));
        assert!(matches!(queue.join(&user(99), None), Err(Failure::Unavailable)));
        drop(waiting.drain(..2));
        let _place = queue.join(&user(0), Some(OF_ONE)).unwrap();
        assert_eq!(lock(&queue.waiting)[&user(0)], 4);
        waiting.clear();
        assert_eq!(lock(&queue.waiting).len(), 1, "who has no place left is forgotten");
    }
}
