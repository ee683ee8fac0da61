//! A date from its rows, all of them as one commit left them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{
    domain::{
        date::{Opened, OpenedPlace, OpenedState, Sale, Settings, Unpaid},
        id::{HoldId, ReservationId, SeatId, SeriesId, TokenId, UserId},
        lobby::{DrawSecret, Drawn},
        policy::QueuePolicy,
        sale::{Hold, HoldStatus, Seat, SeatState},
    },
    store::journal::{Fault, Version},
    store::{
        Database,
        convert::count,
        journal::fault,
        rows::{left_out, sound},
    },
};

/// Seats, and joins, that are read at once: a row as it comes from the database takes several times the room of what is
/// made of it.
const SEATS: i32 = 2_000;
const JOINS: i64 = 10_000;

const DATE: &str = "SELECT s.start_at, s.reserve_start_at, s.reserve_end_at, s.paused, s.seat_count, \
     s.draw_secret, s.max_active, s.admit_per_interval, s.interval_seconds, s.heartbeat_timeout_seconds, \
     s.session_seconds, s.max_seats_per_user, h.version, h.head, h.last_at, h.next_seq, h.seats_version, \
     h.drawn_at, h.closed_at, h.lobby_hash FROM series s JOIN sale_head h ON h.series_id = s.id \
     WHERE s.id = $1 AND s.stage = 'READY'";
const SEATS_FROM: &str = "SELECT id, number, section, row, col, price FROM seat \
     WHERE series_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number";
/// By the seats, as there is no index of them by date: each of the two has one of seats that are somebody's.
const HOLDS: &str = "SELECT h.id, h.user_id, h.token_id, h.seat_id, h.created_at, h.expires_at FROM seat s \
     JOIN hold h ON h.seat_id = s.id AND h.status = 'ACTIVE' WHERE s.series_id = $1 \
     AND s.number BETWEEN $2 AND $3";
const RESERVATIONS: &str = "SELECT r.id, r.user_id, r.seat_id FROM seat s \
     JOIN reservation r ON r.seat_id = s.id AND r.status = 'CONFIRMED' WHERE s.series_id = $1 \
     AND s.number BETWEEN $2 AND $3";
/// Who waits; with `$4` also who was in the lobby and is not any more: a line a place in one text, because a million rows
/// cost several times what a hundred texts cost. No id of a user has a line break in it. By the numbers of the joins,
/// which is the order of the table: by any other index each row would be a page of its own.
const WAITING: &str = "SELECT {lines} FROM token \
     WHERE series_id = $1 AND seq >= $2 AND seq < $3 AND (status = 'WAITING' OR ($4 AND lobby))";
const LINES_ON_POSTGRES: &str = "string_agg(id || ' ' || seq || ' ' || lobby::integer || ' ' || \
     (status = 'WAITING')::integer || ' ' || user_id, chr(10))";
const LINES_ON_SQLITE: &str = "group_concat(hex(id) || ' ' || seq || ' ' || lobby || ' ' || \
     (status = 'WAITING') || ' ' || user_id, char(10))";
/// That there is a time of admission is implied, but it names the index of the admitted.
const ADMITTED: &str = "SELECT id, user_id, seq, lobby, session_ends_at FROM token \
     WHERE series_id = $1 AND status = 'ADMITTED' AND admitted_at IS NOT NULL";
const ADMISSIONS: &str = "SELECT admitted_at, count(*) FROM token WHERE series_id = $1 AND admitted_at > $2 \
     GROUP BY admitted_at";
const UNPAID: &str =
    "SELECT user_id, ended, brief_ms, barred_since, barred_until FROM unpaid WHERE series_id = $1";

