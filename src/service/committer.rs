//! The one place through which every command on a sale goes: it takes whatever has queued up while the last
//! batch was being committed, and commits that as one batch.
//!
//! Within a process there are no races, because there is an order. Between processes the locks and unique
//! indexes of the database hold the line.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::{
    clock::{Clock, Dice},
    domain::{
        id::{SeatId, SeriesId, TokenId, UserId},
        sale::{Command, Outcome, Problem},
        seat_map::SeatMap,
    },
    service::{Failure, rooms::Rooms, seat_maps::SeatMaps},
    store::{
        self, Database,
        events::{Event, Events},
        sale::{Changes, commit},
    },
};

/// Commands of one transaction.
const BATCH: usize = 256;

/// Commands that may wait, payments and points on their own; beyond it the server is overloaded and says so.
const QUEUE: usize = 8_192;

/// How many payments one transaction takes before the other commands that wait have their turn.
const PAYMENTS: usize = BATCH * 3 / 4;

/// How often best seats are chosen anew when another process was faster. Two that compete for the same seats win
/// about one time in two.
const CHOICES: u8 = 8;

/// Takes commands and answers each after its commit.
#[derive(Clone, Debug)]
pub struct Committer {
    queues: Arc<Mutex<Option<Senders>>>,
    holds_taken: Arc<Notify>,
}

#[derive(Debug)]
struct Job {
    wanted: Wanted,
    choices: u8,
    answer: oneshot::Sender<Result<Outcome, Failure>>,
}

#[derive(Debug)]
struct Senders {
    payments: mpsc::Sender<Job>,
    others: mpsc::Sender<Job>,
}

/// Who pays goes first: what is held ends in five minutes, and nobody else can have the seats meanwhile.
#[derive(Debug)]
struct Queues {
    payments: mpsc::Receiver<Job>,
    others: mpsc::Receiver<Job>,
}

impl Queues {
    fn new() -> (Senders, Self) {
        let (payments, payments_taken) = mpsc::channel(QUEUE);
        let (others, others_taken) = mpsc::channel(QUEUE);
        (Senders { payments, others }, Self { payments: payments_taken, others: others_taken })
    }

    /// What has queued up, at most a batch; empty once nothing will come any more.
    async fn next(&mut self) -> Vec<Job> {
        let first = tokio::select! {
            biased;
            Some(payment) = self.payments.recv() => payment,
            Some(other) = self.others.recv() => other,
            else => return Vec::new(),
        };
        let mut jobs = Vec::with_capacity(BATCH);
        jobs.push(first);
        while jobs.len() < PAYMENTS
            && let Ok(payment) = self.payments.try_recv()
        {
            jobs.push(payment);
        }
        while jobs.len() < BATCH
            && let Ok(other) = self.others.try_recv()
        {
            jobs.push(other);
        }
        jobs
    }
}

#[derive(Clone, Debug)]
enum Wanted {
    Command(Command),
    Best(Best),
}

impl Wanted {
    fn is_payment(&self) -> bool {
        matches!(self, Self::Command(command) if command.wallet().is_some())
    }
}

/// Seats side by side for one fan; which ones is decided when it is their turn.
#[derive(Clone, Debug)]
pub struct Best {
    /// Who.
    pub user: UserId,
    /// The queue token that was shown.
    pub token: Option<TokenId>,
    /// The series.
    pub series: SeriesId,
    /// How many, at least 1.
    pub count: usize,
    /// Only in this section.
    pub section: Option<Arc<str>>,
}

struct Worker {
    database: Database,
    clock: Clock,
    dice: Dice,
    maps: Arc<SeatMaps>,
    rooms: Arc<Rooms>,
    events: Events,
    holds_taken: Arc<Notify>,
}

