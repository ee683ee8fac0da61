//! A date as rows that nobody was clever about: what events mean, said a second time, slowly, with everything kept.
//!
//! For tests and simulations, in the place of a database. It panics where a database would refuse a row.

#![expect(clippy::unwrap_used, reason = "it panics where a database would refuse a row")]

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    catalog::SeriesStatus,
    date::{
        Batch, Command, Drawn, EndReason, Event, Known, LobbyHash, Needs, Opened, OpenedPlace, OpenedState,
        Outcome, Recorded, Sale, Settings, Unpaid,
    },
    id::{HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    lobby::DrawSecret,
    policy::QueuePolicy,
    sale::{
        Entry, Hold, HoldStatus, KeyOf, Payment, Reservation, ReservationStatus, Seat, SeatState, Wallet,
    },
};

/// The only date that there is.
pub const SERIES: SeriesId = SeriesId(Uuid::nil());
/// What its lobby is ordered by.
pub const SECRET: [u8; 32] = [7; 32];

/// What has become of a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Where {
    /// In the lobby or in line.
    Waiting,
    /// May take holds until then.
    Admitted(DateTime<Utc>),
    /// It is over.
    Ended(EndReason),
}

/// A place, live or not.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// The place.
    pub token: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// The number of its join.
    pub seq: u64,
    /// Whether the draw decides its order.
    pub lobby: bool,
    /// What has become of it.
    pub at: Where,
}

/// All rows of the date, and of those who have to do with it.
#[derive(Clone)]
pub struct Rows {
    /// What the organiser says of it.
    pub settings: Settings,
    /// The time of the last batch.
    pub last: DateTime<Utc>,
    /// What the lobby got its order from, if it has it.
    pub drawn: Option<Drawn>,
    /// Whether the sales window is over.
    pub closed: bool,
    /// How often seats have changed.
    pub seats_version: i32,
    /// In the order of their numbers.
    pub seats: Vec<Seat>,
    /// In the order of the joins.
    pub tokens: Vec<TokenRow>,
    /// When anybody was admitted.
    pub admissions: Vec<DateTime<Utc>>,
    /// In the order in which they were taken.
    pub holds: Vec<Hold>,
    /// Standing or given back.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// Every one.
    pub payments: HashMap<PaymentId, Payment>,
    /// The ledgers of all, in the order of the lines.
    pub entries: Vec<Entry>,
    /// What each idempotency key was used for, and what came of it.
    pub keys: HashMap<KeyOf, (String, Uuid)>,
    /// What users have let end unpaid.
    pub unpaid: HashMap<UserId, Unpaid>,
}

impl Rows {
    /// A date of which nothing has happened.
    #[must_use]
    pub fn new(settings: Settings, seats: Vec<Seat>, now: DateTime<Utc>) -> Self {
        Self {
            settings,
            last: now,
            drawn: None,
            closed: false,
            seats_version: 0,
            seats,
            tokens: Vec::new(),
            admissions: Vec::new(),
            holds: Vec::new(),
            reservations: BTreeMap::new(),
            payments: HashMap::new(),
            entries: Vec::new(),
            keys: HashMap::new(),
            unpaid: HashMap::new(),
        }
    }

    /// The date as a process opens it.
    #[must_use]
    pub fn open(&self) -> Sale {
        let mut sale = Sale::open(
            Opened {
                id: SERIES,
                settings: self.settings,
                secret: DrawSecret::new(SECRET),
                last: self.last,
                drawn: self.drawn,
                closed: self.closed,
                next_seq: self.tokens.iter().map(|row| row.seq + 1).max().unwrap_or_default(),
                seats_version: self.seats_version,
            },
            self.seats.clone(),
        );
        if self.drawn.is_none() {
            sale.put_lobby(self.tokens.iter().filter(|row| row.lobby).map(|row| row.token));
        }
        // The newest first: the order must not matter.
        let live = self.tokens.iter().rev().filter_map(|row| {
            let state = match row.at {
                Where::Waiting => OpenedState::Waiting,
                Where::Admitted(until) => OpenedState::Admitted(until),
                Where::Ended(_) => return None,
            };
            let TokenRow { token, user, seq, lobby, .. } = row.clone();
            Some(OpenedPlace { token, user, seq, lobby, state })
        });
        sale.put_places(live.collect::<Vec<_>>().into_iter());
        sale.put_holds(self.holds.iter().filter(|hold| hold.status == HoldStatus::Active).cloned());
        let mut counts: HashMap<UserId, u32> = HashMap::new();
        for reservation in self.standing() {
            *counts.entry(reservation.user.clone()).or_default() += 1;
        }
        sale.put_reserved(counts);
        sale.put_unpaid(self.unpaid.clone());
        sale.put_admissions(self.admissions.iter().copied());
        sale.opened()
    }

    /// Those that were not given back.
    pub fn standing(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values().filter(|one| one.status == ReservationStatus::Confirmed)
    }

