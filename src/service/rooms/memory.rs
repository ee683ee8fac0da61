//! Where a waiting room is: in this process alone, or in Redis for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    clock::{Clock, Moment},
    domain::{
        attendance::{Absence, STALL},
        id::{TokenId, UserId},
        policy::QueuePolicy,
        room::{Event, Heard, Room},
    },
    service::{Failure, rooms::shared::Shared},
    store::{redis::is_away, room::RoomError},
};

/// See the module.
#[derive(Debug)]
pub(super) enum Memory {
    Own(Arc<Own>),
    Shared(Arc<Shared>),
}

/// The room of a process that is alone.
pub(super) struct Own {
    room: Mutex<Room>,
    clock: Clock,
    /// What had been missed when it was opened.
    missed: Absence,
}

impl std::fmt::Debug for Own {
    /// `Room` has no `Debug`: it may hold a million places.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Own").field(&self.room().counts()).finish()
    }
}

impl Own {
    /// `room` was restored as it stood at `begun`, which took until now: everybody has a full timeout from here on.
    pub(super) fn new(room: Room, clock: Clock, begun: Moment) -> Self {
        let own = Self { room: Mutex::new(room), clock, missed: begun.absence };
        let (mut room, now) = own.at();
        room.stood_still(now);
        drop(room);
        own
    }

    /// For what time does not matter to.
    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room and the time, for whatever is decided, heard or shown: the room knows what the server has missed until
    /// that very moment, also if the process was stopped until just now.
    pub(super) fn at(&self) -> (MutexGuard<'_, Room>, DateTime<Utc>) {
        let mut room = self.room();
        let Moment { now, absence } = self.clock.moment();
        room.server_missed(&absence.since(&self.missed));
        (room, now)
    }

    /// The journal was waited for, in vain or not, since that was decided: if it was for long nobody was silent, because
    /// joins and whoever comes back could not be heard.
    pub(super) fn waited_since(&self, decided: DateTime<Utc>) {
        let (mut room, now) = self.at();
        if now - decided >= TimeDelta::milliseconds(STALL) {
            room.stood_still(now);
        }
    }

    /// Takes in what was journaled. Who has joined hears of it only now.
    pub(super) fn journaled(&self, events: &[Event]) {
        let (mut room, now) = self.at();
        room.apply(events);
        for event in events {
            if let Event::Joined { token, .. } = event {
                // Somebody who left in the same breath is not there any more.
                let _ = room.hear(*token, now);
            }
        }
    }
}

impl From<RoomError> for Failure {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Lost => Self::Unavailable,
            RoomError::Away(error) => {
                // That it is away is said by the link.
                if !is_away(&error) {
                    tracing::warn!(%error, "Redis refuses what it is asked");
                }
                Self::Unavailable
            }
            RoomError::Garbled(_) => Self::Internal(error.into()),
        }
    }
}

impl Memory {
    /// The organiser's settings; whether anything changed.
    pub(super) fn set_settings(&self, number: i32, policy: QueuePolicy, paused: bool) -> bool {
        match self {
            Self::Own(own) => {
                let mut room = own.room();
                let mut sale = *room.sale();
                sale.paused = paused;
                let changed = policy != *room.policy() || sale != *room.sale();
                if changed {
                    room.set_policy(policy);
                    room.set_sale(sale);
                }
                changed
            }
            Self::Shared(shared) => shared.set_settings(number, policy, paused),
        }
    }

    /// Whether every seat is sold; whether that is new.
    pub(super) fn set_sold_out(&self, version: i32, sold_out: bool) -> bool {
        match self {
            Self::Own(own) => {
                let mut room = own.room();
                let mut sale = *room.sale();
                let changed = sale.sold_out != sold_out;
                sale.sold_out = sold_out;
                room.set_sale(sale);
                changed
            }
            Self::Shared(shared) => shared.set_sold_out(version, sold_out),
        }
    }

    pub(super) fn ended(&self, token: TokenId) {
        match self {
            Self::Own(own) => own.room().ended(token),
            Self::Shared(shared) => shared.ended(token),
        }
    }

    /// `heard`: whether this is its owner's doing.
    pub(super) fn pin(&self, token: TokenId, until: Option<DateTime<Utc>>, heard: bool) {
        match self {
            Self::Own(own) => {
                let (mut room, now) = own.at();
                if heard {
                    // A sign of life that comes too late is none.
                    let _ = room.hear(token, now);
                }
                room.pin(token, until);
            }
            Self::Shared(shared) => shared.pin(token, until, heard),
        }
    }

