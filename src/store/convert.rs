//! Rows to values and back.

use chrono::{DateTime, Utc};
use entity::{
    concert, hold, idempotency_key, payment, point_history, reservation, seat, series, token, unpaid, wallet,
};
use sea_orm::{DbErr, IntoActiveModel};

use crate::domain::{
    catalog::{Concert, Schedule, Series},
    date::Unpaid,
    id::{ConcertId, EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    lobby::DrawSecret,
    policy::QueuePolicy,
    sale::{
        Entry, EntryKind, Hold, HoldStatus, KeyOf, Pass, Payment, Recorded, Reservation, ReservationStatus,
        SaleSeries, Seat, SeatState, Token, TokenStatus, Wallet,
    },
    text::Title,
};

/// The enum that says the same on the other side: one of the domain, or one of a table.
pub(super) trait Counterpart<T> {
    fn counterpart(self) -> T;
}

macro_rules! same {
    ($row:ty = $value:ty { $($variant:ident),* $(,)? }) => {
        impl Counterpart<$value> for $row {
            fn counterpart(self) -> $value {
                match self { $(Self::$variant => <$value>::$variant,)* }
            }
        }

        impl Counterpart<$row> for $value {
            fn counterpart(self) -> $row {
                match self { $(Self::$variant => <$row>::$variant,)* }
            }
        }
    };
}

same!(hold::Status = HoldStatus { Active, Confirmed, Expired, Released });
same!(reservation::Status = ReservationStatus { Confirmed, Cancelled });
same!(token::Status = TokenStatus { Waiting, Admitted, Completed, Expired, Left });
same!(point_history::Kind = EntryKind { Charge, Use, Refund });

/// Counts are checked against an Int when they are set, so they fit both ways.
pub(super) fn count(n: i32) -> u32 {
    u32::try_from(n).unwrap_or_default()
}

pub(super) fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

pub(super) fn policy(row: &series::Model) -> QueuePolicy {
    QueuePolicy {
        max_active: row.max_active.map(count),
        admit_per_interval: row.admit_per_interval.map(count),
        interval_seconds: count(row.interval_seconds),
        heartbeat_timeout_seconds: count(row.heartbeat_timeout_seconds),
        session_seconds: count(row.session_seconds),
        max_seats_per_user: count(row.max_seats_per_user),
    }
}

pub(super) fn sale_series(row: &series::Model) -> SaleSeries {
    SaleSeries {
        id: SeriesId(row.id),
        start_at: row.start_at,
        opens_at: row.reserve_start_at,
        closes_at: row.reserve_end_at,
        paused: row.paused,
        seat_count: row.seat_count,
        reserved_count: row.reserved_count,
        version: row.version,
        policy: policy(row),
    }
}

pub(super) fn token(row: token::Model) -> Token {
    Token {
        id: TokenId(row.id),
        user: UserId::from_stored(&row.user_id),
        name: row.name,
        series: SeriesId(row.series_id),
        status: row.status.counterpart(),
        created_at: row.created_at,
        ended_at: row.ended_at,
    }
}

pub(super) fn concert(row: concert::Model) -> Concert {
    Concert {
        id: ConcertId(row.id),
        title: Title::from_stored(&row.title),
        organizer: UserId::from_stored(&row.organizer_id),
        created_at: row.created_at,
    }
}

pub(super) fn series(row: &series::Model) -> Result<Series, DbErr> {
    let secret = DrawSecret::try_from_hex(&row.draw_secret);
    Ok(Series {
        id: SeriesId(row.id),
        concert: ConcertId(row.concert_id),
        schedule: Schedule {
            start_at: row.start_at,
            end_at: row.end_at,
            reserve_start_at: row.reserve_start_at,
            reserve_end_at: row.reserve_end_at,
        },
        paused: row.paused,
        seat_count: row.seat_count,
        reserved_count: row.reserved_count,
        version: row.version,
        settings: row.settings,
        policy: policy(row),
        draw_secret: secret.map_err(|fault| DbErr::Type(format!("series {}: {fault}", row.id)))?,
        drawn_at: row.drawn_at,
        created_at: row.created_at,
    })
}

pub(super) fn pass(row: &token::Model) -> Pass {
    Pass {
        id: TokenId(row.id),
        user: UserId::from_stored(&row.user_id),
        series: SeriesId(row.series_id),
        status: row.status.counterpart(),
        admitted_until: row.session_ends_at,
    }
}

pub(super) fn unpaid(row: unpaid::Model) -> ((SeriesId, UserId), Unpaid) {
    let unpaid = Unpaid {
        ended: count(row.ended),
        brief_ms: row.brief_ms,
        barred: row.barred_since.zip(row.barred_until),
    };
    ((SeriesId(row.series_id), UserId::from_stored(&row.user_id)), unpaid)
}

pub(super) fn unpaid_row((series, user): &(SeriesId, UserId), unpaid: &Unpaid) -> unpaid::ActiveModel {
    unpaid::Model {
        series_id: series.0,
        user_id: user.to_string(),
        ended: int(unpaid.ended),
        brief_ms: unpaid.brief_ms,
        barred_since: unpaid.barred.map(|(since, _)| since),
        barred_until: unpaid.barred.map(|(_, until)| until),
    }
    .into_active_model()
}

pub(super) fn seat(row: seat::Model) -> Seat {
    let state = match (row.hold_id, row.held_until, row.reservation_id) {
        (_, _, Some(reservation)) => SeatState::Reserved(ReservationId(reservation)),
        (Some(hold), Some(until), None) => SeatState::Held { hold: HoldId(hold), until },
        _ => SeatState::Free,
    };
    Seat {
        id: SeatId(row.id),
        series: SeriesId(row.series_id),
        number: row.number,
        section: row.section,
        row: row.row,
        col: row.col,
        price: row.price,
        state,
    }
}

pub(super) fn seat_row(seat: &Seat) -> seat::ActiveModel {
    let (hold_id, held_until, reservation_id) = match seat.state {
        SeatState::Free => (None, None, None),
        SeatState::Held { hold, until } => (Some(hold.0), Some(until), None),
        SeatState::Reserved(reservation) => (None, None, Some(reservation.0)),
    };
    let Seat { id, series, number, section, row, col, price, state: _ } = seat.clone();
    let (id, series_id) = (id.0, series.0);
    seat::Model { id, series_id, number, section, row, col, price, hold_id, held_until, reservation_id }
        .into_active_model()
}

pub(super) fn hold(row: hold::Model) -> Hold {
    Hold {
        id: HoldId(row.id),
        user: UserId::from_stored(&row.user_id),
        token: TokenId(row.token_id),
        series: SeriesId(row.series_id),
        seat: SeatId(row.seat_id),
        created_at: row.created_at,
        expires_at: row.expires_at,
        status: row.status.counterpart(),
    }
}

pub(super) fn hold_row(hold: &Hold) -> hold::ActiveModel {
    hold::Model {
        id: hold.id.0,
        user_id: hold.user.to_string(),
        token_id: hold.token.0,
        series_id: hold.series.0,
        seat_id: hold.seat.0,
        created_at: hold.created_at,
        expires_at: hold.expires_at,
        status: hold.status.counterpart(),
    }
    .into_active_model()
}

pub(super) fn reservation(row: reservation::Model) -> Reservation {
    Reservation {
        id: ReservationId(row.id),
        user: UserId::from_stored(&row.user_id),
        series: SeriesId(row.series_id),
        seat: SeatId(row.seat_id),
        payment: PaymentId(row.payment_id),
        line: row.line,
        price: row.price,
        status: row.status.counterpart(),
        created_at: row.created_at,
    }
}

pub(super) fn reservation_row(reservation: &Reservation) -> reservation::ActiveModel {
    reservation::Model {
        id: reservation.id.0,
        user_id: reservation.user.to_string(),
        series_id: reservation.series.0,
        seat_id: reservation.seat.0,
        payment_id: reservation.payment.0,
        line: reservation.line,
        price: reservation.price,
        status: reservation.status.counterpart(),
        created_at: reservation.created_at,
    }
    .into_active_model()
}

pub(super) fn payment(row: payment::Model) -> Payment {
    Payment {
        id: PaymentId(row.id),
        user: UserId::from_stored(&row.user_id),
        series: SeriesId(row.series_id),
        line: row.line,
        amount: row.amount,
        refunded: row.refunded,
        created_at: row.created_at,
    }
}

pub(super) fn payment_row(payment: &Payment) -> payment::ActiveModel {
    payment::Model {
        id: payment.id.0,
        user_id: payment.user.to_string(),
        series_id: payment.series.0,
        line: payment.line,
        amount: payment.amount,
        refunded: payment.refunded,
        created_at: payment.created_at,
    }
    .into_active_model()
}

pub(super) fn wallet(row: wallet::Model) -> Wallet {
    Wallet { user: UserId::from_stored(&row.user_id), balance: row.balance, lines: row.lines }
}

pub(super) fn wallet_row(wallet: &Wallet) -> wallet::ActiveModel {
    wallet::Model { user_id: wallet.user.to_string(), balance: wallet.balance, lines: wallet.lines }
        .into_active_model()
}

pub(super) fn entry(row: point_history::Model) -> Entry {
    Entry {
        id: EntryId(row.id),
        user: UserId::from_stored(&row.user_id),
        actor: row.actor_id.as_deref().map(UserId::from_stored),
        line: row.line,
        kind: row.kind.counterpart(),
        amount: row.amount,
        balance_after: row.balance_after,
        payment: row.payment_id.map(PaymentId),
        created_at: row.created_at,
    }
}

pub(super) fn entry_row(entry: &Entry) -> point_history::ActiveModel {
    point_history::Model {
        id: entry.id.0,
        user_id: entry.user.to_string(),
        actor_id: entry.actor.as_ref().map(ToString::to_string),
        line: entry.line,
        kind: entry.kind.counterpart(),
        amount: entry.amount,
        balance_after: entry.balance_after,
        payment_id: entry.payment.map(|payment| payment.0),
        created_at: entry.created_at,
    }
    .into_active_model()
}

pub(super) fn key_row(
    (user, key): &KeyOf,
    recorded: &Recorded,
    now: DateTime<Utc>,
) -> idempotency_key::ActiveModel {
    idempotency_key::Model {
        user_id: user.to_string(),
        key: key.to_string(),
        fingerprint: recorded.fingerprint.clone(),
        result_id: recorded.result,
        created_at: now,
    }
    .into_active_model()
}
