//! This process' keeper of a waiting room that several share. Every process has one for every room: whichever comes
//! first decides, journals and applies, and the others find nothing left to do.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Dice},
    service::{
        Failure,
        committer::Committer,
        rooms::{
            LiveRoom,
            live_room::Ask,
            rebuilding::{Rebuild, rebuild},
            settling::{answer, end_sessions},
            shared::{News, Shared},
            vouching::Vouching,
        },
    },
    store::{
        self, Database,
        room::{Journaled, PLACES, RoomError, Standing, Taken, Turn},
    },
};

/// Joins and leaves of one decision, which nobody else is served beside, and rows of one query.
const BATCH: usize = 1_000;

/// How often the room is looked after at the least; see `store::room`.
const TENDING: TimeDelta = TimeDelta::seconds(1);

/// How long the keeper rests when a store is away.
const REST: TimeDelta = TimeDelta::milliseconds(250);

/// How long it waits for its turn, at the most, before it asks again.
const TURN: TimeDelta = TimeDelta::milliseconds(20);

/// How long callers wait for their turn: longer than a decision's lease.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);

/// How long the keeper goes on without looking whether anybody has asked meanwhile.
const SLICE: TimeDelta = TimeDelta::milliseconds(50);

/// How long it then leaves the turn to the other processes.
const GIVE_WAY: TimeDelta = TimeDelta::milliseconds(2);

/// How often it compares who is admitted with what the sale says: finds what a process that died had yet to report.
const COMPARING: TimeDelta = TimeDelta::seconds(2);

pub(super) struct SharedKeeper {
    pub(super) live: Arc<LiveRoom>,
    pub(super) shared: Arc<Shared>,
    pub(super) database: Database,
    pub(super) committer: Committer,
    pub(super) dice: Dice,
    pub(super) vouching: Arc<Vouching>,
}

/// What a keeper remembers from one turn to the next.
struct Keeping {
    /// When there is something to decide, by our clock.
    wake: Option<DateTime<Utc>>,
    compared: DateTime<Utc>,
    /// A decision that we could not make good: nobody else can before its lease is over.
    unfinished: Option<Taken>,
}

