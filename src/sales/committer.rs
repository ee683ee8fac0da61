//! The one task that changes a date in this process: it takes what has queued up, and commits it as one.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        date::{Command, Decision, Kept, Outcome, Sale, decide},
        id::TokenId,
    },
    sales::{
        date::Date,
        job::{self, Job},
        memory::UNDER_THE_LOCK,
        parts::Committed,
    },
    store::journal::{Fault, Journal, Locked, Logged, Transaction, Version},
};

/// How often a batch is decided at most where others were in the way.
const TRIES: u32 = 6;

/// How long a batch may take: past it the connection is given up, and what became of the batch is told by the next lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long what is due rests when it could not be committed.
const REST: TimeDelta = TimeDelta::seconds(1);

/// Places of one batch whose owners were silent.
const SILENT_AT_ONCE: usize = 500;

/// Counts the tries of a batch that have failed.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Whether to decide anew: others were in the way, which they are not to be for long, or the commit is `unsure`, which
    /// the next lock tells.
    pub(super) async fn again(&mut self, journal: &impl Journal, fault: &Fault, unsure: bool) -> bool {
        self.0 += 1;
        if *fault == Fault::Conflict {
            journal.make_way().await;
        }
        let may_help = *fault == Fault::Conflict || (unsure && *fault == Fault::Unavailable);
        may_help && self.0 < TRIES
    }
}

/// A batch of which it is not known whether it was committed.
#[derive(Debug)]
struct Unsure {
    version: Version,
    decision: Decision,
}

impl<J: Journal> Date<J> {
    /// Commits what is asked and what is due, until the lane is closed.
    pub(super) async fn serve(self: Arc<Self>) {
        let mut changed = self.memory.watch();
        let mut rest = None;
        loop {
            let wake = rest.or_else(|| self.next_wake());
            let jobs = tokio::select! {
                biased;
                jobs = self.lane.next() => jobs,
                () = async { self.parts.clock.sleep_until(wake.unwrap_or_default()).await }, if wake.is_some() => {
                    rest = None;
                    Some(Vec::new())
                }
                // When to wake up may have changed with it.
                _ = changed.changed() => continue,
            };
            let Some(jobs) = jobs else { return };
            if self.batch(jobs).await.is_err() {
                rest = Some(self.parts.clock.now() + REST);
            }
        }
    }

    /// When something is due that nobody asks for.
    fn next_wake(&self) -> Option<DateTime<Utc>> {
        let due = self.memory.see(Sale::next_due);
        let silence = self.memory.presence().0.next();
        let wake = [due, silence].into_iter().flatten().min()?;
        Some(wake + self.parts.peers.hesitation(self.id))
    }

    async fn batch(&self, jobs: Vec<Job<Command>>) -> Result<(), Fault> {
        let tokens = self.silent().await;
        let now = self.parts.clock.now();
        let is_due = !tokens.is_empty() || self.memory.see(Sale::next_due).is_some_and(|due| due <= now);
        if jobs.is_empty() && !is_due {
            return Ok(());
        }
        let (mut commands, answers) = job::commands(jobs);
        if !tokens.is_empty() {
            commands.push(Command::Silent { tokens });
        }
        let begun = self.parts.clock.now();
        let committed = self.commit(&commands).await;
        self.memory.waited_since(begun);
        match &committed {
            Ok(decision) => {
                if decision.more {
                    self.lane.ring();
                }
                if let Some(Ok(Outcome::Kept(kept))) = decision.outcomes.last() {
                    self.keep(kept);
                }
            }
            Err(fault) => {
                tracing::warn!(date = %self.id, ?fault, commands = commands.len(), "a batch was not committed");
            }
        }
        let done = committed.as_ref().map(|_| ()).map_err(Clone::clone);
        answers.tell(committed.map(|decision| decision.outcomes));
        done
    }