    /// What the ledger makes of a wallet.
    #[must_use]
    pub fn wallet(&self, user: &UserId) -> Wallet {
        let lines: Vec<_> = self.entries.iter().filter(|entry| entry.user == *user).collect();
        let balance = lines.iter().map(|entry| entry.amount).sum();
        Wallet { user: user.clone(), balance, lines: i32::try_from(lines.len()).unwrap() }
    }

    /// What a store would load for the commands, and nothing that they did not ask for.
    pub fn known(&self, sale: &Sale, commands: &[Command]) -> Known {
        self.known_of(commands.iter().map(|command| command.needs(sale)))
    }

    /// The same for what is needed.
    pub fn known_of(&self, needs: impl IntoIterator<Item = Needs>) -> Known {
        let mut known = Known::default();
        for needs in needs {
            let Needs { wallet, key, tokens, holds, lapsed, reservation } = needs;
            if let Some(user) = wallet {
                known.till.wallets.insert(user.clone(), self.wallet(&user));
            }
            if let Some(key) = key
                && let Some((fingerprint, result)) = self.keys.get(&key)
            {
                let recorded =
                    Recorded { fingerprint: fingerprint.clone(), outcome: self.outcome(*result, &key.0) };
                known.till.keys.insert(key, recorded);
            }
            for row in self.tokens.iter().filter(|row| tokens.contains(&row.token)) {
                if let Where::Ended(reason) = row.at {
                    known.ended.insert(row.token, (row.user.clone(), reason));
                }
            }
            let named = self.holds.iter().filter(|hold| holds.contains(&hold.id));
            known.holds.extend(named.map(|hold| (hold.id, hold.clone())));
            if let Some(user) = lapsed {
                let lapsed = |hold: &&Hold| hold.user == user && hold.status == HoldStatus::Expired;
                let tokens = self.holds.iter().filter(lapsed).map(|hold| hold.token);
                known.lapsed.insert(user.clone(), tokens.collect());
            }
            let found = reservation.and_then(|id| self.reservations.get(&id));
            known.reservations.extend(found.map(|one| (one.id, one.clone())));
        }
        known
    }

    fn outcome(&self, result: Uuid, user: &UserId) -> Outcome {
        let wallet = self.wallet(user);
        if let Some(payment) = self.payments.get(&PaymentId(result)) {
            let paid: Vec<_> =
                self.reservations.values().filter(|one| one.payment == payment.id).cloned().collect();
            return Outcome::Paid(payment.clone(), paid, wallet);
        }
        if let Some(reservation) = self.reservations.get(&ReservationId(result)) {
            return Outcome::Cancelled(reservation.clone(), wallet);
        }
        let entry = self.entries.iter().find(|entry| entry.id.0 == result).unwrap();
        Outcome::Posted(entry.clone(), wallet)
    }

    /// The live place of a user.
    #[must_use]
    pub fn live_token_of(&self, user: &UserId) -> Option<&TokenRow> {
        self.tokens.iter().find(|row| row.user == *user && !matches!(row.at, Where::Ended(_)))
    }

    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> SeriesStatus {
        let sold_out = self.seats.iter().all(|seat| matches!(seat.state, SeatState::Reserved(_)));
        self.settings.state(sold_out).status(now)
    }

    /// Everybody who waits, in order, computed from the beginning.
    pub fn line(&self) -> Vec<TokenId> {
        let key = |row: &&TokenRow| {
            let mut hmac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
            if let Some(Drawn::With(LobbyHash(hash))) = self.drawn {
                hmac.update(&hash);
            }
            hmac.update(row.token.to_string().as_bytes());
            let drawn = if row.lobby { hmac.finalize().into_bytes().to_vec() } else { Vec::new() };
            (!row.lobby, drawn, row.seq, row.token)
        };
        let mut waiting: Vec<_> = self.tokens.iter().filter(|row| row.at == Where::Waiting).collect();
        waiting.sort_by_key(key);
        waiting.into_iter().map(|row| row.token).collect()
    }

    /// Places that may take holds.
    #[must_use]
    pub fn admitted(&self) -> usize {
        self.tokens.iter().filter(|row| matches!(row.at, Where::Admitted(_))).count()
    }

    /// Holds that are live at `now`.
    pub fn live_holds(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(move |hold| hold.is_live(now))
    }

    /// Takes in what was committed; `ids` are those of the seats by their numbers.
    pub fn apply(&mut self, batch: &Batch, ids: &HashMap<i32, SeatId>) {
        assert!(batch.at >= self.last, "time goes back");
        self.last = batch.at;
        let before: Vec<_> = self.seats.iter().map(|seat| seat.state).collect();
        for event in &batch.events {
            self.apply_one(batch.at, event, ids);
        }
        // The version also grows when a seat went from one to another and back in one batch.
        let touches = |event: &Event| {
            matches!(
                event,
                Event::Held { .. }
                    | Event::Lapsed { .. }
                    | Event::Released { .. }
                    | Event::Paid { .. }
                    | Event::Cancelled { .. }
            )
        };
        let touched = batch.events.iter().any(touches);
        self.seats_version += i32::from(touched);
        let after: Vec<_> = self.seats.iter().map(|seat| seat.state).collect();
        assert!(touched || before == after);
    }

