//! What changes a room: journaled events, the sale's reports, and signs of life.

use chrono::{DateTime, Utc};

use super::{
    Event, Heard, Room, SaleState, millis,
    places::{Place, State, UNPINNED},
    time,
};
use crate::{
    attendance::Absence,
    id::{TokenId, UserId},
    policy::QueuePolicy,
};

impl Room {
    /// Takes journaled events in. An event that is true already changes nothing.
    pub fn apply(&mut self, events: &[Event]) {
        for event in events {
            self.apply_one(event);
        }
        if std::mem::take(&mut self.out_of_order) {
            self.line_up();
        }
    }

    fn apply_one(&mut self, event: &Event) {
        match event {
            Event::Joined { token, user, seq, lobby, at } => {
                if self.places.by_token(*token).is_none() && self.places.by_user(user).is_none() {
                    self.joined(*token, user.clone(), *seq, *lobby, self.absence.attended(millis(*at)));
                }
            }
            Event::Drawn { .. } => self.draw(),
            Event::Admitted { token, at, session_ends_at } => {
                self.admitted(*token, millis(*at), millis(*session_ends_at));
            }
            Event::Expired { token, .. } | Event::Left { token, .. } => self.ended(*token),
        }
    }

    fn joined(&mut self, token: TokenId, user: UserId, seq: u64, lobby: bool, heard: i64) {
        let state = State::Waiting { rank: None };
        let slot =
            self.places.insert(Place { token, user, seq, lobby, heard, filed: heard, state, streams: 0 });
        self.silences.insert((heard, slot));
        if self.drawn && !lobby && seq >= self.next_seq {
            let rank = self.line.push(slot);
            self.places.get_mut(slot).state = State::Waiting { rank: Some(rank) };
        } else {
            // Somebody who came back stands in front of others.
            self.out_of_order |= self.drawn;
        }
        self.next_seq = self.next_seq.max(seq + 1);
    }

    pub(super) fn draw(&mut self) {
        if !std::mem::replace(&mut self.drawn, true) {
            self.line_up();
        }
    }

    /// Orders everyone who waits: the lobby by the draw, later arrivals behind it as they came (rule 5).
    fn line_up(&mut self) {
        let ranker = self.secret.ranker();
        let mut order: Vec<_> = self
            .silences
            .iter()
            .map(|(_, slot)| {
                let place = self.places.get(*slot);
                let key = if place.lobby { ranker.key(place.token) } else { [0; 32] };
                (!place.lobby, key, place.seq, place.token, *slot)
            })
            .collect();
        order.sort_unstable();
        self.forecast.get_mut().leaving.forget();
        self.line = self.line.next_epoch();
        for (.., slot) in order {
            let rank = Some(self.line.push(slot));
            self.places.get_mut(slot).state = State::Waiting { rank };
        }
    }

    fn admitted(&mut self, token: TokenId, at: i64, session_ends: i64) {
        let Some(slot) = self.places.by_token(token) else { return };
        let (absence, timeout) = (self.absence, self.timeout());
        let place = self.places.get_mut(slot);
        let State::Waiting { rank } = place.state else { return };
        self.silences.remove(&(place.filed, slot));
        place.state = State::Admitted { since: at, session_ends, pinned: UNPINNED };
        place.filed = place.deadline(at, &absence, timeout);
        self.sessions.insert((place.filed, slot));
        self.admissions.record(at);
        self.forecast.get_mut().admitted(at);
        self.leave_line(rank);
    }

    /// The place is over. For an ADMITTED one the sale reports this (paid, left, session over) after its own commit;
    /// the slot is free from the next decision on (rule 7).
    pub fn ended(&mut self, token: TokenId) {
        let Some(place) = self.places.by_token(token).map(|slot| (slot, self.places.remove(slot))) else {
            return;
        };
        if let (slot, Some(Place { filed, state, .. })) = place {
            match state {
                State::Waiting { rank } => {
                    self.silences.remove(&(filed, slot));
                    if let Some(rank) = rank {
                        self.forecast.get_mut().leaving.left(rank);
                    }
                    self.leave_line(rank);
                }
                State::Admitted { since, .. } => {
                    self.sessions.remove(&(filed, slot));
                    self.forecast.get_mut().ended(since);
                }
            }
        }
    }

