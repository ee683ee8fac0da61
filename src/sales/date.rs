//! A date that is in use in this process: what can be asked of it, and what is to be seen.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::{
    domain::{
        catalog::SeriesStatus,
        date::{Command, Counts, Position, Sale, WaitEstimate},
        id::{SeriesId, TokenId, UserId},
        presence::Heard,
        seat_map::Snapshot,
    },
    sales::{
        job::{Answer, Job, Refused, priority},
        lane::Lane,
        memory::Memory,
        parts::{Committed, Parts},
        presence::Others,
        replica::Looks,
        seats::{SeatCounts, SeatWatch},
    },
    store::journal::{Fault, Journal, Logged, Version},
};

/// What is to be seen of a live place.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The place.
    pub place: Position,
    /// How many are in line.
    pub counts: Counts,
    /// How long it will wait; `None` where nothing is known that would not be wrong.
    pub estimate: Option<WaitEstimate>,
    /// When its owner was last heard from.
    pub heard_at: DateTime<Utc>,
    /// When it ends unless its owner is heard from.
    pub expires_at: DateTime<Utc>,
    /// How the sale stands.
    pub status: SeriesStatus,
    /// Seats that can be held.
    pub available: usize,
}

/// A date that is in use in this process.
#[derive(Debug)]
pub struct Date<J> {
    pub(super) id: SeriesId,
    pub(super) parts: Arc<Parts<J>>,
    pub(super) memory: Memory,
    pub(super) lane: Lane<Job<Command>>,
    pub(super) looks: Looks,
    pub(super) others: Others,
    /// Whether the other processes cannot be told who is here, for so long that those are not safe here.
    cut_off: watch::Sender<bool>,
    /// When it was last used, in milliseconds.
    used: AtomicI64,
}

impl<J: Journal> Date<J> {
    pub(super) async fn open(id: SeriesId, parts: Arc<Parts<J>>) -> Result<Arc<Self>, Fault> {
        let memory =
            Memory::open(id, parts.clock.clone(), Arc::clone(&parts.versions), &parts.journal).await?;
        let date = Self {
            id,
            parts,
            memory,
            lane: Lane::default(),
            looks: Looks::default(),
            others: Others::default(),
            cut_off: watch::Sender::new(false),
            used: AtomicI64::default(),
        };
        date.touch();
        Ok(Arc::new(date))
    }

    /// Which one.
    #[must_use]
    pub fn id(&self) -> SeriesId {
        self.id
    }

