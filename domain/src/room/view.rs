//! What can be seen of a room: its applied state, and when to look at it again.

use chrono::{DateTime, Utc};

use super::{
    Room,
    estimate::{Scene, WaitEstimate},
    millis,
    places::State,
    time,
};
use crate::{
    id::{TokenId, UserId},
    identity::JoinOrder,
};

/// Whether a live place waits or may book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In the lobby or in line.
    Waiting,
    /// May book.
    Admitted,
}

/// One place as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Whether it waits.
    pub status: Status,
    /// 1 for the next in line, 0 when admitted, `None` in the lobby before the draw (rule 8).
    pub position: Option<u32>,
    /// People waiting in this room.
    pub waiting: u32,
    /// When the place ends unless its owner is heard from.
    pub expires_at: DateTime<Utc>,
    /// When its owner was last heard from.
    pub last_seen_at: DateTime<Utc>,
    /// Where its join stands among the others.
    pub order: JoinOrder,
    /// While ADMITTED: until when seats may be chosen, fixed at the admission (rule 7).
    pub admitted_until: Option<DateTime<Utc>>,
    /// How long it will wait; `None` where nothing is known that would not be wrong.
    pub estimate: Option<WaitEstimate>,
}

/// How many are in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// WAITING, lobby included.
    pub waiting: u32,
    /// ADMITTED.
    pub admitted: u32,
}

/// What makes the view of a WAITING place.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// See [`View::position`].
    pub position: Option<u32>,
    /// See [`View::order`].
    pub order: JoinOrder,
    /// See [`View::last_seen_at`].
    pub heard_at: DateTime<Utc>,
    /// See [`View::expires_at`].
    pub silent: DateTime<Utc>,
    /// How many are in the room.
    pub counts: Counts,
    /// See [`View::estimate`].
    pub estimate: Option<WaitEstimate>,
}

impl View {
    /// A place that waits.
    #[must_use]
    pub fn waiting(it: Waits) -> Self {
        Self {
            status: Status::Waiting,
            position: it.position,
            waiting: it.counts.waiting,
            expires_at: it.silent,
            last_seen_at: it.heard_at,
            order: it.order,
            admitted_until: None,
            estimate: it.estimate,
        }
    }

    /// A place that may book until `until`, and ends at `expires_at` unless its owner is heard from.
    #[must_use]
    pub fn admitted(
        order: JoinOrder,
        heard_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
        until: DateTime<Utc>,
        counts: Counts,
    ) -> Self {
        Self {
            status: Status::Admitted,
            position: Some(0),
            waiting: counts.waiting,
            expires_at,
            last_seen_at: heard_at,
            order,
            admitted_until: Some(until),
            estimate: None,
        }
    }
}

impl Room {
    /// A live place at `now`; `None` if there is none with this token.
    #[must_use]
    pub fn view(&self, token: TokenId, now: DateTime<Utc>) -> Option<View> {
        let place = self.places.get(self.places.by_token(token)?);
        let (now, counts) = (millis(now), self.counts());
        let deadline = place.deadline(now, &self.absence, self.timeout());
        let heard_at = time(self.absence.instant(place.heard_at(now, &self.absence)));
        Some(match place.state {
            State::Waiting { rank } => View::waiting(Waits {
                position: rank.and_then(|rank| self.position_at(rank)),
                estimate: rank.and_then(|rank| self.estimate(rank, now)),
                order: place.order(),
                heard_at,
                silent: time(deadline.min(millis(self.sale.closes_at))),
                counts,
            }),
            State::Admitted { session_ends, .. } => {
                View::admitted(place.order(), heard_at, time(deadline), time(session_ends), counts)
            }
        })
    }

    /// How long whoever has that rank will wait; `None` also while nobody is admitted.
    pub(super) fn estimate(&self, rank: u32, now: i64) -> Option<WaitEstimate> {
        let position = self.position_at(rank).filter(|_| self.is_admitting(now))?;
        let scene = Scene {
            policy: &self.policy,
            admissions: &self.admissions,
            admitted: self.sessions.len(),
            waiting: self.silences.len(),
            open_for: millis(self.sale.closes_at) - now,
            now,
        };
        self.forecast.borrow_mut().estimate(position, rank, &scene)
    }

    /// How many wait and how many are admitted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |n| u32::try_from(n).expect("a room holds fewer than 2^32 places");
        Counts { waiting: count(self.silences.len()), admitted: count(self.sessions.len()) }
    }

    /// The live place of a user (rule 4).
    #[must_use]
    pub fn live_place(&self, user: &UserId) -> Option<TokenId> {
        self.places.by_user(user).map(|slot| self.places.get(slot).token)
    }

    /// The earliest instant at which [`Room::decide`] could have something to do, commands and reports aside; `now`
    /// or earlier when it has something to do already. A session that a decision has named does not count again.
    #[must_use]
    pub fn next_wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let now = millis(now);
        let silence = self
            .silences
            .first()
            .map(|(filed, _)| self.absence.instant(self.absence.heard(*filed)) + self.timeout());
        let session = self.sessions.range((self.decided.saturating_add(1), 0)..).next().map(|(due, _)| *due);
        let opens = millis(self.sale.opens_at);
        let opening = (!self.drawn || now < opens).then_some(opens);
        let closing = (!self.silences.is_empty()).then(|| millis(self.sale.closes_at));
        let wakes = [silence, session, opening, closing, self.next_admission(now)];
        wakes.into_iter().flatten().min().map(time)
    }

    /// When the next in line could be admitted without anybody making room.
    fn next_admission(&self, now: i64) -> Option<i64> {
        let unlimited_slots = self.policy.max_active.is_none_or(|most| self.sessions.len() < most as usize);
        (self.is_admitting(now) && unlimited_slots && !self.silences.is_empty())
            .then(|| self.admissions.paced_until(&self.policy, now).unwrap_or(now))
    }
}