    fn leave_line(&mut self, rank: Option<u32>) {
        let Some(rank) = rank else { return };
        self.line.clear(rank);
        if self.line.is_sparse() {
            self.forecast.get_mut().leaving.moved(|rank| self.line.in_front_of(rank));
        }
        let places = &mut self.places;
        self.line.compact_if_sparse(|slot, new| {
            if let State::Waiting { rank } = &mut places.get_mut(slot).state {
                *rank = Some(new);
            }
        });
    }

    /// An ADMITTED place does not end before `until`, because of a live hold (rule 7); `None`: no hold is left.
    pub fn pin(&mut self, token: TokenId, until: Option<DateTime<Utc>>) {
        let Some(slot) = self.places.by_token(token) else { return };
        let place = self.places.get_mut(slot);
        let State::Admitted { pinned, .. } = &mut place.state else { return };
        *pinned = until.map_or(UNPINNED, millis);
        self.refile_session(slot);
    }

    /// Files a session by what is surely not later than its deadline, also when that has moved to the front.
    fn refile_session(&mut self, slot: u32) {
        let (absence, timeout) = (self.absence, self.timeout());
        let place = self.places.get_mut(slot);
        self.sessions.remove(&(place.filed, slot));
        place.filed = place.deadline(absence.instant(place.heard), &absence, timeout);
        self.sessions.insert((place.filed, slot));
        // A deadline that moved into the past has not been reported yet.
        self.decided = self.decided.min(place.filed - 1);
    }

    /// A new policy, in force at once; it throws nobody out (rule 6).
    pub fn set_policy(&mut self, policy: QueuePolicy) {
        self.forecast.get_mut().policy_changed(&self.policy, &policy);
        self.policy = policy;
        let slots: Vec<_> = self.sessions.iter().map(|(_, slot)| *slot).collect();
        for slot in slots {
            self.refile_session(slot);
        }
    }

    /// What the sale's state is now; a draw that was made stands.
    pub fn set_sale(&mut self, sale: SaleState) {
        self.sale = sale;
    }

    /// What the server has missed until now (rule 9). To be told before anything is decided, heard or shown, with what
    /// belongs to the same moment. It only ever grows; what is told of less is known already.
    pub fn server_missed(&mut self, absence: &Absence) {
        self.absence = self.absence.and(absence);
    }

    /// Nothing could be decided here until `now`, as when the journal was away: that is nobody's silence either.
    pub fn stood_still(&mut self, now: DateTime<Utc>) {
        self.absence = self.absence.stalled(millis(now));
    }

    /// A sign of life at `now` (rule 7).
    pub fn hear(&mut self, token: TokenId, now: DateTime<Utc>) -> Heard {
        let Some(slot) = self.places.by_token(token) else { return Heard::Unknown };
        let (now, absence, timeout) = (millis(now), self.absence, self.timeout());
        let closed = self.is_closed(now);
        let place = self.places.get_mut(slot);
        let waiting = matches!(place.state, State::Waiting { .. });
        if place.deadline(now, &absence, timeout) <= now || (waiting && closed) {
            return Heard::Due;
        }
        place.hear(now, &absence);
        Heard::Ok
    }

    /// A subscription opened: while one is, the place is never silent. Call [`Room::hear`] first, which tells whether
    /// the place is still alive.
    pub fn open_stream(&mut self, token: TokenId) {
        if let Some(slot) = self.places.by_token(token) {
            self.places.get_mut(slot).streams += 1;
        }
    }

    /// A subscription ended at `now`; that is the last sign of life.
    pub fn close_stream(&mut self, token: TokenId, now: DateTime<Utc>) {
        let Some(slot) = self.places.by_token(token) else { return };
        let absence = self.absence;
        let place = self.places.get_mut(slot);
        if place.streams > 0 {
            place.streams -= 1;
            place.hear(millis(now), &absence);
        }
    }

    /// When the owner of a place was last heard from; an open stream is heard from now, and what the server has missed
    /// since does not count.
    #[must_use]
    pub fn last_seen(&self, token: TokenId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let slot = self.places.by_token(token)?;
        Some(time(self.absence.instant(self.places.get(slot).heard_at(millis(now), &self.absence))))
    }
}
