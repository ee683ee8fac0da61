//! The keeper of a waiting room of this process alone: decide, journal, apply, tell; again until there is nothing left to do.
//!
//! What is due has a time, and the keeper sleeps until the earliest of them; a slot that frees up wakes it.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    domain::{
        id::TokenId,
        room::{Command, Event},
    },
    service::{
        Failure,
        committer::Committer,
        rooms::{
            LiveRoom,
            live_room::Ask,
            memory::Own,
            settling::{answer, end_sessions},
        },
    },
    store::Database,
};

/// Joins and leaves of one cycle.
const BATCH: usize = 4_096;

/// How long the keeper rests when the journal cannot be written.
const REST: TimeDelta = TimeDelta::seconds(1);

pub(super) struct Keeper {
    pub(super) live: Arc<LiveRoom>,
    pub(super) own: Arc<Own>,
    pub(super) database: Database,
    pub(super) committer: Committer,
    pub(super) clock: Clock,
}

impl Keeper {
    pub(super) async fn run(self, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        let mut batch = Vec::new();
        let mut rest_until = None;
        loop {
            let wake = rest_until.or_else(|| self.next_wake());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = asks.recv_many(&mut batch, BATCH) => {}
                () = self.live.kick.notified() => {}
                () = async { self.clock.sleep_until(wake.unwrap_or_default()).await }, if wake.is_some() => {}
            }
            rest_until = match self.settle(std::mem::take(&mut batch)).await {
                Ok(()) => None,
                Err(error) => {
                    let (series, waiting) = (self.live.series(), self.own.room().counts().waiting);
                    tracing::warn!(?error, %series, waiting, "the waiting room stands still");
                    Some(self.clock.now() + REST)
                }
            };
        }
        // What was accepted into the queue is still journaled and answered.
        asks.close();
        while asks.recv_many(&mut batch, BATCH).await > 0 {
            let _ = self.settle(std::mem::take(&mut batch)).await;
        }
    }

    fn next_wake(&self) -> Option<DateTime<Utc>> {
        let (room, now) = self.own.at();
        room.next_wake(now)
    }

    /// Runs cycles until one changes nothing.
    async fn settle(&self, mut asks: Vec<Ask>) -> Result<(), Failure> {
        loop {
            let (names, commands) = unpack(&asks);
            let (decision, decided) = {
                let (mut room, now) = self.own.at();
                (room.decide(&commands, now), now)
            };
            if let Err(error) = self.journal(&decision.events, &names, decided).await {
                answer(asks, |_| Err(Failure::Unavailable));
                return Err(error);
            }
            let mut outcomes = decision.outcomes.into_iter();
            answer(std::mem::take(&mut asks), |_| outcomes.next().ok_or(Failure::Unavailable));
            let ended = end_sessions(&self.live, &self.committer, &decision.sessions_over).await?;
            if decision.events.is_empty() && !ended {
                return Ok(());
            }
        }
    }

    async fn journal(
        &self,
        events: &[Event],
        names: &HashMap<TokenId, String>,
        decided: DateTime<Utc>,
    ) -> Result<(), Failure> {
        if !events.is_empty() {
            let written = self.database.journal(self.live.series(), events, names).await;
            self.own.waited_since(decided);
            written?;
            self.own.journaled(events);
            self.live.tell(events);
        }
        Ok(())
    }
}

fn unpack(asks: &[Ask]) -> (HashMap<TokenId, String>, Vec<Command>) {
    let names = asks.iter().filter_map(|ask| match &ask.command {
        Command::Join { token, .. } | Command::ComeBack { token, .. } => Some((*token, ask.name.clone())),
        Command::Leave { .. } => None,
    });
    (names.collect(), asks.iter().map(|ask| ask.command.clone()).collect())
}
