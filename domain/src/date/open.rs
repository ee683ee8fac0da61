//! A date from its rows (rule 9): the same places in the same order, and the same seats.

use chrono::{DateTime, Utc};

use crate::{
    date::{
        admissions::Admissions,
        holds::{Holds, LiveHold},
        millis,
        places::{Place, State},
        sale::{Sale, Settings},
        unpaid::Unpaid,
    },
    id::{SeriesId, TokenId, UserId},
    line::Line,
    lobby::{DrawSecret, Drawn, LobbyHasher},
    places::Places,
    sale::{Hold, Seat},
    seat_map::SeatMap,
};

/// What is known of a date before its rows are read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Which date.
    pub id: SeriesId,
    /// What the organiser says of it.
    pub settings: Settings,
    /// What orders the lobby.
    pub secret: DrawSecret,
    /// The time of the last batch.
    pub last: DateTime<Utc>,
    /// What the lobby got its order from, if it has it.
    pub drawn: Option<Drawn>,
    /// Whether the sales window is over and the line with it.
    pub closed: bool,
    /// The number of the next join.
    pub next_seq: u64,
    /// How often seats have changed.
    pub seats_version: i32,
}

/// A live place as its row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedPlace {
    /// The place.
    pub token: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// The number of its join.
    pub seq: u64,
    /// Whether it takes part in the draw (rule 5).
    pub lobby: bool,
    /// Whether it waits.
    pub state: OpenedState,
}

/// See [`OpenedPlace::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedState {
    /// In the lobby or in line.
    Waiting,
    /// May take holds until then.
    Admitted(DateTime<Utc>),
}

impl Sale {
    /// A date with these seats and nothing else: the rest is put in with the methods below, and [`Sale::opened`] in the end.
    #[must_use]
    pub fn open(with: Opened, seats: Vec<Seat>) -> Self {
        let Opened { id, settings, secret, last, drawn, closed, next_seq, seats_version } = with;
        Self {
            id,
            settings,
            secret,
            last: millis(last),
            lobby: LobbyHasher::default(),
            drawn,
            closed,
            next_seq,
            places: Places::default(),
            line: Line::default(),
            out_of_order: false,
            waiting: 0,
            sessions: std::collections::BTreeSet::new(),
            admissions: Admissions::default(),
            holds: Holds::default(),
            reserved: std::collections::HashMap::new(),
            unpaid: std::collections::HashMap::new(),
            seats: SeatMap::new(seats_version, seats),
            touched: Vec::new(),
        }
    }

    /// Everybody who joined the lobby, in the order of the joins, also those who have left since; nobody is asked for them
    /// once it is drawn.
    pub fn put_lobby(&mut self, joins: impl IntoIterator<Item = TokenId>) {
        for token in joins {
            self.lobby.join(token);
        }
    }

    /// The live places, in any order.
    pub fn put_places(&mut self, places: impl ExactSizeIterator<Item = OpenedPlace>) {
        self.places.reserve(places.len());
        for OpenedPlace { token, user, seq, lobby, state } in places {
            let state = match state {
                OpenedState::Waiting => State::Waiting { rank: None },
                OpenedState::Admitted(until) => State::Admitted { until: millis(until) },
            };
            self.waiting += u32::from(matches!(state, State::Waiting { .. }));
            self.next_seq = self.next_seq.max(seq + 1);
            self.places.insert(Place { token, user, seq, lobby, state });
        }
    }

    /// The holds that nobody has journaled as over, in the order in which they were taken.
    pub fn put_holds(&mut self, holds: impl IntoIterator<Item = Hold>) {
        for Hold { id, user, token, seat, created_at, expires_at, .. } in holds {
            if let Some(seat) = self.seats.place_of(seat) {
                self.holds.insert(LiveHold { id, seat, user, token, created_at, expires_at });
            }
        }
    }

    /// How many standing reservations each user has.
    pub fn put_reserved(&mut self, counts: impl IntoIterator<Item = (UserId, u32)>) {
        self.reserved.extend(counts);
    }

    /// What users have let end unpaid (rule 13).
    pub fn put_unpaid(&mut self, unpaid: impl IntoIterator<Item = (UserId, Unpaid)>) {
        self.unpaid.extend(unpaid);
    }

    /// The times of all admissions of the last [`QueuePolicy::MAX_INTERVAL_SECONDS`], also of places that have ended.
    ///
    /// [`QueuePolicy::MAX_INTERVAL_SECONDS`]: crate::policy::QueuePolicy::MAX_INTERVAL_SECONDS
    pub fn put_admissions(&mut self, times: impl IntoIterator<Item = DateTime<Utc>>) {
        self.admissions = Admissions::restored(times.into_iter());
    }

    /// Puts everything in order that depends on everything.
    #[must_use]
    pub fn opened(mut self) -> Self {
        let slots: Vec<_> = self.places.iter().map(|(slot, _)| slot).collect();
        self.sessions = slots.into_iter().filter_map(|slot| self.session(slot)).collect();
        self.line_up();
        self
    }
}
