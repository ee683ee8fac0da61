//! What goes to the scripts of a waiting room and what comes back.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Looked, Report, RoomError, Taken, Told, Turn};
use crate::domain::{
    id::{SeriesId, TokenId, UserId},
    identity::JoinOrder,
    lobby::DrawSecret,
    room::{Command, Counts, Decision, Event, Outcome, Restored, RestoredState, View, Waits},
};

pub(super) fn command(command: &Command, name: &str, secret: &DrawSecret) -> Value {
    let key = |token: &TokenId| hex::encode(secret.rank_key(*token));
    match command {
        Command::Join { token, user } => {
            json!({ "token": token.to_string(), "user": user.as_str(), "name": name, "key": key(token) })
        }
        Command::ComeBack { token, user, order } => json!({
            "token": token.to_string(), "user": user.as_str(), "name": name, "key": key(token),
            "seq": order.seq, "lobby": order.lobby,
        }),
        Command::Leave { token } => json!({ "token": token.to_string() }),
    }
}

pub(super) fn report(report: &Report) -> Value {
    match report {
        Report::Ended(token) => json!({ "t": token.to_string() }),
        Report::Pinned { token, until, heard } => {
            let until = until.map_or(0, |until| until.timestamp_millis());
            // An absent `h` is how the script reads "no".
            if *heard {
                json!({ "t": token.to_string(), "p": until, "h": true })
            } else {
                json!({ "t": token.to_string(), "p": until })
            }
        }
    }
}

pub(super) fn settings(told: &Told) -> Value {
    let Told { settings, version, policy, sale } = told;
    json!({
        "settings": settings, "version": version,
        "max_active": policy.max_active, "admit_per_interval": policy.admit_per_interval,
        "interval": policy.interval().num_milliseconds(),
        "timeout": policy.heartbeat_timeout().num_milliseconds(),
        "session": policy.session().num_milliseconds(),
        "paused": u8::from(sale.paused), "sold_out": u8::from(sale.sold_out),
    })
}

/// A row of the journal for the rebuilding of a room.
pub(super) fn row(row: &Restored, secret: &DrawSecret) -> Value {
    let (ends, pinned) = match row.state {
        RestoredState::Waiting => (0, 0),
        RestoredState::Admitted { session_ends_at, pinned_until, .. } => {
            (session_ends_at.timestamp_millis(), pinned_until.map_or(0, |until| until.timestamp_millis()))
        }
    };
    let key = if row.lobby { hex::encode(secret.rank_key(row.token)) } else { String::new() };
    json!({
        "t": row.token.to_string(), "u": row.user.as_str(), "s": row.seq, "l": row.lobby, "k": key,
        "e": ends, "p": pinned,
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Busy { busy: i64 },
    Taken(Found),
}

#[derive(Deserialize)]
struct Found {
    now: i64,
    told: i64,
    epoch: i64,
    number: i64,
    id: Uuid,
    at: i64,
    ends: i64,
    again: bool,
    outcomes: Vec<String>,
    events: Vec<Happened>,
    over: Vec<String>,
    wake: i64,
}

#[derive(Deserialize)]
#[serde(tag = "e", rename_all = "snake_case")]
enum Happened {
    Joined { t: String, u: String, n: String, s: u64, l: bool },
    Drawn,
    Admitted { t: String },
    Expired { t: String },
    Left { t: String },
}

fn garbled(what: impl std::fmt::Display) -> RoomError {
    RoomError::Garbled(what.to_string())
}

pub(super) fn token(text: &str) -> Result<TokenId, RoomError> {
    text.parse().map_err(|_| garbled(format_args!("\"{text}\" is no token")))
}

fn time(millis: i64) -> Result<DateTime<Utc>, RoomError> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| garbled(format_args!("{millis} is no time")))
}

/// 0 or less: never.
pub(super) fn wake(millis: i64) -> Option<DateTime<Utc>> {
    (millis > 0).then(|| DateTime::from_timestamp_millis(millis)).flatten()
}

