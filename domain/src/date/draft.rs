//! A decision in the making: what it has changed lies over the date, so that later commands see it and the date does not.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::{
    catalog::SeriesStatus,
    date::{
        cells::{Cells, transition},
        command::Known,
        decide::Summary,
        due::Pending,
        event::{EndReason, Event},
        holds::LiveHold,
        millis,
        places::{Place, State},
        sale::{Sale, Settings},
        unpaid::Unpaid,
    },
    id::{HoldId, SeatId, TokenId, UserId},
    identity::JoinOrder,
    sale::{Hold, HoldStatus, SeatState},
};

pub(super) struct Draft<'a> {
    pub(super) sale: &'a Sale,
    pub(super) known: Known,
    pub(super) now: DateTime<Utc>,
    pub(super) events: Vec<Event>,
    pub(super) next_seq: u64,
    /// Whether this decision draws the lobby.
    drew: bool,
    /// Whether somebody came back in this decision, to a place that is not the last.
    came_back: bool,
    closed: bool,
    settings: Settings,
    places: HashMap<TokenId, Option<Place>>,
    by_user: HashMap<UserId, TokenId>,
    /// Those who joined in this decision, in order.
    pub(super) joined: Vec<TokenId>,
    /// Who is ADMITTED.
    pub(super) admitted: usize,
    /// Of those who were let in by this decision.
    let_in: u64,
    waiting: u32,
    seats: HashMap<u32, SeatState>,
    sold: usize,
    holds: HashMap<HoldId, Option<LiveHold>>,
    own_holds: HashMap<UserId, Vec<HoldId>>,
    reserved: HashMap<UserId, u32>,
    unpaid: HashMap<UserId, Unpaid>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(sale: &'a Sale, known: Known, now: DateTime<Utc>) -> Self {
        Self {
            sale,
            known,
            now,
            events: Vec::new(),
            next_seq: sale.next_seq,
            drew: false,
            came_back: false,
            closed: false,
            settings: sale.settings,
            places: HashMap::new(),
            by_user: HashMap::new(),
            joined: Vec::new(),
            admitted: sale.sessions.len(),
            let_in: 0,
            waiting: sale.waiting,
            seats: HashMap::new(),
            sold: sale.seats.reserved(),
            holds: HashMap::new(),
            own_holds: HashMap::new(),
            reserved: HashMap::new(),
            unpaid: HashMap::new(),
        }
    }

    /// Decides that this happens now.
    pub(super) fn emit(&mut self, event: Event) {
        transition(self, self.now, &event);
        self.events.push(event);
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn is_drawn(&self) -> bool {
        self.sale.is_drawn() || self.drew
    }

    /// Whether it is known from the next decision on only who is first.
    pub(super) fn is_order_open(&self) -> bool {
        self.drew || self.came_back
    }

    /// Where the next join stands.
    pub(super) fn last_in_order(&self) -> JoinOrder {
        JoinOrder { seq: self.next_seq, lobby: !self.is_drawn() }
    }

    /// Whether that place has ended.
    pub(super) fn is_over(&self, token: TokenId) -> bool {
        self.known.ended.contains_key(&token) || matches!(self.places.get(&token), Some(None))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sale.closed || self.closed
    }

    pub(super) fn status(&self) -> SeriesStatus {
        self.settings.state(self.is_sold_out()).status(self.now)
    }

    /// A live place.
    pub(super) fn place(&self, token: TokenId) -> Option<&Place> {
        let place = match self.places.get(&token) {
            Some(place) => place.as_ref(),
            None => self.sale.places.by_token(token).map(|slot| self.sale.places.get(slot)),
        };
        place.filter(|place| !self.closed || !matches!(place.state, State::Waiting { .. }))
    }

    /// The live place of a user.
    pub(super) fn place_of(&self, user: &UserId) -> Option<&Place> {
        let drafted = self.by_user.get(user).and_then(|token| self.place(*token));
        drafted.or_else(|| {
            let slot = self.sale.places.by_user(user)?;
            self.place(self.sale.places.get(slot).token)
        })
    }

    pub(super) fn hold(&self, id: HoldId) -> Option<&LiveHold> {
        match self.holds.get(&id) {
            Some(hold) => hold.as_ref(),
            None => self.sale.holds.get(id),
        }
    }

    /// The holds of a user that nobody has journaled as over, in the order in which they were taken.
    pub(super) fn holds_of(&self, user: &UserId) -> Vec<LiveHold> {
        let ids = self.own_holds.get(user).map_or_else(|| self.sale.holds.of(user), Vec::as_slice);
        ids.iter().filter_map(|id| self.hold(*id)).cloned().collect()
    }

    pub(super) fn live_holds_of(&self, user: &UserId) -> Vec<LiveHold> {
        let mut holds = self.holds_of(user);
        holds.retain(|hold| hold.is_live(self.now));
        holds
    }

    pub(super) fn reserved_of(&self, user: &UserId) -> u32 {
        self.reserved.get(user).or_else(|| self.sale.reserved.get(user)).copied().unwrap_or_default()
    }

    pub(super) fn unpaid_of(&self, user: &UserId) -> Unpaid {
        self.unpaid.get(user).or_else(|| self.sale.unpaid.get(user)).copied().unwrap_or_default()
    }

    pub(super) fn seat_id(&self, at: u32) -> SeatId {
        self.sale.seats.seat(at).id
    }

    /// A hold as its owner sees it.
    pub(super) fn shown(&self, hold: &LiveHold, status: HoldStatus) -> Hold {
        Hold {
            id: hold.id,
            user: hold.user.clone(),
            token: hold.token,
            series: self.sale.id,
            seat: self.seat_id(hold.seat),
            created_at: hold.created_at,
            expires_at: hold.expires_at,
            status,
        }
    }

    /// Journals what has lapsed of a user's holds, in the order in which it did, whether or not it was due to be: so each
    /// counts at its own end (rule 13).
    pub(super) fn settle(&mut self, user: &UserId) {
        let mut lapsed = self.holds_of(user);
        lapsed.retain(|hold| !hold.is_live(self.now));
        lapsed.sort_by_key(|hold| (hold.expires_at, hold.id));
        for hold in lapsed {
            self.end_unpaid(&hold);
        }
    }

    /// Ends a hold that is not paid: at its own end, or now if it is given back. Every such hold ends here, so here it is
    /// counted (rule 13).
    pub(super) fn end_unpaid(&mut self, hold: &LiveHold) {
        let id = hold.id;
        if hold.is_live(self.now) {
            self.emit(Event::Released { hold: id });
        } else {
            self.emit(Event::Lapsed { hold: id });
            self.known.lapsed.entry(hold.user.clone()).or_default().push(hold.token);
        }
        let end = self.now.min(hold.expires_at);
        let unpaid =
            self.unpaid_of(&hold.user).with((hold.created_at, hold.expires_at), end, &self.settings.policy);
        self.emit(Event::Unpaid { user: hold.user.clone(), unpaid });
    }

    pub(super) fn end(&mut self, token: TokenId, reason: EndReason) {
        self.emit(Event::Ended { token, reason });
    }

    /// Until when live holds keep a place open.
    pub(super) fn pinned_until(&self, place: &Place) -> Option<DateTime<Utc>> {
        let own = self.live_holds_of(&place.user);
        own.iter().filter(|hold| hold.token == place.token).map(|hold| hold.expires_at).max()
    }
}