    /// The same of one event.
    pub fn apply_one(&mut self, at: DateTime<Utc>, event: &Event, ids: &HashMap<i32, SeatId>) {
        match event.clone() {
            Event::Joined { token, user, name: _, seq, lobby } => {
                self.tokens.push(TokenRow { token, user, seq, lobby, at: Where::Waiting });
            }
            Event::Drawn => {
                let mut hash = Sha256::new();
                for row in self.tokens.iter().filter(|row| row.lobby) {
                    hash.update(row.token.to_string());
                }
                self.drawn = Some(Drawn::With(LobbyHash(hash.finalize().into())));
            }
            Event::Closed => {
                self.closed = true;
                for row in self.tokens.iter_mut().filter(|row| row.at == Where::Waiting) {
                    row.at = Where::Ended(EndReason::SaleClosed);
                }
            }
            Event::Admitted { token, until } => {
                self.admissions.push(at);
                self.move_token(token, Where::Admitted(until));
            }
            Event::Ended { token, reason } => self.move_token(token, Where::Ended(reason)),
            Event::Held { hold, seat, user, token, until } => {
                let (id, seat) = (hold, ids[&seat]);
                self.seat_mut(seat).state = SeatState::Held { hold: id, until };
                let status = HoldStatus::Active;
                let (created_at, expires_at) = (at, until);
                self.holds.push(Hold {
                    id,
                    user,
                    token,
                    series: SERIES,
                    seat,
                    created_at,
                    expires_at,
                    status,
                });
            }
            Event::Lapsed { hold } => self.end_hold(hold, HoldStatus::Expired),
            Event::Released { hold } => self.end_hold(hold, HoldStatus::Released),
            Event::Unpaid { user, unpaid } => {
                self.unpaid.insert(user, unpaid);
            }
            Event::Paid { payment, line, user, amount, tickets } => {
                let paid =
                    Payment { id: payment, user, series: SERIES, amount, refunded: 0, line, created_at: at };
                self.payments.insert(payment, paid);
                for ticket in tickets {
                    self.confirm(at, payment, ticket.hold, ticket.reservation);
                }
            }
            Event::Cancelled { reservation, seat, payment, price, .. } => {
                let row = self.reservations.get_mut(&reservation).unwrap();
                row.status = ReservationStatus::Cancelled;
                self.payments.get_mut(&payment).unwrap().refunded += price;
                self.seat_mut(ids[&seat]).state = SeatState::Free;
            }
            Event::Posted(entry) => self.entries.push(entry),
            Event::KeyUsed { owner, key, fingerprint, result } => {
                let before = self.keys.insert((owner, key), (fingerprint, result));
                assert_eq!(before, None, "a key was used twice");
            }
            Event::PolicySet(policy) => self.settings.policy = policy,
            Event::PauseSet(paused) => self.settings.paused = paused,
        }
    }

    fn confirm(&mut self, at: DateTime<Utc>, payment: PaymentId, hold: HoldId, id: ReservationId) {
        let hold = self.holds.iter_mut().find(|one| one.id == hold).unwrap();
        hold.status = HoldStatus::Confirmed;
        let (user, seat) = (hold.user.clone(), hold.seat);
        let row = self.seat_mut(seat);
        row.state = SeatState::Reserved(id);
        let (price, status) = (row.price, ReservationStatus::Confirmed);
        let line = self.payments[&payment].line;
        let made =
            Reservation { id, user, series: SERIES, seat, payment, line, price, status, created_at: at };
        self.reservations.insert(id, made);
    }

    fn move_token(&mut self, token: TokenId, to: Where) {
        let row = self.tokens.iter_mut().find(|row| row.token == token).unwrap();
        assert!(!matches!(row.at, Where::Ended(_)), "{token} is over already");
        row.at = to;
    }

    fn end_hold(&mut self, id: HoldId, status: HoldStatus) {
        let hold = self.holds.iter_mut().find(|one| one.id == id).unwrap();
        assert_eq!(hold.status, HoldStatus::Active, "{id} is over already");
        hold.status = status;
        let seat = hold.seat;
        let seat = self.seat_mut(seat);
        assert!(matches!(seat.state, SeatState::Held { hold, .. } if hold == id));
        seat.state = SeatState::Free;
    }

    fn seat_mut(&mut self, id: SeatId) -> &mut Seat {
        self.seats.iter_mut().find(|seat| seat.id == id).unwrap()
    }

    /// A seat of these.
    #[must_use]
    pub fn seat(&self, id: SeatId) -> &Seat {
        self.seats.iter().find(|seat| seat.id == id).unwrap()
    }

    /// The rule of the intervals, over the whole history: of any policy that was in force, only the one of now counts.
    pub fn admitted_within(&self, policy: &QueuePolicy, now: DateTime<Utc>) -> usize {
        self.admissions
            .iter()
            .filter(|at| **at > now - TimeDelta::seconds(policy.interval_seconds.into()))
            .count()
    }
}