impl Committer {
    /// Starts the task that commits.
    pub(super) fn start(
        database: Database,
        clock: Clock,
        dice: Dice,
        maps: Arc<SeatMaps>,
        rooms: Arc<Rooms>,
        events: Events,
        tasks: &TaskTracker,
    ) -> Self {
        let (senders, queues) = Queues::new();
        let holds_taken = Arc::new(Notify::new());
        let worker =
            Worker { database, clock, dice, maps, rooms, events, holds_taken: Arc::clone(&holds_taken) };
        tasks.spawn(worker.run(queues));
        Self { queues: Arc::new(Mutex::new(Some(senders))), holds_taken }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// The [`Problem`] for which nothing was done; [`Failure::Unavailable`] if the queue is full or the
    /// database is out of reach.
    pub async fn run(&self, command: Command) -> Result<Outcome, Failure> {
        self.submit(Wanted::Command(command)).await
    }

    /// Holds the best seats that are left.
    ///
    /// # Errors
    /// As [`Committer::run`].
    pub async fn hold_best(&self, best: Best) -> Result<Outcome, Failure> {
        self.submit(Wanted::Best(best)).await
    }

    async fn submit(&self, wanted: Wanted) -> Result<Outcome, Failure> {
        let (answer, outcome) = oneshot::channel();
        {
            let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let queues = queues.as_ref().ok_or(Failure::Unavailable)?;
            let queue = if wanted.is_payment() { &queues.payments } else { &queues.others };
            queue.try_send(Job { wanted, choices: 0, answer }).map_err(|_| Failure::Unavailable)?;
        }
        outcome.await.map_err(|_| Failure::Unavailable)?
    }

    /// Waits until a hold was taken.
    pub async fn holds_taken(&self) {
        self.holds_taken.notified().await;
    }

    /// Takes no more commands; those that are waiting are carried out.
    pub(super) fn close(&self) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Worker {
    async fn run(self, mut queues: Queues) {
        loop {
            let mut batch = queues.next().await;
            if batch.is_empty() {
                return;
            }
            while !batch.is_empty() {
                batch = self.batch(batch).await;
            }
        }
    }

    /// Commits a batch and answers; returns what has to be tried again.
    async fn batch(&self, jobs: Vec<Job>) -> Vec<Job> {
        let commands = self.commands(&jobs).await;
        match commit(&self.database, &commands, &self.clock, &self.dice).await {
            Ok(committed) => {
                self.announce(committed.changes);
                jobs.into_iter()
                    .zip(committed.outcomes)
                    .filter_map(|(job, outcome)| settle(job, outcome))
                    .collect()
            }
            // One bad command must not sink its neighbours. A database that is away fails them all alike.
            Err(error) if jobs.len() > 1 && !store::is_unavailable(&error) => {
                tracing::warn!(%error, commands = jobs.len(), "a batch failed; trying its commands one by one");
                for job in jobs {
                    self.alone(job).await;
                }
                Vec::new()
            }
            Err(error) => {
                for job in jobs {
                    // Nobody listens any more if the caller has gone away.
                    let _ = job.answer.send(Err(error.clone().into()));
                }
                Vec::new()
            }
        }
    }

    async fn alone(&self, job: Job) {
        let mut left = vec![job];
        while !left.is_empty() {
            left = Box::pin(self.batch(left)).await;
        }
    }

    async fn commands(&self, jobs: &[Job]) -> Vec<Command> {
        let mut spoken_for = HashSet::<SeatId>::new();
        let mut looked_up = HashMap::new();
        let mut commands = Vec::with_capacity(jobs.len());
        for job in jobs {
            commands.push(match &job.wanted {
                Wanted::Command(command) => command.clone(),
                Wanted::Best(best) => {
                    let seats = if job.choices == 0 {
                        self.choose(best, &spoken_for).await
                    } else {
                        self.choose_anew(best, &spoken_for, &mut looked_up).await
                    };
                    Command::Hold { user: best.user.clone(), token: best.token, series: best.series, seats }
                }
            });
            if let Some(Command::Hold { seats, .. }) = commands.last() {
                spoken_for.extend(seats.iter().copied());
            }
        }
        commands
    }

    /// Without a choice the seats are none: the command then finds out whether the fan could hold any at all.
    async fn choose(&self, best: &Best, spoken_for: &HashSet<SeatId>) -> Vec<SeatId> {
        let Ok(Some(map)) = self.maps.of(best.series).await else { return Vec::new() };
        map.best(best.count, best.section.as_deref(), spoken_for).unwrap_or_default()
    }

    /// The map of this process has yet to hear of who was faster: chooses by the database.
    async fn choose_anew(
        &self,
        best: &Best,
        spoken_for: &HashSet<SeatId>,
        looked_up: &mut HashMap<SeriesId, SeatMap>,
    ) -> Vec<SeatId> {
        let map = match looked_up.entry(best.series) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => match self.database.seat_map(best.series).await {
                Ok(Some((version, seats))) => unknown.insert(SeatMap::new(version, seats)),
                Ok(None) | Err(_) => return Vec::new(),
            },
        };
        let section = best.section.as_deref();
        map.best(best.count, section, self.clock.now(), spoken_for).unwrap_or_default()
    }

    fn announce(&self, changes: Changes) {
        for change in changes.seats {
            self.maps.seats_changed(&change);
            self.rooms.seats_changed(&change);
            self.events.publish(Event::SeatsChanged(change));
        }
        for change in &changes.passes {
            self.rooms.pass_changed(change);
        }
        if changes.new_holds {
            self.holds_taken.notify_one();
        }
    }
}

/// Answers a job, or returns it to be tried again with other seats.
fn settle(mut job: Job, outcome: Result<Outcome, Problem>) -> Option<Job> {
    let outcome = match (&job.wanted, outcome) {
        (Wanted::Best(_), Err(Problem::SeatTaken(_))) if job.choices < CHOICES => {
            job.choices += 1;
            return Some(job);
        }
        (Wanted::Best(best), Ok(Outcome::Held(holds))) if holds.is_empty() => {
            Err(Problem::NoAdjacentSeats(i32::try_from(best.count).unwrap_or(i32::MAX)))
        }
        (_, outcome) => outcome,
    };
    // Nobody listens any more if the caller has gone away.
    let _ = job.answer.send(outcome.map_err(Failure::Problem));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::IdempotencyKey;

    fn job(n: usize, pays: bool) -> Job {
        let user = UserId::from_stored("fan");
        let series = SeriesId(uuid::Uuid::nil());
        let wanted = if pays {
            Wanted::Command(Command::Use {
                user,
                amount: 1,
                key: IdempotencyKey::from_stored(&n.to_string()),
            })
        } else {
            Wanted::Best(Best { user, token: None, series, count: n, section: None })
        };
        Job { wanted, choices: 0, answer: oneshot::channel().0 }
    }

    /// How many of each a batch has: payments, and others.
    fn counts(jobs: &[Job]) -> (usize, usize) {
        let payments = jobs.iter().filter(|job| job.wanted.is_payment()).count();
        (payments, jobs.len() - payments)
    }

    #[tokio::test]
    async fn payments_go_first_and_leave_the_others_some_room() {
        let (senders, mut queues) = Queues::new();
        for n in 0..1_000 {
            senders.others.try_send(job(n, false)).unwrap();
        }
        assert_eq!(counts(&queues.next().await), (0, BATCH));
        for n in 0..300 {
            senders.payments.try_send(job(n, true)).unwrap();
        }
        assert_eq!(counts(&queues.next().await), (PAYMENTS, BATCH - PAYMENTS));
        assert_eq!(counts(&queues.next().await), (300 - PAYMENTS, BATCH - (300 - PAYMENTS)));
        drop(senders);
        let mut left = 0;
        loop {
            match counts(&queues.next().await) {
                (0, 0) => break,
                (payments, others) => left += payments + others,
            }
        }
        assert_eq!(left, 1_300 - 3 * BATCH, "nothing is lost at the end");
    }

    #[tokio::test]
    async fn a_queue_full_of_others_has_room_for_payments() {
        let (senders, _queues) = Queues::new();
        for n in 0..QUEUE {
            senders.others.try_send(job(n, false)).unwrap();
        }
        assert!(senders.others.try_send(job(0, false)).is_err());
        assert!(senders.payments.try_send(job(0, true)).is_ok());
    }
}
