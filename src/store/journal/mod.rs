//! What a committer asks of a database.

mod changes;
mod dates;
mod fold;
mod load;
mod logs;
mod open;
mod points;
mod sheet;
#[cfg(test)]
mod tests;
mod transaction;
mod write;

use std::{collections::HashMap, future::Future};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::{
    date::{Batch, Decision, Known, Needs, Sale, WalletDecision},
    id::{EntryId, SeriesId},
};

use self::dates::fault;
pub use self::{dates::Dates, transaction::Writing};

/// How far a date has come: memory that is at the same version of the same head is current. The number alone would not
/// do: after a restore, or a failover that lost the last commits, numbers come again with other content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Grows by one with each commit.
    pub number: i64,
    /// Random, of the last commit.
    pub head: Uuid,
}

/// One commit, as it is read back.
#[derive(Clone, Debug)]
pub struct Logged {
    /// What the date came to by it.
    pub version: Version,
    /// What happened.
    pub batch: Batch,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Somebody else was in the way: nothing has happened, and a second try sees what they did.
    Conflict,
    /// The database is out of reach or too busy.
    Unavailable,
    /// There is no such date.
    Unknown,
    /// It failed for another reason, which is for the log.
    Broken(String),
}

/// What is read with the lock.
#[derive(Clone, Copy, Debug)]
pub struct Locked {
    /// How far the date has come.
    pub version: Version,
    /// When something is due of it, as its row says.
    pub next_due: Option<DateTime<Utc>>,
    /// What time it is by the clock that all processes share.
    pub now: DateTime<Utc>,
}

/// A transaction: on one date and the wallets of its commands, whoever has it is the only one who changes the date; or on
/// wallets alone. Dropped, it is rolled back.
pub trait Transaction: Send {
    /// What a decision comes to, ready to be written.
    type Rows: Send;

    /// What the events of a decision come to as rows, and as a line of the date's log. `sale` is the date before them.
    fn rows(sale: &Sale, decision: &Decision) -> Self::Rows;

    /// The commits after that version, oldest first, `most` of them at most; `None` if the date has never been at that
    /// version, or longer ago than the log goes back.
    ///
    /// # Errors
    /// See [`Fault`].
    fn log_after(
        &mut self,
        version: Version,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<Logged>>, Fault>> + Send;

    /// Whether the date has been at that version.
    ///
    /// # Errors
    /// See [`Fault`].
    fn has_been_at(&mut self, version: Version) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Whether a line of a ledger is there.
    ///
    /// # Errors
    /// See [`Fault`].
    fn has_entry(&mut self, entry: EntryId) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Locks and loads what the commands name and memory does not know, in a number of statements that does not depend on
    /// how much that is. Wallets that are missing are made.
    ///
    /// # Errors
    /// See [`Fault`].
    fn load(&mut self, needs: Vec<Needs>) -> impl Future<Output = Result<Known, Fault>> + Send;

    /// Writes rows, and the line of the log that brings the date to `version`.
    ///
    /// # Errors
    /// See [`Fault`].
    fn write(&mut self, rows: Self::Rows, version: Version)
    -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes what wallets came to.
    ///
    /// # Errors
    /// See [`Fault`].
    fn write_wallets(&mut self, decision: &WalletDecision) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Makes it durable.
    ///
    /// # Errors
    /// After an error it is not known whether it is: the next lock tells.
    fn commit(self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// See [`Journal::heard`].
pub const PROCESS: SeriesId = SeriesId(Uuid::nil());

/// What one process tells of whom it has heard, of one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardAt {
    /// Which process.
    pub process: Uuid,
    /// Of which date.
    pub date: SeriesId,
    /// When it told, by the clock that all processes share.
    pub at: DateTime<Utc>,
    /// Whom it has heard for a while.
    pub heard: Vec<u8>,
}

/// A database with dates.
pub trait Journal: Send + Sync + 'static {
    /// A transaction of it.
    type Transaction: Transaction;

    /// The date as its rows have it.
    ///
    /// # Errors
    /// See [`Fault`].
    fn open(&self, date: SeriesId) -> impl Future<Output = Result<(Sale, Version), Fault>> + Send;

    /// Begins a transaction, and waits for the date's row.
    ///
    /// # Errors
    /// See [`Fault`].
    fn lock(&self, date: SeriesId)
    -> impl Future<Output = Result<(Self::Transaction, Locked), Fault>> + Send;

    /// Begins a transaction on wallets alone; what time it is by the clock that all processes share.
    ///
    /// # Errors
    /// See [`Fault`].
    fn begin(&self) -> impl Future<Output = Result<(Self::Transaction, DateTime<Utc>), Fault>> + Send;

    /// After a [`Fault::Conflict`]: whoever has something locked and has said nothing for longer than anybody should wait
    /// has to give it up.
    fn make_way(&self) -> impl Future<Output = ()> + Send;

    /// As [`Transaction::log_after`], without the lock.
    ///
    /// # Errors
    /// See [`Fault`].
    fn log_after(
        &self,
        date: SeriesId,
        version: Version,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<Logged>>, Fault>> + Send;

    /// How far these dates have come.
    ///
    /// # Errors
    /// See [`Fault`].
    fn versions(
        &self,
        dates: &[SeriesId],
    ) -> impl Future<Output = Result<HashMap<SeriesId, Version>, Fault>> + Send;

    /// The number of the catalogue, which grows with whatever is committed of concerts, and with each date that is shown. Only
    /// a database that several processes share has it.
    ///
    /// # Errors
    /// See [`Fault`].
    fn catalogue(&self) -> impl Future<Output = Result<i64, Fault>> + Send;

    /// The dates of which something is due at `now`, some of them, the earliest first, without the first `but`; and when
    /// the next is.
    ///
    /// # Errors
    /// See [`Fault`].
    fn due(
        &self,
        now: DateTime<Utc>,
        but: usize,
    ) -> impl Future<Output = Result<(Vec<SeriesId>, Option<DateTime<Utc>>), Fault>> + Send;

    /// Tells the other processes whom `process` has heard, of each of these dates, in place of what it told of them before;
    /// as [encoded](domain::presence::encode). Of a date that is not named any more, nothing is told.
    ///
    /// # Errors
    /// See [`Fault`].
    fn tell_heard(
        &self,
        process: Uuid,
        heard: Vec<(SeriesId, Vec<u8>)>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Whom processes have heard of these dates, and what time it is by the clock that all of them share. Of each process
    /// there is a row of the date that is none ([`PROCESS`]) too, which says that it lives.
    ///
    /// # Errors
    /// See [`Fault`].
    fn heard(
        &self,
        dates: &[SeriesId],
    ) -> impl Future<Output = Result<(Vec<HeardAt>, DateTime<Utc>), Fault>> + Send;

    /// A process ends, and is not missed.
    ///
    /// # Errors
    /// See [`Fault`].
    fn leave(&self, process: Uuid) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Forgets lines of the log from before `until`, some of them; whether there are more.
    ///
    /// # Errors
    /// See [`Fault`].
    fn prune(&self, until: DateTime<Utc>) -> impl Future<Output = Result<bool, Fault>> + Send;
}
