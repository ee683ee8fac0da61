//! What the events of a decision come to: the rows as they are after the last of them.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use chrono::{DateTime, Utc};
use sea_orm::Value;
use uuid::Uuid;

use crate::{
    domain::{
        date::{Decision, EndReason, Event, Sale, Summary, Unpaid},
        id::{HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
        policy::QueuePolicy,
        text::PersonName,
    },
    store::{
        journal::{
            changes::{ADDS, Change, MOVES},
            points::Points,
            sheet::Sheet,
        },
        log,
    },
};

/// What is to be written of a date.
#[derive(Debug)]
pub struct Folded {
    pub(super) date: SeriesId,
    pub(super) at: DateTime<Utc>,
    /// In the order of [`MOVES`].
    pub(super) moves: Vec<Sheet>,
    /// In the order of [`ADDS`].
    pub(super) adds: Vec<Sheet>,
    pub(super) policy: Option<QueuePolicy>,
    pub(super) paused: Option<bool>,
    pub(super) drawn: bool,
    pub(super) closed: bool,
    pub(super) summary: Summary,
    /// The line of the log.
    pub(super) log: Vec<u8>,
}

/// What is to be written of a date. `sale` is the date before.
///
/// # Errors
/// A sentence for the log, if the decision is not one upon `sale`.
pub(super) fn folded(sale: &Sale, decision: &Decision) -> Result<Folded, String> {
    let mut fold = Fold::new(sale, decision.at);
    for event in &decision.events {
        fold.take(event)?;
    }
    let log = log::encode(&decision.batch())?;
    let Fold { policy, paused, drawn, closed, .. } = fold;
    let (date, at, summary) = (sale.id(), decision.at, decision.summary);
    let (moves, adds) = fold.sheets();
    Ok(Folded { date, at, moves, adds, policy, paused, drawn, closed, summary, log })
}

/// Values by key, in the order in which they came.
struct InOrder<K, V> {
    at: HashMap<K, usize>,
    values: Vec<(K, V)>,
}

impl<K: Copy + Eq + Hash, V: Default> InOrder<K, V> {
    fn new() -> Self {
        Self { at: HashMap::new(), values: Vec::new() }
    }

    fn of(&mut self, key: K) -> &mut V {
        let at = *self.at.entry(key).or_insert_with(|| {
            self.values.push((key, V::default()));
            self.values.len() - 1
        });
        &mut self.values[at].1
    }
}

#[derive(Default)]
struct Token<'a> {
    joined: Option<Joined<'a>>,
    admitted_until: Option<DateTime<Utc>>,
    ended: Option<EndReason>,
}

struct Joined<'a> {
    user: &'a UserId,
    name: &'a PersonName,
    seq: u64,
    lobby: bool,
}

#[derive(Default)]
struct Hold<'a> {
    taken: Option<Taken<'a>>,
    ended: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Taken<'a> {
    user: &'a UserId,
    token: TokenId,
    seat: SeatId,
    until: DateTime<Utc>,
}

#[derive(Default)]
struct Reservation<'a> {
    made: Option<Made<'a>>,
    cancelled: bool,
}

struct Made<'a> {
    user: &'a UserId,
    seat: SeatId,
    payment: PaymentId,
    line: i32,
    price: i32,
}

#[derive(Default)]
struct Payment<'a> {
    made: Option<(&'a UserId, i32, i32)>,
    refunded: i32,
}

struct Fold<'a> {
    sale: &'a Sale,
    at: DateTime<Utc>,
    tokens: InOrder<TokenId, Token<'a>>,
    holds: InOrder<HoldId, Hold<'a>>,
    reservations: InOrder<ReservationId, Reservation<'a>>,
    payments: InOrder<PaymentId, Payment<'a>>,
    points: Points<'a>,
    unpaid: BTreeMap<&'a UserId, Unpaid>,
    policy: Option<QueuePolicy>,
    paused: Option<bool>,
    drawn: bool,
    closed: bool,
}

