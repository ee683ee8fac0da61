//! A waiting room in use: what fans ask of it, what they see of it, and how they hear of changes.
//!
//! Nothing is computed for a fan who is not looking. A change of a place wakes its own streams at once; a change
//! of the line only moves a counter, and each stream looks for itself, at its own pace.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    clock::Clock,
    domain::{
        catalog::{SaleState, Series, SeriesStatus},
        id::{SeriesId, TokenId, UserId},
        policy::QueuePolicy,
        room::{Command, Counts, Event, Heard, Outcome, Room, Ticket, View},
    },
    service::{Failure, seat_maps::SeatsOf},
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
    clock: Clock,
    seats: SeatsOf,
    room: Mutex<RoomBox>,
    /// How new what the room was told of its series is.
    known: Mutex<Known>,
    asks: mpsc::Sender<Ask>,
    /// Wakes the keeper.
    pub(super) kick: Notify,
    /// Counts the changes of the line.
    line: watch::Sender<u64>,
    /// Counts the changes that concern everybody: opened, paused, sold out.
    notice: watch::Sender<u64>,
    /// The open streams of each place.
    streams: Mutex<HashMap<TokenId, Vec<Arc<Notify>>>>,
}

/// See [`Series::settings`] and [`Series::version`].
#[derive(Debug, Default)]
struct Known {
    settings: i32,
    version: i32,
}

/// `Room` has no `Debug`: it may hold a million places.
pub(super) struct RoomBox(pub(super) Room);