    /// Runs a command; answered once what came of it is durable.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn run(&self, command: Command) -> Answer {
        self.touch();
        self.lane.ask(priority(&command), command).await
    }

    /// Waits until everything is decided that is due now.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn decided(&self) -> Result<(), Refused> {
        self.run(Command::Silent { tokens: Vec::new() }).await.map(|_| ())
    }

    /// Takes no more commands; those that wait are carried out.
    pub fn close(&self) {
        self.lane.close();
    }

    /// Somebody uses the date.
    pub(super) fn touch(&self) {
        self.used.store(self.parts.clock.now().timestamp_millis(), Ordering::Relaxed);
    }

    /// For how long nobody has used it.
    pub(crate) fn unused_for(&self) -> TimeDelta {
        let used = self.used.load(Ordering::Relaxed);
        TimeDelta::milliseconds(self.parts.clock.now().timestamp_millis() - used)
    }

    /// Looks at the date as this process knows it.
    pub fn see<T>(&self, look: impl FnOnce(&Sale) -> T) -> T {
        self.memory.see(look)
    }

    /// How far this process knows it.
    #[must_use]
    pub fn version(&self) -> Version {
        self.memory.version()
    }

    /// Follows what other processes have committed.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn follow(&self) -> Result<(), Fault> {
        self.memory.follow(&self.parts.journal).await
    }

    /// Takes in what another process has told; whether something is missing before it.
    pub(super) fn hear_of(&self, committed: &Committed) -> bool {
        let Committed { before, version, batch, .. } = committed;
        if version.number <= self.version().number {
            return false;
        }
        !self.memory.take(*before, &Logged { version: *version, batch: batch.clone() })
    }

    /// A sign of life.
    pub fn hear(&self, token: TokenId) -> Heard {
        self.touch();
        self.memory.see(|sale| {
            let Some(seq) = sale.seq(token) else { return Heard::Unknown };
            let (mut presence, now) = self.memory.presence();
            let heard = presence.hear(seq, token, now);
            let pinned = || sale.position(token).and_then(|place| place.pinned_until);
            if heard == Heard::Late
                && let Some(until) = pinned().filter(|until| *until > now)
            {
                // Who holds seats is not silent.
                presence.kept(seq, token, until);
                return presence.hear(seq, token, now);
            }
            heard
        })
    }

    /// What is to be seen of a place; `None` once it is over.
    #[must_use]
    pub fn seen(&self, token: TokenId) -> Option<Seen> {
        self.memory.see(|sale| {
            let place = sale.position(token)?;
            let (presence, now) = self.memory.presence();
            let seq = place.order.seq;
            let (heard_at, silent) =
                (presence.heard_at(seq, token, now), presence.expires_at(seq, token, now));
            drop(presence);
            let silent = silent.unwrap_or(place.ends_at);
            let expires_at = match place.admitted_until {
                Some(until) => until.min(silent).max(place.pinned_until.unwrap_or(DateTime::<Utc>::MIN_UTC)),
                None => silent.min(place.ends_at),
            };
            Some(Seen {
                counts: sale.counts(),
                estimate: self.memory.estimate(sale, token, now),
                heard_at: heard_at.unwrap_or(now),
                expires_at,
                status: sale.status(now),
                available: sale.seats().available(now),
                place,
            })
        })
    }

    /// The live place of a user (rule 4).
    #[must_use]
    pub fn place_of(&self, user: &UserId) -> Option<TokenId> {
        self.memory.see(|sale| sale.place_of(user))
    }

    /// How many wait and how many are admitted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.memory.see(Sale::counts)
    }

    /// How the sale stands.
    #[must_use]
    pub fn status(&self) -> SeriesStatus {
        self.memory.see(|sale| sale.status(self.parts.clock.now()))
    }

    /// Seats that can be held, are held, and are sold, right now.
    #[must_use]
    pub fn seat_counts(&self) -> SeatCounts {
        self.memory.see(|sale| SeatCounts::of(sale.seats(), self.parts.clock.now()))
    }

    /// Every seat as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.touch();
        self.memory.see(|sale| self.memory.seats.snapshot(sale.seats(), self.parts.clock.now()))
    }

    /// Begins to watch the seats; `since` is the version that the watcher knows, if any.
    #[must_use]
    pub fn watch_seats(&self, since: Option<i32>) -> SeatWatch {
        self.touch();
        self.memory.see(|sale| self.memory.seats.watch(sale.seats(), since, self.parts.clock.now()))
    }

    /// The version of the seats, for somebody who wants to know only that there is something.
    #[must_use]
    pub fn seat_versions(&self) -> watch::Receiver<i32> {
        self.memory.seats.versions()
    }

    /// Counts the changes of the line.
    #[must_use]
    pub fn line(&self) -> watch::Receiver<u64> {
        self.memory.watchers.line()
    }

    /// Counts the changes that concern everybody: opened, paused, sold out.
    #[must_use]
    pub fn everybody(&self) -> watch::Receiver<u64> {
        self.memory.watchers.everybody()
    }

    /// The other processes were told of the fans here so long ago. After half of the timeout these are better off elsewhere,
    /// where they can be vouched for.
    pub(super) fn told_ago(&self, ago: TimeDelta) {
        let timeout = self.see(|sale| sale.settings().policy.heartbeat_timeout());
        let is_cut_off = ago * 2 > timeout;
        self.cut_off.send_if_modified(|cut_off| std::mem::replace(cut_off, is_cut_off) != is_cut_off);
    }

    /// Whether the other processes cannot be told who is here: they are better off elsewhere.
    pub fn cut_off(&self) -> watch::Receiver<bool> {
        self.cut_off.subscribe()
    }

    /// Whether nobody needs it in memory: nobody watches, and nobody waits or chooses who could fall silent.
    pub(super) fn is_idle(&self) -> bool {
        let Counts { waiting, admitted } = self.counts();
        waiting == 0 && admitted == 0 && !self.memory.seats.is_watched()
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.memory.see(|sale| {
            let Counts { waiting, admitted } = sale.counts();
            4_096 + sale.seats().len() * 200 + (waiting as usize + admitted as usize) * 200
        })
    }
}