impl SharedKeeper {
    pub(super) async fn run(self, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        // Whether processes are alive is a matter of real time, also where a test holds the sale's clock.
        let (clock, real) = (self.live.clock.clone(), Clock::system());
        let mut keeping = Keeping { wake: None, compared: real.now(), unfinished: None };
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = asks.recv_many(&mut batch, BATCH) => {}
                () = self.live.kick.notified() => {}
                () = async { clock.sleep_until(keeping.wake.unwrap_or_default()).await }, if keeping.wake.is_some() => {}
                () = real.sleep(TENDING.min(self.shared.policy().heartbeat_timeout() / 4)) => {}
            }
            if let Err(failure) = self.turn(std::mem::take(&mut batch), &mut keeping, &real).await {
                tracing::warn!(?failure, series = %self.live.series(), "the waiting room stands still");
                keeping.wake = None;
                real.sleep(REST).await;
            }
        }
        // What was accepted into the queue is still journaled and answered.
        asks.close();
        while asks.recv_many(&mut batch, BATCH).await > 0 {
            let _ = self.turn(std::mem::take(&mut batch), &mut keeping, &real).await;
        }
        let _ = self.tell().await;
    }

    async fn turn(&self, asks: Vec<Ask>, keeping: &mut Keeping, real: &Clock) -> Result<(), Failure> {
        let compared = self.compare_if_due(keeping, real).await;
        // Before anything is decided; and whatever became of the comparison, which the database may have no time for.
        let vouched = self.vouching.if_due().await;
        match compared.and(vouched) {
            // It may be the room that is lost: deciding finds that out, and rebuilds it.
            Ok(()) | Err(Failure::Unavailable) => self.settle(asks, keeping, real).await,
            Err(failure) => {
                answer(asks, |_| Err(Failure::Unavailable));
                Err(failure)
            }
        }
    }

    async fn rebuild(&self, which: Rebuild) -> Result<(), Failure> {
        rebuild(&self.shared.room, &self.database, &self.dice, which).await
    }

    async fn compare_if_due(&self, keeping: &mut Keeping, real: &Clock) -> Result<(), Failure> {
        if self.shared.missed_something() || real.now() - keeping.compared >= COMPARING {
            self.compare().await?;
            keeping.compared = real.now();
        }
        Ok(())
    }

    /// Finds out what Redis has lost, and who is admitted there but not by the sale: they have ended while nobody was
    /// there to report it.
    async fn compare(&self) -> Result<(), Failure> {
        match self.shared.room.standing(&self.database).await? {
            Standing::True => {}
            Standing::Lost => self.rebuild(Rebuild::IfLost).await?,
            Standing::Apart => self.join_again().await?,
        }
        for admitted in self.shared.room.admitted().await?.chunks(BATCH) {
            let standing = self.database.admitted_of(admitted).await?;
            for token in admitted.iter().filter(|token| !standing.contains(token)) {
                self.live.ended(*token);
            }
        }
        Ok(())
    }

    /// The room becomes again what its journal says.
    async fn join_again(&self) -> Result<(), Failure> {
        tracing::warn!(series = %self.live.series(), "the waiting room in Redis is not what its journal says");
        self.rebuild(Rebuild::Anyway).await
    }

    /// Tells Redis what there is to tell.
    async fn tell(&self) -> Result<(), RoomError> {
        let mut news = self.shared.take_news();
        let told = self.tell_news(&mut news).await;
        if told.is_err() {
            self.shared.put_back(news);
        }
        told
    }

    async fn tell_news(&self, news: &mut News) -> Result<(), RoomError> {
        while !news.closed.is_empty() {
            let some = news.closed.len().min(PLACES);
            self.shared.room.hear(&news.closed[..some], true).await?;
            news.closed.drain(..some);
        }
        if let Some(told) = &news.told {
            self.shared.room.set(told).await?;
            news.told = None;
        }
        while !news.reports.is_empty() {
            let some = news.reports.len().min(PLACES);
            self.shared.room.report(&news.reports[..some]).await?;
            news.reports.drain(..some);
        }
        Ok(())
    }

    /// Runs cycles until one changes nothing, or others should have a turn.
    async fn settle(&self, mut asks: Vec<Ask>, keeping: &mut Keeping, real: &Clock) -> Result<(), Failure> {
        let begun = real.now();
        let until = begun + PATIENCE;
        loop {
            match self.cycle(&mut asks, keeping, real).await {
                Ok(Cycle::Quiet) => return Ok(()),
                Ok(Cycle::Again) if asks.is_empty() && real.now() - begun >= SLICE => {
                    real.sleep(GIVE_WAY).await;
                    keeping.wake = Some(self.live.clock.now());
                    return Ok(());
                }
                Ok(Cycle::Again) => {}
                Ok(Cycle::Busy(_)) if !asks.is_empty() && real.now() < until => {
                    tokio::select! {
                        () = self.live.kick.notified() => {}
                        () = real.sleep(TURN) => {}
                    }
                }
                Ok(Cycle::Busy(ms)) => {
                    answer(asks, |_| Err(Failure::Unavailable));
                    // If whoever has the turn dies, somebody has to take over.
                    keeping.wake = None;
                    tracing::trace!(ms, "another process decides");
                    return Ok(());
                }
                Err(failure) => {
                    answer(asks, |_| Err(Failure::Unavailable));
                    return Err(failure);
                }
            }
        }
    }

    async fn cycle(
        &self,
        asks: &mut Vec<Ask>,
        keeping: &mut Keeping,
        real: &Clock,
    ) -> Result<Cycle, Failure> {
        match self.tell().await {
            Ok(()) | Err(RoomError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        // Whoever asked for it has been told that it is not known what came of it.
        if let Some(taken) = keeping.unfinished.take()
            && let Some(done) = self.carry_out(taken, keeping).await?
        {
            end_sessions(&self.live, &self.committer, &done.decision.sessions_over).await?;
        }
        let commands: Vec<_> = asks.iter().map(|ask| (ask.command.clone(), ask.name.clone())).collect();
        let id = self.dice.id(self.live.clock.now());
        let taken = match self.shared.room.decide(&commands, id).await {
            Ok(Turn::Busy(ms)) => return Ok(Cycle::Busy(ms)),
            Ok(Turn::Ours(taken)) => *taken,
            Err(RoomError::Lost) => {
                self.rebuild(Rebuild::IfLost).await?;
                return Ok(Cycle::Again);
            }
            Err(error) => return Err(error.into()),
        };
        if self.shared.followed().is_behind(taken.told, real.now()) {
            self.live.missed_something();
        }
        let offset = self.live.clock.now() - taken.now;
        let Some(mut taken) = self.carry_out(taken, keeping).await? else { return Ok(Cycle::Again) };
        if !taken.again {
            let mut outcomes = std::mem::take(&mut taken.decision.outcomes).into_iter();
            answer(std::mem::take(asks), |_| outcomes.next().ok_or(Failure::Unavailable));
        }
        let any_over = end_sessions(&self.live, &self.committer, &taken.decision.sessions_over).await?;
        if taken.again || any_over || !taken.decision.events.is_empty() {
            return Ok(Cycle::Again);
        }
        keeping.wake = taken.wake.map(|wake| wake + offset);
        Ok(Cycle::Quiet)
    }

    /// Makes a decision good; `None` if it does not count any more. One that fails is kept, to be gone on with.
    async fn carry_out(&self, taken: Taken, keeping: &mut Keeping) -> Result<Option<Taken>, Failure> {
        match self.make_good(&taken).await {
            Ok(counts) => Ok(counts.then_some(taken)),
            Err(failure) => {
                keeping.unfinished = Some(taken);
                Err(failure)
            }
        }
    }

    /// Journals and applies; false if the decision does not count any more.
    async fn make_good(&self, taken: &Taken) -> Result<bool, Failure> {
        if taken.decision.events.is_empty() {
            return Ok(true);
        }
        let series = self.live.series();
        match self.database.journal_decision(series, taken).await {
            Ok(Journaled::Now | Journaled::Before) => {}
            Ok(Journaled::Stale) => {
                self.rebuild(Rebuild::IfLost).await?;
                return Ok(false);
            }
            Ok(Journaled::Overtaken) => {
                match self.shared.room.is_pending(taken).await {
                    Ok(true) => self.join_again().await?,
                    Ok(false) | Err(RoomError::Lost) => {}
                    Err(error) => return Err(error.into()),
                }
                return Ok(false);
            }
            Err(error) if store::is_unavailable(&error) => return Err(error.into()),
            Err(error) => {
                // The room is not what its journal says, and would stand still for good.
                tracing::error!(%error, %series, "a decision that cannot be journaled");
                self.rebuild(Rebuild::Anyway).await?;
                return Err(error.into());
            }
        }
        match self.shared.room.apply(taken).await {
            // What is journaled comes back with the room.
            Ok(_) | Err(RoomError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        self.live.tell(&taken.decision.events);
        Ok(true)
    }
}

enum Cycle {
    /// Nothing was decided.
    Quiet,
    /// There may be more to decide.
    Again,
    /// It is another process' turn, for so many milliseconds.
    Busy(i64),
}