pub(super) fn turn(text: &str) -> Result<Turn, RoomError> {
    let told = match serde_json::from_str(text).map_err(garbled)? {
        Answer::Busy { busy } => return Ok(Turn::Busy(busy)),
        Answer::Taken(told) => told,
    };
    let (at, session_ends_at) = (time(told.at)?, time(told.ends)?);
    let mut names = HashMap::new();
    let mut events = Vec::with_capacity(told.events.len());
    for happened in told.events {
        events.push(match happened {
            Happened::Joined { t, u, n, s, l } => {
                let token = token(&t)?;
                names.insert(token, n);
                Event::Joined { token, user: UserId::from_stored(&u), seq: s, lobby: l, at }
            }
            Happened::Drawn => Event::Drawn { at },
            Happened::Admitted { t } => Event::Admitted { token: token(&t)?, at, session_ends_at },
            Happened::Expired { t } => Event::Expired { token: token(&t)?, at },
            Happened::Left { t } => Event::Left { token: token(&t)?, at },
        });
    }
    let outcomes = told.outcomes.iter().map(|text| outcome(text)).collect::<Result<_, _>>()?;
    let sessions_over = told.over.iter().map(|text| token(text)).collect::<Result<_, _>>()?;
    Ok(Turn::Ours(Box::new(Taken {
        epoch: told.epoch,
        number: told.number,
        id: told.id,
        decision: Decision { outcomes, events, sessions_over },
        names,
        again: told.again,
        now: time(told.now)?,
        told: told.told,
        wake: wake(told.wake),
    })))
}

fn outcome(text: &str) -> Result<Outcome, RoomError> {
    Ok(match text.split_once(':') {
        Some(("joined", id)) => Outcome::Joined { token: token(id)? },
        Some(("already", id)) => Outcome::Already { token: token(id)? },
        _ => match text {
            "left" => Outcome::Left,
            "admitted" => Outcome::Admitted,
            "unknown" => Outcome::Unknown,
            "closed" => Outcome::Closed,
            "sold_out" => Outcome::SoldOut,
            _ => return Err(garbled(format_args!("\"{text}\" is no outcome"))),
        },
    })
}

/// See `scripts/look.lua`.
pub(super) fn looked(answer: &[Vec<i64>]) -> Result<Looked, RoomError> {
    let Some(([_, timeout, closes_at, waiting, admitted, _, _, drawn], places)) =
        answer.split_first().and_then(|(head, places)| Some((<[i64; 8]>::try_from(&head[..]).ok()?, places)))
    else {
        return Err(garbled("an answer without its head"));
    };
    let counts = Counts { waiting: count(waiting)?, admitted: count(admitted)? };
    let see = |place: &Vec<i64>| {
        let order = |seq: i64, lobby| JoinOrder { seq: seq.unsigned_abs(), lobby: lobby == 1 };
        Ok(match place[..] {
            [0] => None,
            [1, seq, lobby, heard, ahead] => {
                let position = (drawn == 1).then(|| count(ahead + 1)).transpose()?;
                let (heard_at, silent) = (time(heard)?, time((heard + timeout).min(closes_at))?);
                Some(View::waiting(Waits {
                    position,
                    order: order(seq, lobby),
                    heard_at,
                    silent,
                    counts,
                    // Not kept there: nothing rather than something wrong.
                    estimate: None,
                }))
            }
            [2, seq, lobby, heard, ends, pinned] => {
                let over = (heard + timeout).min(ends).max(pinned);
                let (heard, over, until) = (time(heard)?, time(over)?, time(ends)?);
                Some(View::admitted(order(seq, lobby), heard, over, until, counts))
            }
            _ => return Err(garbled(format_args!("{place:?} is no place"))),
        })
    };
    Ok(Looked { counts, views: places.iter().map(see).collect::<Result<_, _>>()? })
}

fn count(n: i64) -> Result<u32, RoomError> {
    u32::try_from(n).map_err(|_| garbled(format_args!("{n} is no count")))
}

/// What every process hears after a change of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomNews {
    /// Whose.
    pub series: SeriesId,
    /// Grows by one with each of the room.
    pub number: i64,
    /// Whether it concerns everybody: the draw, a pause, the last seat.
    pub everybody: bool,
    /// Places whose own status has changed.
    pub tokens: Vec<TokenId>,
}

impl RoomNews {
    /// Reads a message; `None` if it is none of ours.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message {
            series: String,
            number: i64,
            everybody: bool,
            tokens: Vec<String>,
        }
        let message: Message = serde_json::from_slice(payload).ok()?;
        Some(Self {
            series: message.series.parse().ok()?,
            number: message.number,
            everybody: message.everybody,
            tokens: message.tokens.iter().map(|text| text.parse()).collect::<Result<_, _>>().ok()?,
        })
    }
}
