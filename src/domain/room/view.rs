//! What can be seen of a room: its applied state, and when to look at it again.

use chrono::{DateTime, Utc};

use super::{Room, millis, places::State, time};
use crate::domain::{
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
    /// While ADMITTED: until when seats may be chosen; a live hold moves it to its own end.
    pub admitted_until: Option<DateTime<Utc>>,
    /// The position over the rate of admissions in the last minute; `None` without a position to wait for or a rate.
    pub estimated_wait_seconds: Option<u32>,
}

/// How many are in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// WAITING, lobby included.
    pub waiting: u32,
    /// ADMITTED.
    pub admitted: u32,
}

impl Room {
    /// A live place at `now`; `None` if there is none with this token.
    #[must_use]
    pub fn view(&self, token: TokenId, now: DateTime<Utc>) -> Option<View> {
        let place = self.places.get(self.places.by_token(token)?);
        let now = millis(now);
        let deadline = place.deadline(now, self.timeout());
        let base = View {
            status: Status::Waiting,
            position: None,
            waiting: self.counts().waiting,
            expires_at: time(deadline),
            last_seen_at: time(place.heard_at(now)),
            order: place.order(),
            admitted_until: None,
            estimated_wait_seconds: None,
        };
        Some(match place.state {
            State::Waiting { rank } => {
                let position = rank.and_then(|rank| self.position_at(rank));
                View {
                    position,
                    expires_at: time(deadline.min(millis(self.sale.closes_at))),
                    estimated_wait_seconds: position.and_then(|position| self.estimate(position, now)),
                    ..base
                }
            }
            State::Admitted { session_ends, pinned } => View {
                status: Status::Admitted,
                position: Some(0),
                admitted_until: Some(time(session_ends.max(pinned))),
                ..base
            },
        })
    }

    pub(super) fn estimate(&self, position: u32, now: i64) -> Option<u32> {
        let (count, over_ms) = self.admissions.rate(now)?;
        let seconds = (u64::from(position) * over_ms).div_ceil(count * 1_000);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
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
        let silence = self.silences.first().map(|(heard, _)| heard + self.timeout());
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