pub(super) async fn open(database: &Database, date: SeriesId) -> Result<(Sale, Version), Fault> {
    let tx = database.snapshot().await.map_err(fault)?;
    let rows = Rows { tx: &tx, date };
    let head = rows.head().await?;
    let (seats, holds, reserved) = rows.house(head.seat_count).await?;
    let (last, next_seq) = (head.opened.last, head.opened.next_seq);
    let (hears_lobby, is_closed) = (head.hears_lobby, head.opened.closed);
    let mut sale = Sale::open(head.opened, seats);
    if !is_closed || hears_lobby {
        rows.waiting(&mut sale, next_seq, hears_lobby, is_closed).await?;
    }
    let admitted = rows.sound("token", ADMITTED, [], admitted).await?;
    sale.put_places(admitted.into_iter());
    sale.put_holds(holds);
    sale.put_reserved(reserved);
    sale.put_unpaid(rows.sound("unpaid", UNPAID, [], unpaid).await?);
    let since = last - TimeDelta::seconds(QueuePolicy::MAX_INTERVAL_SECONDS.into());
    let admissions = rows.sound("token", ADMISSIONS, [since.into()], admissions).await?;
    sale.put_admissions(admissions.into_iter().flat_map(|(at, count)| std::iter::repeat_n(at, count)));
    tx.commit().await.map_err(fault)?;
    Ok((sale.opened(), head.version))
}

struct Head {
    opened: Opened,
    version: Version,
    seat_count: i32,
    /// Whether who joined the lobby has to be read, also those who have left.
    hears_lobby: bool,
}

type Seating = (Vec<Seat>, Vec<Hold>, HashMap<UserId, u32>);

struct Rows<'a> {
    tx: &'a DatabaseTransaction,
    date: SeriesId,
}