impl<'a> Fold<'a> {
    fn new(sale: &'a Sale, at: DateTime<Utc>) -> Self {
        Self {
            sale,
            at,
            tokens: InOrder::new(),
            holds: InOrder::new(),
            reservations: InOrder::new(),
            payments: InOrder::new(),
            points: Points::default(),
            unpaid: BTreeMap::new(),
            policy: None,
            paused: None,
            drawn: false,
            closed: false,
        }
    }

    fn take(&mut self, event: &'a Event) -> Result<(), String> {
        match event {
            Event::Joined { token, user, name, seq, lobby } => {
                let (seq, lobby) = (*seq, *lobby);
                self.tokens.of(*token).joined = Some(Joined { user, name, seq, lobby });
            }
            Event::Drawn => self.drawn = true,
            Event::Closed => self.closed = true,
            Event::Admitted { token, until } => self.tokens.of(*token).admitted_until = Some(*until),
            Event::Ended { token, reason } => self.tokens.of(*token).ended = Some(*reason),
            Event::Held { hold, seat, user, token, until } => {
                let seats = self.sale.seats();
                let place = seats.place_of_number(*seat).ok_or_else(|| format!("there is no seat {seat}"))?;
                let seat = seats.seat(place).id;
                self.holds.of(*hold).taken = Some(Taken { user, token: *token, seat, until: *until });
            }
            Event::Lapsed { hold } => self.holds.of(*hold).ended = Some("EXPIRED"),
            Event::Released { hold } => self.holds.of(*hold).ended = Some("RELEASED"),
            Event::Unpaid { user, unpaid } => _ = self.unpaid.insert(user, *unpaid),
            Event::Paid { payment, line, user, amount, tickets } => {
                self.payments.of(*payment).made = Some((user, *line, *amount));
                for ticket in tickets {
                    self.ticket(*payment, *line, user, ticket.hold, ticket.reservation)?;
                }
            }
            Event::Cancelled { reservation, payment, price, .. } => {
                self.reservations.of(*reservation).cancelled = true;
                self.payments.of(*payment).refunded += price;
            }
            Event::Posted(_) | Event::KeyUsed { .. } => self.points.take(event),
            Event::PolicySet(policy) => self.policy = Some(*policy),
            Event::PauseSet(paused) => self.paused = Some(*paused),
        }
        Ok(())
    }

    fn ticket(
        &mut self,
        payment: PaymentId,
        line: i32,
        user: &'a UserId,
        hold: HoldId,
        reservation: ReservationId,
    ) -> Result<(), String> {
        let row = self.holds.of(hold);
        let taken = row.taken.map(|taken| taken.seat);
        row.ended = Some("CONFIRMED");
        let seat = taken.or_else(|| self.sale.hold(hold).map(|hold| hold.seat));
        let seats = self.sale.seats();
        let place = seat.and_then(|seat| seats.place_of(seat));
        let seat = seats.seat(place.ok_or_else(|| format!("hold {hold} is of no seat"))?);
        let made = Made { user, seat: seat.id, payment, line, price: seat.price };
        self.reservations.of(reservation).made = Some(made);
        Ok(())
    }