    /// As if the user had opened a stream of that place; whether they have it, in a room of our own, and are in time.
    pub(super) fn enter(&self, token: TokenId, user: &UserId) -> bool {
        let Self::Own(own) = self else { return false };
        let (mut room, now) = own.at();
        let is_here = room.live_place(user) == Some(token) && room.hear(token, now) == Heard::Ok;
        if is_here {
            room.open_stream(token);
        }
        is_here
    }

    pub(super) fn open_stream(&self, token: TokenId) {
        if let Self::Own(own) = self {
            own.room().open_stream(token);
        }
    }

    pub(super) fn close_stream(&self, token: TokenId) {
        match self {
            Self::Own(own) => {
                let (mut room, now) = own.at();
                room.close_stream(token, now);
            }
            Self::Shared(shared) => shared.stream_closed(token),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        catalog::SaleState,
        lobby::DrawSecret,
        room::{Command, Decision, Restored, RestoredState},
    };

    fn seconds(n: i64) -> TimeDelta {
        TimeDelta::seconds(n)
    }

    fn fan(n: u128) -> (TokenId, UserId) {
        (TokenId(Uuid::from_u128(n)), UserId::from_stored(&format!("fan-{n}")))
    }

    /// A room in which one fan waits, at ten o'clock; silence of 60 seconds.
    fn room() -> (Own, Clock) {
        let clock = Clock::manual(DateTime::from_timestamp(36_000, 0).unwrap());
        let now = clock.now();
        let sale = SaleState {
            opens_at: now + seconds(86_400),
            closes_at: now + seconds(90_000),
            paused: false,
            sold_out: false,
        };
        let room = Room::new(sale, QueuePolicy::default(), DrawSecret::new([1; 32]));
        let own = Own::new(room, clock.clone(), clock.moment());
        join(&own, 1);
        (own, clock)
    }

    fn join(own: &Own, n: u128) {
        let decision = joins(own, n);
        own.journaled(&decision.events);
    }

    fn joins(own: &Own, n: u128) -> Decision {
        let (token, user) = fan(n);
        let (mut room, now) = own.at();
        room.decide(&[Command::Join { token, user }], now)
    }

    fn silent(own: &Own) -> usize {
        let (mut room, now) = own.at();
        room.decide(&[], now).events.len()
    }

    #[test]
    fn a_room_whose_journal_took_long_holds_nobody_silent_for_that() {
        let (own, clock) = room();
        clock.advance(seconds(59));
        let decided = clock.now();
        clock.advance(seconds(5));
        own.waited_since(decided);
        assert_eq!(silent(&own), 0);
        clock.advance(seconds(60) - TimeDelta::milliseconds(1));
        // One that is as quick as usual makes no difference.
        own.waited_since(clock.now() - TimeDelta::milliseconds(STALL - 1));
        assert_eq!(silent(&own), 0);
        clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(silent(&own), 1);
    }

    #[test]
    fn who_has_joined_is_heard_when_that_is_journaled_and_not_before() {
        let (own, clock) = room();
        let decision = joins(&own, 2);
        clock.advance(TimeDelta::milliseconds(900));
        own.journaled(&decision.events);
        clock.advance(seconds(60) - TimeDelta::milliseconds(900));
        assert_eq!(silent(&own), 1, "the first one has been silent for a minute, the second not yet");
    }

    #[test]
    fn what_was_missed_before_a_room_was_opened_is_nothing_to_it() {
        let (_, clock) = room();
        for _ in 0..100 {
            clock.stand_still(TimeDelta::milliseconds(900));
        }
        let sale = *room().0.room().sale();
        let (policy, secret, begun) = (QueuePolicy::default(), DrawSecret::new([1; 32]), clock.moment());
        let (token, user) = fan(1);
        let place = Restored { token, user, seq: 0, lobby: true, state: RestoredState::Waiting };
        let (places, admissions) = (std::iter::once(place), std::iter::empty());
        let room = Room::restore(sale, policy, secret, false, places, admissions, begun.now);
        // A large one takes a while to restore.
        clock.advance(seconds(30));
        let own = Own::new(room, clock.clone(), begun);
        clock.advance(seconds(60) - TimeDelta::milliseconds(1));
        assert_eq!(silent(&own), 0);
        clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(silent(&own), 1);
    }
}