impl Rows<'_> {
    async fn all(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, Fault> {
        let values = std::iter::once(self.date.0.into()).chain(values);
        let statement = Statement::from_sql_and_values(self.tx.get_database_backend(), sql, values);
        self.tx.query_all_raw(statement).await.map_err(fault)
    }

    /// Rows that can be read; another one is told of, and does not take the date with it (rule 24).
    async fn sound<T>(
        &self,
        table: &str,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
        read: impl Fn(&QueryResult) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, Fault> {
        let rows = self.all(sql, values).await?;
        let read = |row: &QueryResult| match sound(row).map_err(DbErr::Type).and_then(|()| read(row)) {
            Ok(value) => Some(value),
            Err(error) => {
                left_out(table, row.try_get_by_index(0).ok(), &error);
                None
            }
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn head(&self) -> Result<Head, Fault> {
        let rows = self.all(DATE, []).await?;
        let row = rows.first().ok_or(Fault::Unknown)?;
        let head = sound(row).map_err(DbErr::Type).and_then(|()| head(row, self.date));
        head.map_err(|error| Fault::Broken(format!("the date {} cannot be read: {error}", self.date)))
    }

    async fn house(&self, seat_count: i32) -> Result<Seating, Fault> {
        let mut seats = Vec::with_capacity(usize::try_from(seat_count).unwrap_or_default());
        let (mut holds, mut reserved) = (Vec::new(), HashMap::new());
        // Numbers begin at 1 and have no gaps.
        for first in (1..=seat_count).step_by(SEATS.unsigned_abs() as usize) {
            let range: [Value; 2] = [first.into(), first.saturating_add(SEATS - 1).into()];
            let mut part = self.sound("seat", SEATS_FROM, range.clone(), |row| seat(row, self.date)).await?;
            let at: HashMap<_, _> = part.iter().enumerate().map(|(at, seat)| (seat.id, at)).collect();
            let mut set = |seat: SeatId, state| {
                if let Some(seat) = at.get(&seat).and_then(|at| part.get_mut(*at)) {
                    seat.state = state;
                }
            };
            for row in self.all(HOLDS, range.clone()).await? {
                match sound(&row).map_err(DbErr::Type).and_then(|()| hold(&row, self.date)) {
                    Ok(hold) => {
                        set(hold.seat, SeatState::Held { hold: hold.id, until: hold.expires_at });
                        holds.push(hold);
                    }
                    Err(error) => {
                        let (id, seat) = (row.try_get_by_index(0).ok(), row.try_get_by_index(3).ok());
                        left_out("hold", id, &error);
                        // Nobody can know whose the seat is and until when, and the database lets nobody else have it.
                        if let (Some(id), Some(seat)) = (id, seat) {
                            let until = DateTime::<Utc>::MAX_UTC;
                            set(SeatId(seat), SeatState::Held { hold: HoldId(id), until });
                        }
                    }
                }
            }
            for (id, user, seat) in self.sound("reservation", RESERVATIONS, range, reservation).await? {
                set(seat, SeatState::Reserved(id));
                *reserved.entry(user).or_default() += 1;
            }
            seats.append(&mut part);
        }
        holds.sort_by_key(|hold| (hold.created_at, hold.id));
        Ok((seats, holds, reserved))
    }

    async fn waiting(
        &self,
        sale: &mut Sale,
        next_seq: u64,
        hears_lobby: bool,
        is_closed: bool,
    ) -> Result<(), Fault> {
        let is_postgres = self.tx.get_database_backend() == DbBackend::Postgres;
        let lines = if is_postgres { LINES_ON_POSTGRES } else { LINES_ON_SQLITE };
        let sql = WAITING.replace("{lines}", lines);
        let next_seq = i64::try_from(next_seq).unwrap_or(i64::MAX);
        for first in (0..next_seq).step_by(JOINS as usize) {
            let range: [Value; 3] = [first.into(), first.saturating_add(JOINS).into(), hears_lobby.into()];
            let texts = self.sound("token", &sql, range, |row| row.try_get_by_index(0)).await?;
            let text: Option<String> = texts.into_iter().next().flatten();
            let mut part: Vec<_> =
                text.as_deref().into_iter().flat_map(str::lines).filter_map(sound_line).collect();
            // Two have the same number where one came back after the database had lost it: every process has to hash them
            // in the same order.
            part.sort_by_key(|(place, _)| (place.seq, place.token));
            if hears_lobby {
                let lobby = part.iter().filter(|(place, _)| place.lobby);
                sale.put_lobby(lobby.map(|(place, _)| place.token));
            }
            if !is_closed {
                let waits = part.into_iter().filter(|(_, waits)| *waits).map(|(place, _)| place);
                sale.put_places(waits.collect::<Vec<_>>().into_iter());
            }
        }
        Ok(())
    }
}

fn head(row: &QueryResult, id: SeriesId) -> Result<Head, DbErr> {
    let policy = QueuePolicy {
        max_active: row.try_get_by_index::<Option<i32>>(6)?.map(count),
        admit_per_interval: row.try_get_by_index::<Option<i32>>(7)?.map(count),
        interval_seconds: count(row.try_get_by_index(8)?),
        heartbeat_timeout_seconds: count(row.try_get_by_index(9)?),
        session_seconds: count(row.try_get_by_index(10)?),
        max_seats_per_user: count(row.try_get_by_index(11)?),
    };
    let settings = Settings {
        start_at: row.try_get_by_index(0)?,
        opens_at: row.try_get_by_index(1)?,
        closes_at: row.try_get_by_index(2)?,
        paused: row.try_get_by_index(3)?,
        policy,
    };
    let secret = DrawSecret::try_from_hex(&row.try_get_by_index::<String>(5)?);
    let secret = secret.map_err(|why| DbErr::Type(format!("its secret: {why}")))?;
    let number: i64 = row.try_get_by_index(15)?;
    let drawn: Option<String> = row.try_get_by_index(19)?;
    let drawn =
        drawn.map(|text| Drawn::from_stored(&text).ok_or_else(|| DbErr::Type("its lobby's hash".into())));
    let drawn = drawn.transpose()?;
    let closed_at: Option<DateTime<Utc>> = row.try_get_by_index(18)?;
    let opened = Opened {
        id,
        settings,
        secret,
        last: row.try_get_by_index(14)?,
        drawn,
        closed: closed_at.is_some(),
        next_seq: u64::try_from(number).unwrap_or_default(),
        seats_version: row.try_get_by_index(16)?,
    };
    // A drawn date has its order without those who have left.
    let hears_lobby = opened.drawn.is_none();
    let version = Version { number: row.try_get_by_index(12)?, head: row.try_get_by_index(13)? };
    Ok(Head { opened, version, seat_count: row.try_get_by_index(4)?, hears_lobby })
}

fn seat(row: &QueryResult, series: SeriesId) -> Result<Seat, DbErr> {
    Ok(Seat {
        id: SeatId(row.try_get_by_index(0)?),
        series,
        number: row.try_get_by_index(1)?,
        section: row.try_get_by_index(2)?,
        row: row.try_get_by_index(3)?,
        col: row.try_get_by_index(4)?,
        price: row.try_get_by_index(5)?,
        state: SeatState::Free,
    })
}

fn user(row: &QueryResult, at: usize) -> Result<UserId, DbErr> {
    Ok(UserId::from_stored(&row.try_get_by_index::<String>(at)?))
}

fn hold(row: &QueryResult, series: SeriesId) -> Result<Hold, DbErr> {
    Ok(Hold {
        id: HoldId(row.try_get_by_index(0)?),
        user: user(row, 1)?,
        token: TokenId(row.try_get_by_index(2)?),
        series,
        seat: SeatId(row.try_get_by_index(3)?),
        created_at: row.try_get_by_index(4)?,
        expires_at: row.try_get_by_index(5)?,
        status: HoldStatus::Active,
    })
}

fn reservation(row: &QueryResult) -> Result<(ReservationId, UserId, SeatId), DbErr> {
    Ok((ReservationId(row.try_get_by_index(0)?), user(row, 1)?, SeatId(row.try_get_by_index(2)?)))
}

fn sound_line(line: &str) -> Option<(OpenedPlace, bool)> {
    let read = waiting(line);
    if read.is_none() {
        left_out("token", None, &DbErr::Type(format!("{line:?} is no place")));
    }
    read
}

/// A place that waits, or that was in the lobby; and whether it waits.
fn waiting(line: &str) -> Option<(OpenedPlace, bool)> {
    let mut parts = line.splitn(5, ' ');
    let token = TokenId(Uuid::parse_str(parts.next()?).ok()?);
    let seq = parts.next()?.parse().ok()?;
    let (lobby, waits) = (parts.next()? == "1", parts.next()? == "1");
    let user = UserId::from_stored(parts.next()?);
    Some((OpenedPlace { token, user, seq, lobby, state: OpenedState::Waiting }, waits))
}

fn admitted(row: &QueryResult) -> Result<OpenedPlace, DbErr> {
    let seq: i64 = row.try_get_by_index(2)?;
    Ok(OpenedPlace {
        token: TokenId(row.try_get_by_index(0)?),
        user: user(row, 1)?,
        seq: u64::try_from(seq).unwrap_or_default(),
        lobby: row.try_get_by_index(3)?,
        state: OpenedState::Admitted(row.try_get_by_index(4)?),
    })
}

fn unpaid(row: &QueryResult) -> Result<(UserId, Unpaid), DbErr> {
    let since: Option<DateTime<Utc>> = row.try_get_by_index(3)?;
    let barred = since.zip(row.try_get_by_index(4)?);
    let (ended, brief_ms) = (count(row.try_get_by_index(1)?), row.try_get_by_index(2)?);
    Ok((user(row, 0)?, Unpaid { ended, brief_ms, barred }))
}

fn admissions(row: &QueryResult) -> Result<(DateTime<Utc>, usize), DbErr> {
    let count: i64 = row.try_get_by_index(1)?;
    Ok((row.try_get_by_index(0)?, usize::try_from(count).unwrap_or_default()))
}