impl std::fmt::Debug for RoomBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Room").field(&self.0.counts()).finish()
    }
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
        room: Room,
        seats: SeatsOf,
        clock: Clock,
    ) -> (Self, mpsc::Receiver<Ask>) {
        let (asks, receiver) = mpsc::channel(QUEUE);
        let live = Self {
            series,
            clock,
            seats,
            room: Mutex::new(RoomBox(room)),
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

    pub(super) fn room(&self) -> MutexGuard<'_, RoomBox> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins: the user's live place if there is one, else a new one with this id at the end of the line.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if too many are waiting to be let in or the journal cannot be written.
    pub async fn join(&self, token: TokenId, user: UserId, name: String) -> Result<Outcome, Failure> {
        self.ask(Command::Join { token, user }, name).await
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
    #[must_use]
    pub fn hear(&self, token: TokenId) -> Heard {
        let heard = self.room().0.hear(token, self.clock.now());
        if heard == Heard::Due {
            self.kick.notify_one();
        }
        heard
    }

    /// What is to be seen of a place; `None` once it is over.
    #[must_use]
    pub fn see(&self, token: TokenId) -> Option<Seen> {
        let now = self.clock.now();
        let (view, status) = {
            let room = self.room();
            (room.0.view(token, now)?, room.0.sale().status(now))
        };
        Some(Seen { view, status, available: self.seats.counts().available })
    }

    /// How many wait and how many are admitted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.room().0.counts()
    }

    /// How the sale stands.
    #[must_use]
    pub fn status(&self) -> SeriesStatus {
        self.room().0.sale().status(self.clock.now())
    }

    /// When the sale ends.
    #[must_use]
    pub fn closes_at(&self) -> chrono::DateTime<chrono::Utc> {
        self.room().0.sale().closes_at
    }

    /// Waits until the keeper has decided everything that is due now.
    pub async fn decided(&self) {
        // A place that nobody has is left: the answer comes with the decision.
        let _ = self.leave(TokenId(uuid::Uuid::nil())).await;
    }

    /// Opens a stream for a place: while it is open, the place is never silent.
    #[must_use]
    pub fn open_stream(self: &Arc<Self>, token: TokenId) -> Stream {
        let own = Arc::new(Notify::new());
        self.streams().entry(token).or_default().push(Arc::clone(&own));
        self.room().0.open_stream(token);
        Stream {
            room: Arc::clone(self),
            token,
            ticket: None,
            own,
            line: self.line.subscribe(),
            notice: self.notice.subscribe(),
        }
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
        if self.is_news(|known| &mut known.settings, series.settings) {
            self.update_policy(series.policy);
            self.update_sale(|sale| sale.paused = series.paused);
        }
        self.seats_changed(series.version, series.state().sold_out);
    }

    /// Takes in whether every seat is sold at this version of the series.
    pub(super) fn seats_changed(&self, version: i32, sold_out: bool) {
        if self.is_news(|known| &mut known.version, version) {
            self.update_sale(|sale| sale.sold_out = sold_out);
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

    /// Does nothing if it is in force: with several processes the row is looked at again and again.
    fn update_policy(&self, policy: QueuePolicy) {
        if policy == *self.room().0.policy() {
            return;
        }
        self.room().0.set_policy(policy);
        self.kick.notify_one();
        self.tell_everybody();
    }

    fn update_sale(&self, change: impl FnOnce(&mut SaleState)) {
        {
            let mut room = self.room();
            let mut sale = *room.0.sale();
            change(&mut sale);
            if sale == *room.0.sale() {
                return;
            }
            room.0.set_sale(sale);
        }
        self.kick.notify_one();
        self.tell_everybody();
    }

    /// The sale has ended an admitted place: its slot is free at once.
    pub(super) fn ended(&self, token: TokenId) {
        self.room().0.ended(token);
        self.kick.notify_one();
        self.tell_owner(token);
        self.line.send_modify(|n| *n += 1);
    }

    /// A hold keeps a place open until then, or none does any more. Holding is a sign of life too.
    pub(super) fn pin(&self, token: TokenId, until: Option<chrono::DateTime<chrono::Utc>>) {
        {
            let mut room = self.room();
            let _ = room.0.hear(token, self.clock.now());
            room.0.pin(token, until);
        }
        self.kick.notify_one();
        self.tell_owner(token);
    }

    /// The sale says that a hold keeps a place open whose time would be over.
    pub(super) fn pin_only(&self, token: TokenId, until: chrono::DateTime<chrono::Utc>) {
        self.room().0.pin(token, Some(until));
        self.tell_owner(token);
    }

    /// Takes in journaled events, and tells whom they concern.
    pub(super) fn apply(&self, events: &[Event]) {
        {
            let mut room = self.room();
            for event in events {
                room.0.apply(event);
            }
        }
        for event in events {
            match event {
                Event::Admitted { token, .. } | Event::Expired { token, .. } | Event::Left { token, .. } => {
                    self.tell_owner(*token);
                }
                Event::Drawn { .. } => self.tell_everybody(),
                Event::Joined { .. } => {}
            }
        }
        self.line.send_modify(|n| *n += 1);
    }

    /// The sale's window opened or closed: everybody's status has changed with it.
    pub(super) fn tell_everybody(&self) {
        self.notice.send_modify(|n| *n += 1);
    }

    fn tell_owner(&self, token: TokenId) {
        if let Some(streams) = self.streams().get(&token) {
            for own in streams {
                own.notify_one();
            }
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<TokenId, Vec<Arc<Notify>>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open stream of a place. Dropping it closes it: that is the owner's last sign of life.
#[derive(Debug)]
pub struct Stream {
    room: Arc<LiveRoom>,
    token: TokenId,
    /// Spares the look-up by token while the place waits.
    ticket: Option<Ticket>,
    own: Arc<Notify>,
    line: watch::Receiver<u64>,
    notice: watch::Receiver<u64>,
}

impl Stream {
    /// The room.
    #[must_use]
    pub fn room(&self) -> &Arc<LiveRoom> {
        &self.room
    }

    /// The place.
    #[must_use]
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// What is to be seen of the place; `None` once it is over. Costs the same however many wait.
    #[must_use]
    pub fn see(&mut self) -> Option<Seen> {
        let now = self.room.clock.now();
        let (view, status) = {
            let room = self.room.room();
            let view = match self.ticket.and_then(|ticket| room.0.view_of(&ticket, now)) {
                Some(view) => view,
                None => {
                    self.ticket = room.0.ticket(self.token);
                    room.0.view(self.token, now)?
                }
            };
            (view, room.0.sale().status(now))
        };
        Some(Seen { view, status, available: self.room.seats.counts().available })
    }

    /// Waits for a change: of the place itself or of the sale at once, of the line not before `pause` is over.
    pub async fn changed(&mut self, pause: chrono::TimeDelta) {
        let line = async {
            self.room.clock.sleep(pause).await;
            let _ = self.line.changed().await;
        };
        tokio::select! {
            () = self.own.notified() => {}
            _ = self.notice.changed() => {}
            () = line => {}
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.room.room().0.close_stream(self.token, self.room.clock.now());
        let mut streams = self.room.streams();
        if let Some(open) = streams.get_mut(&self.token) {
            open.retain(|own| !Arc::ptr_eq(own, &self.own));
            if open.is_empty() {
                streams.remove(&self.token);
            }
        }
    }
}
