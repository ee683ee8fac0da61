//! A waiting room as the process uses it: its memory, the queue of those who want to join or leave, and who has to be
//! woken when something changes. Everybody is told by counters and bells; what is new, each stream looks up for itself,
//! at its own pace.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    clock::Clock,
    domain::{
        catalog::{SaleState, Series, SeriesStatus},
        id::{SeriesId, TokenId, UserId},
        identity::JoinOrder,
        room::{Command, Counts, Event, Heard, Outcome, View},
    },
    service::{Failure, rooms::memory::Memory, seat_maps::SeatsOf},
};

/// Joins and leaves that may wait for the keeper; beyond it the server is overloaded and says so.
const QUEUE: usize = 65_536;

/// A join or a leave, and who waits for its outcome.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) command: Command,
    /// As the fan wants to be called.
    pub(super) name: String,
    pub(super) answer: oneshot::Sender<Result<Outcome, Failure>>,
}

/// See the module.
#[derive(Debug)]
pub struct LiveRoom {
    series: SeriesId,
    pub(super) clock: Clock,
    seats: SeatsOf,
    pub(super) memory: Memory,
    /// How new what the room was told of its series is.
    known: Mutex<Known>,
    asks: mpsc::Sender<Ask>,
    /// Wakes the keeper.
    pub(super) kick: Notify,
    /// Counts the changes of the line.
    pub(super) line: watch::Sender<u64>,
    /// Counts the changes that concern everybody: opened, paused, sold out.
    pub(super) notice: watch::Sender<u64>,
    /// The open streams of each place.
    streams: Mutex<HashMap<TokenId, Vec<Arc<Notify>>>>,
}

/// See [`Series::settings`] and [`Series::version`].
#[derive(Debug, Default)]
struct Known {
    settings: i32,
    version: i32,
}

/// What is to be seen of a live place.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The place.
    pub view: View,
    /// How the sale stands.
    pub status: SeriesStatus,
    /// Seats that can be held.
    pub available: usize,
}

impl LiveRoom {
    pub(super) fn new(
        series: SeriesId,
        memory: Memory,
        seats: SeatsOf,
        clock: Clock,
    ) -> (Self, mpsc::Receiver<Ask>) {
        let (asks, receiver) = mpsc::channel(QUEUE);
        let live = Self {
            series,
            clock,
            seats,
            memory,
            known: Mutex::default(),
            asks,
            kick: Notify::new(),
            line: watch::Sender::new(0),
            notice: watch::Sender::new(0),
            streams: Mutex::default(),
        };
        (live, receiver)
    }

    /// Its series.
    #[must_use]
    pub fn series(&self) -> SeriesId {
        self.series
    }

    /// The seats of its series.
    #[must_use]
    pub fn seats(&self) -> &SeatsOf {
        &self.seats
    }

    /// Joins: the user's live place if there is one, else a new one with this id at the end of the line.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if too many are waiting to be let in or the journal cannot be written.
    pub async fn join(&self, token: TokenId, user: UserId, name: String) -> Result<Outcome, Failure> {
        self.ask(Command::Join { token, user }, name).await
    }

    /// Comes back to a place of which nothing knows any more.
    ///
    /// # Errors
    /// As [`LiveRoom::join`].
    pub async fn come_back(
        &self,
        token: TokenId,
        user: UserId,
        order: JoinOrder,
        name: String,
    ) -> Result<Outcome, Failure> {
        self.ask(Command::ComeBack { token, user, order }, name).await
    }

    /// Gives up a place that waits.
    ///
    /// # Errors
    /// As [`LiveRoom::join`].
    pub async fn leave(&self, token: TokenId) -> Result<Outcome, Failure> {
        self.ask(Command::Leave { token }, String::new()).await
    }

    async fn ask(&self, command: Command, name: String) -> Result<Outcome, Failure> {
        let (answer, outcome) = oneshot::channel();
        self.asks.try_send(Ask { command, name, answer }).map_err(|_| Failure::Unavailable)?;
        outcome.await.map_err(|_| Failure::Unavailable)?
    }

    /// A sign of life.
    ///
    /// # Errors
    /// If the room cannot be reached.
    pub async fn hear(&self, token: TokenId) -> Result<Heard, Failure> {
        let heard = match &self.memory {
            Memory::Own(own) => {
                let (mut room, now) = own.at();
                room.hear(token, now)
            }
            Memory::Shared(shared) => shared.hear(token).await.map_err(|error| self.failed(error))?,
        };
        if heard == Heard::Due {
            self.kick.notify_one();
        }
        Ok(heard)
    }

    /// What is to be seen of a place; `None` once it is over.
    ///
    /// # Errors
    /// If the room cannot be reached.
    pub async fn see(&self, token: TokenId) -> Result<Option<Seen>, Failure> {
        let view = match &self.memory {
            Memory::Own(own) => {
                let (room, now) = own.at();
                room.view(token, now)
            }
            Memory::Shared(shared) => shared.view(token).await.map_err(|error| self.failed(error))?,
        };
        Ok(view.map(|view| self.seen(view)))
    }