    /// Those whose owners were not heard from in time, here or elsewhere.
    async fn silent(&self) -> Vec<TokenId> {
        let silent = || {
            let (mut presence, now) = self.memory.presence();
            presence.silent(now, SILENT_AT_ONCE)
        };
        let silent_here = silent();
        if silent_here.is_empty() || !self.parts.shared {
            return silent_here;
        }
        // Somebody else may have heard them since this process looked last.
        match self.hear_from_others().await {
            Ok(()) => silent(),
            Err(_) => Vec::new(),
        }
    }

    /// Of those who were silent, some have holds that keep their places open: they are asked about again when those end.
    fn keep(&self, kept: &[Kept]) {
        let (mut presence, _) = self.memory.presence();
        for Kept { token, seq, until } in kept {
            presence.kept(*seq, *token, *until);
        }
    }

    /// Decides and commits, anew where others were in the way or nobody can tell what became of it.
    async fn commit(&self, commands: &[Command]) -> Result<Decision, Fault> {
        let (mut tries, mut unsure) = (Tries::default(), None);
        loop {
            let tried = tokio::time::timeout(PATIENCE, self.try_commit(commands, &mut unsure)).await;
            let fault = match tried.unwrap_or(Err(Fault::Unavailable)) {
                Ok(decision) => return Ok(decision),
                Err(fault) => fault,
            };
            if !tries.again(&self.parts.journal, &fault, unsure.is_some()).await {
                return Err(fault);
            }
        }
    }

    async fn try_commit(&self, commands: &[Command], unsure: &mut Option<Unsure>) -> Result<Decision, Fault> {
        let (mut transaction, locked) = self.lock().await?;
        if let Some(Unsure { version, .. }) = &*unsure
            && transaction.has_been_at(*version).await?
            && let Some(Unsure { decision, .. }) = unsure.take()
        {
            return Ok(decision);
        }
        *unsure = None;
        let needs = |sale: &Sale| commands.iter().map(|command| command.needs(sale)).collect();
        let known = transaction.load(self.memory.see(needs)).await?;
        let new_id = &mut || self.parts.entropy.id(locked.now);
        let (decision, rows) = self.memory.see(|sale| {
            let decision = decide(sale, commands, known, locked.now, new_id);
            let rows = <J::Transaction as Transaction>::rows(sale, &decision);
            (decision, rows)
        });
        let looks_due = locked.next_due.is_some_and(|due| due <= locked.now);
        if decision.events.is_empty() && !(looks_due && decision.summary.next_due != locked.next_due) {
            return Ok(decision);
        }
        let head = Uuid::from_bytes(self.parts.entropy.bytes());
        let version = Version { number: locked.version.number + 1, head };
        transaction.write(rows, version).await?;
        let batch = decision.batch();
        *unsure = Some(Unsure { version, decision: decision.clone() });
        transaction.commit().await?;
        *unsure = None;
        self.memory.take_own(locked.version, &Logged { version, batch: batch.clone() });
        self.parts.news.committed(Committed { date: self.id, before: locked.version, version, batch });
        Ok(decision)
    }

    /// The date's row, locked, and memory at what it says.
    async fn lock(&self) -> Result<(J::Transaction, Locked), Fault> {
        for _ in 0..TRIES {
            let (mut transaction, locked) = self.parts.journal.lock(self.id).await?;
            let behind = usize::try_from(locked.version.number - self.memory.version().number);
            if behind.is_ok_and(|commits| (1..=UNDER_THE_LOCK).contains(&commits)) {
                let known = self.memory.version();
                let log = transaction.log_after(known, UNDER_THE_LOCK).await?;
                self.memory.take_all(known, &log.unwrap_or_default());
            }
            if self.memory.version() == locked.version {
                return Ok((transaction, locked));
            }
            // Far behind, or at a version that has never been: not under the lock, which others wait for.
            drop(transaction);
            self.follow().await?;
        }
        Err(Fault::Conflict)
    }
}
