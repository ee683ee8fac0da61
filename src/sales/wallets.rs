//! The lane of those who only move points: what has queued up is committed as one, by one task.

use std::sync::Arc;

use crate::{
    domain::{
        date::{Event, Needs, WalletCommand, WalletDecision, decide_wallets},
        id::EntryId,
    },
    sales::{
        committer::{PATIENCE, Tries},
        job::{self, Answer, Job},
        lane::{Lane, Priority},
        parts::Parts,
    },
    store::journal::{Fault, Journal, Transaction},
};

/// See the module.
#[derive(Debug)]
pub struct Wallets<J> {
    parts: Arc<Parts<J>>,
    lane: Lane<Job<WalletCommand>>,
}

impl<J: Journal> Wallets<J> {
    pub(super) fn new(parts: Arc<Parts<J>>) -> Arc<Self> {
        Arc::new(Self { parts, lane: Lane::default() })
    }

    /// Runs a command; answered once what came of it is durable.
    ///
    /// # Errors
    /// See [`Refused`](crate::sales::Refused).
    pub async fn run(&self, command: WalletCommand) -> Answer {
        self.lane.ask(Priority::Money, command).await
    }

    pub(super) fn close(&self) {
        self.lane.close();
    }

    pub(super) async fn serve(self: Arc<Self>) {
        while let Some(jobs) = self.lane.next().await {
            let (commands, answers) = job::commands(jobs);
            let committed = self.commit(&commands).await;
            if let Err(fault) = &committed {
                tracing::warn!(?fault, commands = commands.len(), "charges and uses were not committed");
            }
            answers.tell(committed.map(|decision| decision.outcomes));
        }
    }

    async fn commit(&self, commands: &[WalletCommand]) -> Result<WalletDecision, Fault> {
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

    /// `unsure`: a decision of which it is not known whether it was committed. If it was, the line of a ledger is there that
    /// only it can have made: it made the line with the wallet locked, so by now it has ended either way.
    async fn try_commit(
        &self,
        commands: &[WalletCommand],
        unsure: &mut Option<WalletDecision>,
    ) -> Result<WalletDecision, Fault> {
        let (mut transaction, now) = self.parts.journal.begin().await?;
        let needs = commands.iter().map(|command| Needs {
            wallet: Some(command.wallet().clone()),
            key: Some(command.key()),
            ..Needs::default()
        });
        let known = transaction.load(needs.collect()).await?;
        if let Some(entry) = unsure.as_ref().and_then(first_entry)
            && transaction.has_entry(entry).await?
            && let Some(decision) = unsure.take()
        {
            return Ok(decision);
        }
        *unsure = None;
        let decision = decide_wallets(known.till, commands, now, &mut || self.parts.entropy.id(now));
        if decision.events.is_empty() {
            return Ok(decision);
        }
        transaction.write_wallets(&decision).await?;
        *unsure = Some(decision.clone());
        transaction.commit().await?;
        *unsure = None;
        Ok(decision)
    }
}

fn first_entry(decision: &WalletDecision) -> Option<EntryId> {
    decision.events.iter().find_map(|event| match event {
        Event::Posted(entry) => Some(entry.id),
        _ => None,
    })
}
