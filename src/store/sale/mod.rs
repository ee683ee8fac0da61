//! The write path: a whole batch of commands in one transaction.
//!
//! The series of the batch are locked first, then its wallets, each in the order of their ids, so that
//! processes never wait for each other in a circle. Whoever has the lock of a series is the only one to change
//! its seats, holds, reservations and admitted places; unique indexes stand behind that. The locks are those that
//! leave foreign keys alone (`FOR NO KEY UPDATE`): a place that is journaled does not wait for the sale.

mod load;
mod save;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::{hold, point_history};
use sea_orm::{DatabaseTransaction, DbErr, EntityTrait};

use crate::{
    clock::{Clock, Dice},
    domain::{
        id::{EntryId, HoldId, SeriesId, TokenId},
        sale::{Command, HoldStatus, Outcome, Problem, TokenStatus, WorkingSet, decide},
        seat_map::SeatChange,
    },
    store::{
        Database, rows,
        trouble::{TRIES, is_conflict},
    },
};

/// What came of a batch that was committed.
#[derive(Debug)]
pub struct Committed {
    /// In the order of the commands.
    pub outcomes: Vec<Result<Outcome, Problem>>,
    /// What to tell the rest of the house.
    pub changes: Changes,
}

/// What a batch changed, to be announced after its commit.
#[derive(Debug, Default)]
pub struct Changes {
    /// Seats, a series at a time.
    pub seats: Vec<SeatsChanged>,
    /// Places of the waiting rooms.
    pub passes: Vec<PassChanged>,
    /// Whether there are holds that there were not before.
    pub new_holds: bool,
}

/// The seats of one series that a batch changed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeatsChanged {
    /// The series.
    pub series: SeriesId,
    /// Its version now.
    pub version: i32,
    /// Whether every seat has a standing reservation now.
    pub sold_out: bool,
    /// Which seats.
    pub seats: Vec<SeatChange>,
}

/// What a batch did to an admitted place.
#[derive(Clone, Copy, Debug)]
pub struct PassChanged {
    /// The series.
    pub series: SeriesId,
    /// The place.
    pub token: TokenId,
    /// What.
    pub change: PassChange,
}

/// See [`PassChanged`].
#[derive(Clone, Copy, Debug)]
pub enum PassChange {
    /// It is over.
    Ended(TokenStatus),
    /// A live hold keeps it open until then; or none does any more.
    Pinned(Option<DateTime<Utc>>),
}

/// Decides the commands in their order, each upon what the ones before it have changed, and commits once.
///
/// Where another process was in the way, by a deadlock or by a row that it wrote first (the same idempotency key of
/// a cashier, say), the batch is decided anew, upon what the other has left. Where the connection was lost while it
/// was being committed, it is found out what became of it.
///
/// # Errors
/// If the database fails: then nothing of the batch has happened, unless the failure came with the commit
/// itself and the database is still away, when all of it may have.
pub async fn commit(
    database: &Database,
    commands: &[Command],
    clock: &Clock,
    dice: &Dice,
) -> Result<Committed, DbErr> {
    let (mut tries, mut unsure) = (1, None);
    loop {
        match try_commit(database, commands, clock, dice, &mut unsure).await {
            Err(error) if tries < TRIES && (unsure.is_some() || is_conflict(&error)) => {
                tracing::info!(%error, tries, "a batch is tried again");
                tries += 1;
            }
            done => return done,
        }
    }
}

/// A try of which it is not known whether it was committed.
struct Unsure {
    committed: Committed,
    /// A row that is there if it was, and nowhere else: its id is new.
    proof: Option<Proof>,
}

enum Proof {
    Line(EntryId),
    Hold(HoldId),
}

impl Unsure {
    fn new(set: &WorkingSet, committed: Committed) -> Self {
        let line = set.entries.inserted().next().map(|(id, _)| Proof::Line(*id));
        let hold = || set.holds.inserted().next().map(|(id, _)| Proof::Hold(*id));
        Self { committed, proof: line.or_else(hold) }
    }

    /// Asked with the locks of the batch held: they were the earlier try's too, so that is over, either way. Without a
    /// proof the batch is decided anew: it only ended things, and what has ended ends the same way again.
    async fn happened(&self, tx: &DatabaseTransaction) -> Result<bool, DbErr> {
        Ok(match self.proof {
            Some(Proof::Line(id)) => {
                !rows::exact(point_history::Entity::find_by_id(id.0), tx).await?.is_empty()
            }
            Some(Proof::Hold(id)) => !rows::exact(hold::Entity::find_by_id(id.0), tx).await?.is_empty(),
            None => false,
        })
    }
}

async fn try_commit(
    database: &Database,
    commands: &[Command],
    clock: &Clock,
    dice: &Dice,
    unsure: &mut Option<Unsure>,
) -> Result<Committed, DbErr> {
    let tx = database.begin().await?;
    let mut set = load::working_set(&tx, commands, clock.now()).await?;
    if let Some(earlier) = unsure.take()
        && earlier.happened(&tx).await?
    {
        return Ok(earlier.committed);
    }
    // Taken with the locks held, so that no earlier commit bears a later time.
    let now = database.time(&tx, clock).await?;
    let mut new_id = || dice.id(now);
    let outcomes = commands.iter().map(|command| decide(&mut set, command, now, &mut new_id)).collect();
    let seats = bump_versions(&mut set);
    save::changes(&tx, &set, now).await?;
    let passes = passes_changed(&set, now);
    let new_holds = set.holds.inserted().any(|(_, hold)| hold.status == HoldStatus::Active);
    let committed = Committed { outcomes, changes: Changes { seats, passes, new_holds } };
    match tx.commit().await {
        Ok(()) => Ok(committed),
        Err(error) => {
            *unsure = Some(Unsure::new(&set, committed));
            Err(error)
        }
    }
}

fn bump_versions(set: &mut WorkingSet) -> Vec<SeatsChanged> {
    let mut changed = BTreeMap::<SeriesId, Vec<SeatChange>>::new();
    for (_, seat) in set.seats.touched() {
        changed.entry(seat.series).or_default().push(SeatChange { seat: seat.id, state: seat.state });
    }
    changed
        .into_iter()
        .filter_map(|(id, seats)| {
            let series = set.series.change(&id)?;
            series.version += 1;
            let sold_out = series.state().sold_out;
            Some(SeatsChanged { series: id, version: series.version, sold_out, seats })
        })
        .collect()
}

fn passes_changed(set: &WorkingSet, now: DateTime<Utc>) -> Vec<PassChanged> {
    let ended = set.passes.updated().map(|(_, pass)| {
        let change = PassChange::Ended(pass.status);
        PassChanged { series: pass.series, token: pass.id, change }
    });
    // Somebody else's lapsed hold need not be told: a pin ends by itself.
    let touched: BTreeSet<_> = set
        .holds
        .touched()
        .filter(|(_, hold)| hold.status != HoldStatus::Expired)
        .map(|(_, hold)| hold.token)
        .collect();
    let pinned = touched.iter().filter_map(|token| {
        let pass = set.passes.get(token).filter(|pass| pass.status == TokenStatus::Admitted)?;
        let live = set.holds.iter().filter(|hold| hold.token == *token && hold.is_live(now));
        let until = live.map(|hold| hold.expires_at).max();
        Some(PassChanged { series: pass.series, token: *token, change: PassChange::Pinned(until) })
    });
    ended.chain(pinned).collect()
}
