//! Rows to values and back.

use chrono::{DateTime, Utc};
use entity::{concert, hold, payment, point_history, reservation, sale_head, series, token, wallet};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::domain::{
    catalog::{Concert, Schedule, Series},
    date::{EndReason, LobbyHash},
    id::{ConcertId, EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
    lobby::DrawSecret,
    policy::QueuePolicy,
    sale::{
        Entry, EntryKind, Hold, HoldStatus, Payment, Reservation, ReservationStatus, Seat, SeatState, Token,
        TokenStatus, Wallet,
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
same!(token::EndReason = EndReason { Paid, Left, Silent, SessionOver, HoldLapsed, SaleClosed });
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

/// `closed_at` is when the date was closed, if it was: who waited until then is not written down one by one.
pub(super) fn token(row: token::Model, closed_at: Option<DateTime<Utc>>) -> Token {
    let end_reason = end_reason(&row);
    let token = Token {
        id: TokenId(row.id),
        user: UserId::from_stored(&row.user_id),
        name: row.name,
        series: SeriesId(row.series_id),
        status: row.status.counterpart(),
        created_at: row.created_at,
        ended_at: row.ended_at,
        end_reason,
    };
    match (token.status, closed_at) {
        (TokenStatus::Waiting, Some(closed_at)) => Token {
            status: TokenStatus::Expired,
            ended_at: Some(closed_at),
            end_reason: Some(EndReason::SaleClosed),
            ..token
        },
        _ => token,
    }
}

/// Why a place is over; what former versions have not written down is told from the rest of the row where it can be.
fn end_reason(row: &token::Model) -> Option<EndReason> {
    let told = match row.status {
        token::Status::Completed => Some(EndReason::Paid),
        token::Status::Left => Some(EndReason::Left),
        token::Status::Waiting | token::Status::Admitted | token::Status::Expired => None,
    };
    row.end_reason.map(Counterpart::counterpart).or(told)
}

pub(super) fn concert(row: concert::Model) -> Concert {
    Concert {
        id: ConcertId(row.id),
        title: Title::from_stored(&row.title),
        organizer: UserId::from_stored(&row.organizer_id),
        created_at: row.created_at,
    }
}

/// A date: what its organiser wants, and how far it has come.
pub(super) fn series(row: &series::Model, head: Option<&sale_head::Model>) -> Result<Series, DbErr> {
    let broken = |what: &dyn std::fmt::Display| DbErr::Type(format!("series {}: {what}", row.id));
    let head = head.ok_or_else(|| broken(&"it has no head that can be read"))?;
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
        reserved_count: head.reserved_count,
        version: head.seats_version,
        policy: policy(row),
        draw_secret: DrawSecret::try_from_hex(&row.draw_secret).map_err(|fault| broken(&fault))?,
        drawn_at: head.drawn_at,
        lobby_hash: lobby_hash(head).map_err(|fault| broken(&fault))?,
        created_at: row.created_at,
    })
}

/// `None` before the draw, and of one that is older than the hash.
fn lobby_hash(head: &sale_head::Model) -> Result<Option<LobbyHash>, String> {
    let Some(text) = head.lobby_hash.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|error| format!("the hash of its lobby: {error}"))?;
    Ok(Some(LobbyHash(hash)))
}

/// A seat, and the hold or reservation that has it.
pub(super) type SeatRow =
    (Uuid, Uuid, i32, String, i32, i32, i32, Option<Uuid>, Option<DateTime<Utc>>, Option<Uuid>);

pub(super) fn seat(
    (id, series, number, section, row, col, price, hold, until, reservation): SeatRow,
) -> Seat {
    let state = match (hold.zip(until), reservation) {
        (_, Some(reservation)) => SeatState::Reserved(ReservationId(reservation)),
        (Some((hold, until)), None) => SeatState::Held { hold: HoldId(hold), until },
        (None, None) => SeatState::Free,
    };
    Seat { id: SeatId(id), series: SeriesId(series), number, section, row, col, price, state }
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

pub(super) fn wallet(row: wallet::Model) -> Wallet {
    Wallet { user: UserId::from_stored(&row.user_id), balance: row.balance, lines: row.lines }
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
