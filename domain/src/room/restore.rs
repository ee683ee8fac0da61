//! A room from its journal (rule 9): the same places in the same order.

use std::{cell::RefCell, collections::BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    Room, SaleState,
    admissions::Admissions,
    millis,
    places::{Place, State, UNPINNED},
};
use crate::{
    attendance::Absence,
    id::{TokenId, UserId},
    line::Line,
    lobby::DrawSecret,
    places::Places,
    policy::QueuePolicy,
};

/// A live place as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The place.
    pub token: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// The number of its join.
    pub seq: u64,
    /// Whether it takes part in the draw (rule 5).
    pub lobby: bool,
    /// Whether it waits.
    pub state: RestoredState,
}

/// See [`Restored::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoredState {
    /// In the lobby or in line.
    Waiting,
    /// May book.
    Admitted {
        /// Since when.
        at: DateTime<Utc>,
        /// Until when, unless a hold pins the session.
        session_ends_at: DateTime<Utc>,
        /// When the last of its live holds ends.
        pinned_until: Option<DateTime<Utc>>,
    },
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(sale: SaleState, policy: QueuePolicy, secret: DrawSecret) -> Self {
        Self {
            sale,
            policy,
            absence: Absence::default(),
            secret,
            drawn: false,
            next_seq: 0,
            places: Places::default(),
            line: Line::default(),
            out_of_order: false,
            silences: BTreeSet::new(),
            sessions: BTreeSet::new(),
            admissions: Admissions::restore(std::iter::empty()),
            forecast: RefCell::default(),
            decided: i64::MIN,
        }
    }

    /// The room as the journal has it (rule 9): `rows` are the live places in any order, `admissions` the times of
    /// all admissions of the last [`QueuePolicy::MAX_INTERVAL_SECONDS`], also of places that have ended. Everyone has
    /// a full heartbeat timeout from `now`, because it was the server that was away.
    #[must_use]
    pub fn restore(
        sale: SaleState,
        policy: QueuePolicy,
        secret: DrawSecret,
        drawn: bool,
        rows: impl Iterator<Item = Restored>,
        admissions: impl Iterator<Item = DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut room = Self::new(sale, policy, secret);
        let (now, timeout) = (millis(now), room.timeout());
        room.places.reserve(rows.size_hint().0);
        // None was later than now, whatever the clock showed then.
        room.admissions = Admissions::restore(admissions.map(|at| millis(at).min(now)));
        let (mut silences, mut sessions) = (Vec::new(), Vec::new());
        for row in rows {
            room.next_seq = room.next_seq.max(row.seq + 1);
            let (slot, filed, waiting) = room.put_back(row, now, timeout);
            if waiting { &mut silences } else { &mut sessions }.push((filed, slot));
        }
        room.silences = silences.into_iter().collect();
        room.sessions = sessions.into_iter().collect();
        if drawn {
            room.draw();
        }
        room
    }

    fn put_back(&mut self, row: Restored, now: i64, timeout: i64) -> (u32, i64, bool) {
        let state = match row.state {
            RestoredState::Waiting => State::Waiting { rank: None },
            RestoredState::Admitted { at, session_ends_at, pinned_until } => State::Admitted {
                since: millis(at),
                session_ends: millis(session_ends_at),
                pinned: pinned_until.map_or(UNPINNED, millis),
            },
        };
        let waiting = matches!(state, State::Waiting { .. });
        if let State::Admitted { since, .. } = state {
            self.forecast.get_mut().goes_on(since, now);
        }
        let Restored { token, user, seq, lobby, .. } = row;
        let mut place = Place { token, user, seq, lobby, heard: now, filed: now, state, streams: 0 };
        if !waiting {
            place.filed = place.deadline(now, &self.absence, timeout);
        }
        let filed = place.filed;
        (self.places.insert(place), filed, waiting)
    }

    /// Joins count from `next` on at the least: for a journal in which places with higher numbers than the live ones
    /// have ended.
    pub fn count_joins_from(&mut self, next: u64) {
        self.next_seq = self.next_seq.max(next);
    }
}