impl Cells for Draft<'_> {
    fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn add_place(&mut self, place: Place) {
        self.came_back |= self.is_drawn() && !place.is_last(self.next_seq);
        self.next_seq = self.next_seq.max(place.seq + 1);
        self.waiting += 1;
        self.joined.push(place.token);
        self.by_user.insert(place.user.clone(), place.token);
        self.places.insert(place.token, Some(place));
    }

    fn draw(&mut self) {
        self.drew = true;
    }

    fn close(&mut self) {
        self.closed = true;
        self.waiting = 0;
    }

    fn admit(&mut self, token: TokenId, until: i64, _at: i64) {
        if let Some(place) = self.place(token).cloned() {
            self.places.insert(token, Some(Place { state: State::Admitted { until }, ..place }));
            self.admitted += 1;
            self.let_in += 1;
            self.waiting -= 1;
        }
    }

    fn end_place(&mut self, token: TokenId) {
        match self.place(token).map(|place| place.state) {
            Some(State::Admitted { .. }) => self.admitted -= 1,
            Some(State::Waiting { .. }) => self.waiting -= 1,
            None => return,
        }
        self.places.insert(token, None);
    }

    fn add_hold(&mut self, hold: LiveHold) {
        let base = || self.sale.holds.of(&hold.user).to_vec();
        self.own_holds.entry(hold.user.clone()).or_insert_with(base).push(hold.id);
        self.holds.insert(hold.id, Some(hold));
    }

    fn take_hold(&mut self, hold: HoldId) -> Option<LiveHold> {
        let found = self.hold(hold).cloned()?;
        self.holds.insert(hold, None);
        Some(found)
    }

    fn seat_at(&self, number: i32) -> Option<u32> {
        self.sale.seats.place_of_number(number)
    }

    fn seat(&self, at: u32) -> SeatState {
        self.seats.get(&at).copied().unwrap_or_else(|| self.sale.seats.state(at))
    }

    fn set_seat(&mut self, at: u32, state: SeatState) {
        let is_sold = |state| usize::from(matches!(state, SeatState::Reserved(_)));
        self.sold = self.sold + is_sold(state) - is_sold(self.seat(at));
        self.seats.insert(at, state);
    }

    fn set_unpaid(&mut self, user: &UserId, unpaid: Unpaid) {
        self.unpaid.insert(user.clone(), unpaid);
    }

    fn add_reserved(&mut self, user: &UserId, by: i32) {
        let count = self.reserved_of(user).saturating_add_signed(by);
        self.reserved.insert(user.clone(), count);
    }
}

