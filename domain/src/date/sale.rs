//! A date in memory: what its events have made of it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc, serde::ts_milliseconds};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::SaleState,
    date::{
        admissions::Admissions,
        cells::{Cells, transition},
        event::Event,
        holds::{Holds, LiveHold},
        millis,
        places::{Place, State},
        time,
        unpaid::Unpaid,
    },
    id::{HoldId, SeriesId, TokenId, UserId},
    line::Line,
    lobby::{DrawSecret, Drawn, LobbyHasher},
    places::Places,
    policy::QueuePolicy,
    sale::SeatState,
    seat_map::SeatMap,
};

/// What the organiser says of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// When the concert begins: until then a reservation can be cancelled (rule 18).
    pub start_at: DateTime<Utc>,
    /// See [`SaleState::opens_at`].
    pub opens_at: DateTime<Utc>,
    /// See [`SaleState::closes_at`].
    pub closes_at: DateTime<Utc>,
    /// Whether admissions and holds are stopped.
    pub paused: bool,
    /// Limits, deadlines and how many seats one may have.
    pub policy: QueuePolicy,
}

impl Settings {
    /// What the status of the sale depends on.
    #[must_use]
    pub fn state(&self, sold_out: bool) -> SaleState {
        let Self { opens_at, closes_at, paused, .. } = *self;
        SaleState { opens_at, closes_at, paused, sold_out }
    }
}

/// What was committed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// When: never before the batch that it follows.
    #[serde(with = "ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// An open session: until when, and whose. By the number of the join rather than by the slot, so that processes that have
/// opened the date at different times decide in the same order; and by the token, because two places have the same number
/// when one has come back after a loss.
pub(super) type Session = (i64, u64, TokenId, u32);

/// One date. Times inside are milliseconds since the epoch.
pub struct Sale {
    pub(super) id: SeriesId,
    pub(super) settings: Settings,
    pub(super) secret: DrawSecret,
    /// The time of the last batch.
    pub(super) last: i64,
    /// The joins of the lobby, until it is drawn.
    pub(super) lobby: LobbyHasher,
    pub(super) drawn: Option<Drawn>,
    pub(super) closed: bool,
    /// The number of the next join.
    pub(super) next_seq: u64,
    pub(super) places: Places<Place>,
    pub(super) line: Line,
    /// Whether somebody has come back to a place that is not the last: the line is to be put in order.
    pub(super) out_of_order: bool,
    pub(super) waiting: u32,
    /// Everyone ADMITTED.
    pub(super) sessions: BTreeSet<Session>,
    pub(super) admissions: Admissions,
    pub(super) holds: Holds,
    /// Standing reservations of those who have any.
    pub(super) reserved: HashMap<UserId, u32>,
    pub(super) unpaid: HashMap<UserId, Unpaid>,
    pub(super) seats: SeatMap,
    /// Seats that the batch in hand has changed.
    pub(super) touched: Vec<u32>,
}