    pub(super) fn seen(&self, view: View) -> Seen {
        Seen { view, status: self.status(), available: self.seats.counts().available }
    }

    /// How many wait and how many are admitted.
    ///
    /// # Errors
    /// If the room cannot be reached.
    pub async fn counts(&self) -> Result<Counts, Failure> {
        match &self.memory {
            Memory::Own(own) => Ok(own.room().counts()),
            Memory::Shared(shared) => shared.counts().await.map_err(|error| self.failed(error)),
        }
    }

    /// A room that Redis has lost is rebuilt by its keeper.
    pub(super) fn failed(&self, error: crate::store::room::RoomError) -> Failure {
        self.kick.notify_one();
        error.into()
    }

    fn sale(&self) -> SaleState {
        match &self.memory {
            Memory::Own(own) => *own.room().sale(),
            Memory::Shared(shared) => shared.sale(),
        }
    }

    /// How the sale stands.
    #[must_use]
    pub fn status(&self) -> SeriesStatus {
        self.sale().status(self.clock.now())
    }

    /// When the sale ends.
    #[must_use]
    pub fn closes_at(&self) -> DateTime<Utc> {
        self.sale().closes_at
    }

    /// Waits until the keeper has decided everything that is due now.
    pub async fn decided(&self) {
        // A place that nobody has is left: the answer comes with the decision.
        let _ = self.leave(TokenId(uuid::Uuid::nil())).await;
    }

    /// The counter of changes of the line.
    #[must_use]
    pub fn watch_line(&self) -> watch::Receiver<u64> {
        self.line.subscribe()
    }

    /// The counter of changes that concern everybody.
    #[must_use]
    pub fn watch_notice(&self) -> watch::Receiver<u64> {
        self.notice.subscribe()
    }

    /// Takes in what the row of the series says, as far as it is not older than what is known: a new policy is in
    /// force at once, and everybody hears of a change of the sale.
    pub fn series_changed(&self, series: &Series) {
        if self.is_news(|known| &mut known.settings, series.settings)
            && self.memory.set_settings(series.settings, series.policy, series.paused)
        {
            self.changed_for_everybody();
        }
        self.seats_changed(series.version, series.state().sold_out);
    }

    /// Takes in whether every seat is sold at this version of the series.
    pub(super) fn seats_changed(&self, version: i32, sold_out: bool) {
        if self.is_news(|known| &mut known.version, version) && self.memory.set_sold_out(version, sold_out) {
            self.changed_for_everybody();
        }
    }

    /// Whether `number` is not older than what is known; from then on it is what is known.
    fn is_news(&self, which: impl FnOnce(&mut Known) -> &mut i32, number: i32) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = which(&mut known);
        let news = number >= *known;
        *known = number.max(*known);
        news
    }

    fn changed_for_everybody(&self) {
        self.kick.notify_one();
        self.tell_everybody();
    }

    /// The sale has ended an admitted place: its slot is free at once.
    pub(super) fn ended(&self, token: TokenId) {
        self.memory.ended(token);
        self.kick.notify_one();
        self.tell_owner(token);
        self.tell_line();
    }

    /// A hold keeps a place open until then, or none does any more. Holding is a sign of life too.
    pub(super) fn pin(&self, token: TokenId, until: Option<DateTime<Utc>>) {
        self.memory.pin(token, until, true);
        self.kick.notify_one();
        self.tell_owner(token);
    }

    /// The sale says that a hold keeps a place open whose time would be over.
    pub(super) fn pin_only(&self, token: TokenId, until: DateTime<Utc>) {
        self.memory.pin(token, Some(until), false);
        self.tell_owner(token);
    }

    /// Tells whom journaled events concern.
    pub(super) fn tell(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::Admitted { token, .. } | Event::Expired { token, .. } | Event::Left { token, .. } => {
                    self.tell_owner(*token);
                }
                Event::Drawn { .. } => self.tell_everybody(),
                Event::Joined { .. } => {}
            }
        }
        self.tell_line();
    }

    /// The line has changed: whoever watches it looks again, in time.
    pub(super) fn tell_line(&self) {
        self.line.send_modify(|n| *n += 1);
    }

    /// The sale's window opened or closed: everybody's status has changed with it.
    pub(super) fn tell_everybody(&self) {
        self.notice.send_modify(|n| *n += 1);
    }

    pub(super) fn tell_owner(&self, token: TokenId) {
        if let Some(streams) = self.streams().get(&token) {
            for own in streams {
                own.notify_one();
            }
        }
    }

    pub(super) fn streams(&self) -> MutexGuard<'_, HashMap<TokenId, Vec<Arc<Notify>>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