impl Draft<'_> {
    /// What the date's row is to say.
    pub(super) fn summary(&self) -> Summary {
        let sale = self.sale;
        Summary {
            next_due: self.next_due(),
            seats_version: sale.seats.version() + i32::from(!self.seats.is_empty()),
            reserved: u32::try_from(self.sold).unwrap_or(u32::MAX),
            next_seq: self.next_seq,
            lobby_hash: if self.drew { Some(sale.lobby.hash()) } else { sale.lobby_hash() },
        }
    }

    /// What [`Sale::next_due`] will be once the events are applied. What they leave alone is read from the date, past what
    /// they change, so it costs as much as the events are.
    fn next_due(&self) -> Option<DateTime<Utc>> {
        let (sale, policy) = (self.sale, &self.settings.policy);
        let pending = Pending {
            settings: self.settings,
            drawn: self.is_drawn(),
            closed: self.is_closed(),
            sold_out: self.is_sold_out(),
            last: self.millis(),
            hold: self.next_lapse(),
            session: self.next_session_end(),
            waiting: self.waiting,
            admitted: self.admitted,
            paced_until: sale.admissions.paced_until(policy, self.let_in, self.millis()),
        };
        pending.next()
    }

    fn next_lapse(&self) -> Option<i64> {
        let mut old = self.sale.holds.by_end().filter(|(_, hold)| !self.holds.contains_key(hold));
        let new = self.holds.values().flatten().map(|hold| millis(hold.expires_at));
        new.chain(old.next().map(|(end, _)| end)).min()
    }

    fn next_session_end(&self) -> Option<i64> {
        let holds = self.holds.iter().filter_map(|(id, hold)| hold.as_ref().or(self.sale.holds.get(*id)));
        let changed: HashSet<_> = self.places.keys().copied().chain(holds.map(|hold| hold.token)).collect();
        let token = |slot: &u32| self.sale.places.get(*slot).token;
        let mut old = self.sale.sessions.iter().filter(|(.., slot)| !changed.contains(&token(slot)));
        let new = changed.iter().filter_map(|token| self.session_end(*token));
        new.chain(old.next().map(|(end, ..)| *end)).min()
    }

    /// See [`Sale::session_end`].
    fn session_end(&self, token: TokenId) -> Option<i64> {
        let place = self.place(token)?;
        let State::Admitted { until } = place.state else { return None };
        let own = self.holds_of(&place.user).into_iter().filter(|hold| hold.token == token);
        Some(own.map(|hold| millis(hold.expires_at)).fold(until, i64::max))
    }

    fn is_sold_out(&self) -> bool {
        self.sold >= self.sale.seats.len()
    }

    /// Now, in milliseconds.
    pub(super) fn millis(&self) -> i64 {
        millis(self.now)
    }
}