impl std::fmt::Debug for Sale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sale")
            .field("id", &self.id)
            .field("waiting", &self.waiting)
            .field("admitted", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl Sale {
    /// Takes in what was committed. Whoever calls this sees to it that no batch is left out or taken twice.
    pub fn apply(&mut self, batch: &Batch) {
        self.last = self.last.max(millis(batch.at));
        for event in &batch.events {
            transition(self, batch.at, event);
        }
        if std::mem::take(&mut self.out_of_order) {
            self.line_up();
        }
        let this = &mut *self;
        this.line.compact_if_sparse(|slot, rank| {
            this.places.get_mut(slot).state = State::Waiting { rank: Some(rank) };
        });
        let touched = std::mem::take(&mut self.touched);
        if !touched.is_empty() {
            self.seats.advance(touched);
        }
    }

    /// Whether every seat has a standing reservation.
    pub(super) fn is_sold_out(&self) -> bool {
        self.seats.reserved() >= self.seats.len()
    }

    /// Until when the session in that slot is open: its own end, or that of the last hold that was taken in it.
    pub(super) fn session_end(&self, slot: u32) -> Option<i64> {
        let State::Admitted { until } = self.places.get(slot).state else { return None };
        Some(self.pinned(slot).map_or(until, |pinned| pinned.max(until)))
    }

    /// The end of the last hold that was taken with the place in that slot.
    pub(super) fn pinned(&self, slot: u32) -> Option<i64> {
        let place = self.places.get(slot);
        let own = self.holds.of(&place.user).iter().filter_map(|hold| self.holds.get(*hold));
        own.filter(|hold| hold.token == place.token).map(|hold| millis(hold.expires_at)).max()
    }

    pub(super) fn session(&self, slot: u32) -> Option<Session> {
        let Place { seq, token, .. } = *self.places.get(slot);
        Some((self.session_end(slot)?, seq, token, slot))
    }

    /// Changes the holds of a place, and files its session anew.
    fn with_session<T>(&mut self, token: TokenId, change: impl FnOnce(&mut Self) -> T) -> T {
        let slot = self.places.by_token(token);
        let session = |sale: &Self| slot.and_then(|slot| sale.session(slot));
        let before = session(self);
        let done = change(self);
        let after = session(self);
        if before != after {
            before.map(|before| self.sessions.remove(&before));
            self.sessions.extend(after);
        }
        done
    }

    /// Orders everyone who waits: the lobby by the draw, later arrivals behind it as they came (rule 5).
    pub(super) fn line_up(&mut self) {
        let Some(ranker) = self.drawn.map(|drawn| drawn.ranker(&self.secret)) else { return };
        let waiting = self.places.iter().filter(|(_, place)| matches!(place.state, State::Waiting { .. }));
        let mut order: Vec<_> = waiting
            .map(|(slot, place)| {
                let drawn = if place.lobby { ranker.key(place.token) } else { [0; 32] };
                // Who comes back may have a number that somebody else has got meanwhile.
                (!place.lobby, drawn, place.seq, place.token, slot)
            })
            .collect();
        order.sort_unstable();
        self.line = Line::default();
        for (.., slot) in order {
            let rank = Some(self.line.push(slot));
            self.places.get_mut(slot).state = State::Waiting { rank };
        }
    }

    fn leave_line(&mut self, rank: Option<u32>) {
        self.waiting -= 1;
        if let Some(rank) = rank {
            self.line.clear(rank);
        }
    }
}

impl Cells for Sale {
    fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn add_place(&mut self, place: Place) {
        let is_last = place.is_last(self.next_seq);
        self.next_seq = self.next_seq.max(place.seq + 1);
        self.waiting += 1;
        if self.drawn.is_none() {
            // Whoever is here before the draw is of the lobby.
            self.lobby.join(place.token);
            self.places.insert(place);
            return;
        }
        self.out_of_order |= !is_last;
        let slot = self.places.insert(place);
        let rank = Some(self.line.push(slot));
        self.places.get_mut(slot).state = State::Waiting { rank };
    }

    fn draw(&mut self) {
        self.drawn = Some(Drawn::With(self.lobby.hash()));
        self.line_up();
    }

    fn close(&mut self) {
        self.closed = true;
        let waiting = self.places.iter().filter(|(_, place)| matches!(place.state, State::Waiting { .. }));
        let waiting: Vec<_> = waiting.map(|(slot, _)| slot).collect();
        for slot in waiting {
            self.places.remove(slot);
        }
        self.waiting = 0;
        self.line = Line::default();
    }

    fn admit(&mut self, token: TokenId, until: i64, at: i64) {
        let Some(slot) = self.places.by_token(token) else { return };
        let place = self.places.get_mut(slot);
        let State::Waiting { rank } = place.state else { return };
        place.state = State::Admitted { until };
        self.leave_line(rank);
        self.admissions.record(at, 1);
        // Not `until`: what the fan held in an earlier session was taken with another token.
        self.sessions.extend(self.session(slot));
    }

    fn end_place(&mut self, token: TokenId) {
        let Some(slot) = self.places.by_token(token) else { return };
        let session = self.session(slot);
        let Some(place) = self.places.remove(slot) else { return };
        match place.state {
            State::Waiting { rank } => self.leave_line(rank),
            State::Admitted { .. } => {
                session.map(|session| self.sessions.remove(&session));
            }
        }
    }

    fn add_hold(&mut self, hold: LiveHold) {
        self.with_session(hold.token, |sale| sale.holds.insert(hold));
    }

    fn take_hold(&mut self, hold: HoldId) -> Option<LiveHold> {
        let token = self.holds.get(hold)?.token;
        self.with_session(token, |sale| sale.holds.remove(hold))
    }

    fn seat_at(&self, number: i32) -> Option<u32> {
        self.seats.place_of_number(number)
    }

    fn seat(&self, at: u32) -> SeatState {
        self.seats.state(at)
    }

    fn set_seat(&mut self, at: u32, state: SeatState) {
        self.seats.set(at, state);
        self.touched.push(at);
    }

    fn set_unpaid(&mut self, user: &UserId, unpaid: Unpaid) {
        self.unpaid.insert(user.clone(), unpaid);
    }

    fn add_reserved(&mut self, user: &UserId, by: i32) {
        let count = self.reserved.entry(user.clone()).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            self.reserved.remove(user);
        }
    }
}

impl Sale {
    /// Which date it is.
    #[must_use]
    pub fn id(&self) -> SeriesId {
        self.id
    }

    /// What the organiser says of it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time of the last batch: decisions never go behind it.
    #[must_use]
    pub fn last(&self) -> DateTime<Utc> {
        time(self.last)
    }

    /// Lets the version of the seats be above `shown`, for who has seen other seats at it.
    pub fn raise_seats_above(&mut self, shown: i32) {
        self.seats.raise_above(shown);
    }

    /// Its seats, and who has them.
    #[must_use]
    pub fn seats(&self) -> &SeatMap {
        &self.seats
    }
}
