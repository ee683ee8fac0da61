//! What can be seen of a date.

use chrono::{DateTime, Utc};

use crate::{
    catalog::{SaleState, SeriesStatus},
    date::{decide::Summary, holds::LiveHold, places::State, sale::Sale, time, unpaid::Unpaid},
    id::{HoldId, TokenId, UserId},
    identity::JoinOrder,
    lobby::{DrawSecret, LobbyHash},
    sale::{Hold, HoldStatus},
};

/// Whether a live place waits or may take holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In the lobby or in line.
    Waiting,
    /// May take holds.
    Admitted,
}

/// A live place as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whether it waits.
    pub status: Status,
    /// 1 for the next in line, 0 when admitted, `None` in the lobby before the draw (rule 8).
    pub position: Option<u32>,
    /// While ADMITTED: until when seats may be chosen, fixed at the admission (rule 7).
    pub admitted_until: Option<DateTime<Utc>>,
    /// While ADMITTED: the end of the last hold that was taken with it, which keeps it open (rule 7).
    pub pinned_until: Option<DateTime<Utc>>,
    /// When the place ends by itself: an admitted one with its session, or with the last hold taken in it; a waiting one
    /// when the sale closes.
    pub ends_at: DateTime<Utc>,
    /// Where its join stands among the others.
    pub order: JoinOrder,
}

/// How many are in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// WAITING, lobby included.
    pub waiting: u32,
    /// ADMITTED.
    pub admitted: u32,
}

impl Sale {
    /// A live place; `None` if there is none with this token.
    #[must_use]
    pub fn position(&self, token: TokenId) -> Option<Position> {
        let slot = self.places.by_token(token)?;
        let place = self.places.get(slot);
        let order = JoinOrder { seq: place.seq, lobby: place.lobby };
        Some(match place.state {
            State::Waiting { rank } => Position {
                status: Status::Waiting,
                position: rank.and_then(|rank| self.line.before(rank)).map(|ahead| ahead + 1),
                admitted_until: None,
                pinned_until: None,
                ends_at: self.settings.closes_at,
                order,
            },
            State::Admitted { until } => Position {
                status: Status::Admitted,
                position: Some(0),
                admitted_until: Some(time(until)),
                pinned_until: self.pinned(slot).map(time),
                ends_at: time(self.session_end(slot).unwrap_or(until)),
                order,
            },
        })
    }

    /// The number of the join of a live place.
    #[must_use]
    pub fn seq(&self, token: TokenId) -> Option<u64> {
        self.places.by_token(token).map(|slot| self.places.get(slot).seq)
    }

    /// Whether there is a live place with this token.
    #[must_use]
    pub fn is_live(&self, token: TokenId) -> bool {
        self.places.by_token(token).is_some()
    }

    /// Whose the live place with this token is.
    #[must_use]
    pub fn owner(&self, token: TokenId) -> Option<&UserId> {
        self.places.by_token(token).map(|slot| &self.places.get(slot).user)
    }

    /// The live places and the numbers of their joins, in no order.
    pub fn live(&self) -> impl Iterator<Item = (u64, TokenId)> + '_ {
        self.places.iter().map(|(_, place)| (place.seq, place.token))
    }

    /// The live place of a user (rule 4).
    #[must_use]
    pub fn place_of(&self, user: &UserId) -> Option<TokenId> {
        self.places.by_user(user).map(|slot| self.places.get(slot).token)
    }

    /// How many wait and how many are admitted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let admitted = u32::try_from(self.sessions.len()).expect("a date has fewer than 2^32 places");
        Counts { waiting: self.waiting, admitted }
    }

    /// What the status of the sale depends on.
    #[must_use]
    pub fn state(&self) -> SaleState {
        self.settings.state(self.is_sold_out())
    }

    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> SeriesStatus {
        self.state().status(now)
    }

    /// Whether a hold with this id has not been journaled as over.
    #[must_use]
    pub fn has_hold(&self, hold: HoldId) -> bool {
        self.holds.get(hold).is_some()
    }

    /// A hold that has not been journaled as over.
    #[must_use]
    pub fn hold(&self, id: HoldId) -> Option<Hold> {
        self.holds.get(id).map(|hold| self.shown(hold))
    }

    /// Whether a user has holds that have not been journaled as over.
    #[must_use]
    pub fn has_holds(&self, user: &UserId) -> bool {
        !self.holds.of(user).is_empty()
    }

    /// The holds of a user that are live at `now`, in the order in which they were taken.
    pub fn holds_of(&self, user: &UserId, now: DateTime<Utc>) -> impl Iterator<Item = Hold> + '_ {
        let own = self.holds.of(user).iter().filter_map(|hold| self.holds.get(*hold));
        own.filter(move |hold| hold.is_live(now)).map(|hold| self.shown(hold))
    }

    fn shown(&self, hold: &LiveHold) -> Hold {
        Hold {
            id: hold.id,
            user: hold.user.clone(),
            token: hold.token,
            series: self.id,
            seat: self.seats.seat(hold.seat).id,
            created_at: hold.created_at,
            expires_at: hold.expires_at,
            status: HoldStatus::Active,
        }
    }

    /// How many standing reservations a user has.
    #[must_use]
    pub fn reserved_of(&self, user: &UserId) -> u32 {
        self.reserved.get(user).copied().unwrap_or_default()
    }

    /// What a user has let end unpaid (rule 13).
    #[must_use]
    pub fn unpaid_of(&self, user: &UserId) -> Unpaid {
        self.unpaid.get(user).copied().unwrap_or_default()
    }

    /// What the date's row is to say of it.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            next_due: self.next_due(),
            seats_version: self.seats.version(),
            reserved: u32::try_from(self.seats.reserved()).unwrap_or(u32::MAX),
            next_seq: self.next_seq,
            lobby_hash: self.lobby_hash(),
        }
    }

    /// Whether the lobby has its order (rule 5).
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.drawn.is_some()
    }

    /// What orders the lobby; to be shown once it [is drawn](Self::is_drawn).
    #[must_use]
    pub fn secret(&self) -> &DrawSecret {
        &self.secret
    }

    /// The hash of the joins of the lobby, once it is drawn with it.
    #[must_use]
    pub fn lobby_hash(&self) -> Option<LobbyHash> {
        self.drawn?.lobby_hash()
    }
}