    fn sheets(self) -> (Vec<Sheet>, Vec<Sheet>) {
        let mut moves: Vec<_> = MOVES.iter().map(Change::sheet).collect();
        let mut adds: Vec<_> = ADDS.iter().map(Change::sheet).collect();
        let (
            [tokens_moved, holds_ended, cancelled, refunds, wallets],
            [tokens, holds, payments, reservations, entries, keys, unpaid],
        ) = (&mut moves[..], &mut adds[..])
        else {
            return (moves, adds);
        };
        let (at, date) = (self.at, self.sale.id().0);
        for (id, token) in self.tokens.values {
            token.write(id, date, at, tokens, tokens_moved);
        }
        for (id, hold) in self.holds.values {
            let status = hold.ended.unwrap_or("ACTIVE");
            match hold.taken {
                Some(Taken { user, token, seat, until }) => holds.push([
                    id.0.into(),
                    user.as_str().into(),
                    token.0.into(),
                    date.into(),
                    seat.0.into(),
                    at.into(),
                    until.into(),
                    status.into(),
                ]),
                None => holds_ended.push([id.0.into(), status.into()]),
            }
        }
        for (id, payment) in self.payments.values {
            match payment.made {
                Some((user, line, amount)) => payments.push([
                    id.0.into(),
                    user.as_str().into(),
                    date.into(),
                    line.into(),
                    amount.into(),
                    payment.refunded.into(),
                    at.into(),
                ]),
                None => refunds.push([id.0.into(), payment.refunded.into()]),
            }
        }
        for (id, reservation) in self.reservations.values {
            match reservation.made {
                Some(Made { user, seat, payment, line, price }) => reservations.push([
                    id.0.into(),
                    user.as_str().into(),
                    date.into(),
                    seat.0.into(),
                    payment.0.into(),
                    line.into(),
                    price.into(),
                    (if reservation.cancelled { "CANCELLED" } else { "CONFIRMED" }).into(),
                    at.into(),
                ]),
                None => cancelled.push([id.0.into()]),
            }
        }
        for (user, Unpaid { ended, brief_ms, barred }) in self.unpaid {
            unpaid.push([
                date.into(),
                user.as_str().into(),
                i32::try_from(ended).unwrap_or(i32::MAX).into(),
                brief_ms.into(),
                barred.map(|(since, _)| since).into(),
                barred.map(|(_, until)| until).into(),
            ]);
        }
        self.points.write(at, wallets, entries, keys);
        (moves, adds)
    }
}

impl Token<'_> {
    fn write(self, id: TokenId, date: Uuid, at: DateTime<Utc>, new: &mut Sheet, moved: &mut Sheet) {
        let status = match (self.ended, self.admitted_until) {
            (Some(EndReason::Paid), _) => "COMPLETED",
            (Some(EndReason::Left), _) => "LEFT",
            (Some(_), _) => "EXPIRED",
            (None, Some(_)) => "ADMITTED",
            (None, None) => "WAITING",
        };
        let admitted_at: Value = self.admitted_until.map(|_| at).into();
        let session_ends_at: Value = self.admitted_until.into();
        let ended_at: Value = self.ended.map(|_| at).into();
        let reason: Value = self.ended.map(|reason| reason_text(reason).to_owned()).into();
        match self.joined {
            Some(Joined { user, name, seq, lobby }) => new.push([
                id.0.into(),
                date.into(),
                user.as_str().into(),
                name.as_str().into(),
                i64::try_from(seq).unwrap_or(i64::MAX).into(),
                lobby.into(),
                status.into(),
                at.into(),
                admitted_at,
                session_ends_at,
                ended_at,
                reason,
            ]),
            None => {
                moved.push([id.0.into(), status.into(), admitted_at, session_ends_at, ended_at, reason]);
            }
        }
    }
}

/// What a row says of why a place is over.
pub(super) fn reason_text(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Paid => "PAID",
        EndReason::Left => "LEFT",
        EndReason::Silent => "SILENT",
        EndReason::SessionOver => "SESSION_OVER",
        EndReason::HoldLapsed => "HOLD_LAPSED",
        EndReason::SaleClosed => "SALE_CLOSED",
    }
}

/// What the same text means.
pub(super) fn reason_of(text: &str) -> Option<EndReason> {
    use EndReason::{HoldLapsed, Left, Paid, SaleClosed, SessionOver, Silent};
    [Paid, Left, Silent, SessionOver, HoldLapsed, SaleClosed]
        .into_iter()
        .find(|reason| reason_text(*reason) == text)
}
