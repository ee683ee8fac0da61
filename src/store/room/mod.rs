//! The waiting room that several processes share: it lives in Redis, in which each transition is one script, and its
//! journal is in the database. What Redis loses is rebuilt from that.
//!
//! The cycle is that of [`crate::domain::room`]: *decide* finds what is to be done and changes nothing that anyone can
//! see, the process that asked *journals* it, and *apply* takes it in. While one decision is on its way no other is
//! made, whichever process asks; if its process dies, another one takes it over once its lease is over. So there is no
//! leader, what is seen is always journaled, and the limits hold however many processes there are.
//!
//! To add a transition, see `domain::room`; then teach it to `scripts/decide.lua`, `scripts/apply.lua` and
//! `wire.rs`.

mod fence;
mod progress;
mod rebuild;
mod scripts;
mod wire;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use redis::{FromRedisValue, RedisError, Script, ScriptInvocation};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{
        catalog::{SaleState, Series},
        id::{SeriesId, TokenId},
        lobby::DrawSecret,
        policy::QueuePolicy,
        room::{Command, Counts, Decision, Heard, View},
    },
    store::redis::Redis,
};

pub use fence::Journaled;
pub use progress::Standing;
pub use rebuild::RebuildError;
pub use wire::RoomNews;

/// How long a process may take to journal a decision before another one takes it over, in milliseconds.
const LEASE_MS: i64 = 5_000;

/// No process has looked after the room for so long: all were away, and nobody is held silent for it. In milliseconds;
/// every process looks after each of its rooms at least once a second.
const GRACE_MS: i64 = 3_000;

/// Places of one look or one sign of life: nobody else is served while a script runs.
pub const PLACES: usize = 500;

/// The channel on which every process hears of the changes of all rooms.
pub const CHANNEL: &str = "rooms";

/// Why Redis did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RoomError {
    /// Redis does not have the room: it has to be rebuilt.
    #[error("the waiting room has to be rebuilt")]
    Lost,
    /// Redis cannot be reached, or cannot do it now.
    #[error("the waiting room cannot be reached: {0}")]
    Away(RedisError),
    /// What Redis answered is not what we understand.
    #[error("the waiting room does not make sense: {0}")]
    Garbled(String),
}

impl From<RedisError> for RoomError {
    fn from(error: RedisError) -> Self {
        if error.code() == Some("NOROOM") { Self::Lost } else { Self::Away(error) }
    }
}

/// What came of asking for a decision.
#[derive(Debug)]
pub enum Turn {
    /// Another process is journaling one; it has so many milliseconds left.
    Busy(i64),
    /// To be journaled and applied by whoever asked.
    Ours(Box<Taken>),
}

/// A decision, as far as Redis is concerned.
#[derive(Debug)]
pub struct Taken {
    /// Grows each time that the room is rebuilt.
    pub epoch: i64,
    /// Counts the decisions of the epoch.
    pub number: i64,
    /// Names it among all that ever were.
    pub id: Uuid,
    /// What was decided.
    pub decision: Decision,
    /// The names of those who join.
    pub names: HashMap<TokenId, String>,
    /// Whether it was left over by another process: then it has no outcomes, and the commands were not looked at.
    pub again: bool,
    /// What time it is there.
    pub now: DateTime<Utc>,
    /// The number of the latest [`RoomNews`].
    pub told: i64,
    /// When to decide again at the latest, if nothing was decided now.
    pub wake: Option<DateTime<Utc>>,
}

/// What the sale did to an admitted place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It is over.
    Ended(TokenId),
    /// A hold keeps it open until then, or none does any more.
    Pinned {
        /// The place.
        token: TokenId,
        /// Until when.
        until: Option<DateTime<Utc>>,
        /// Whether it was its owner's doing, and so a sign of life.
        heard: bool,
    },
}

/// What the room is told of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// See [`Series::settings`]: how new the policy and the pause are.
    pub settings: i32,
    /// See [`Series::version`]: how new it is whether every seat is sold.
    pub version: i32,
    /// The organiser's settings.
    pub policy: QueuePolicy,
    /// How the sale stands.
    pub sale: SaleState,
}

impl Told {
    /// What the row of the series says.
    #[must_use]
    pub fn of(series: &Series) -> Self {
        let Series { settings, version, policy, .. } = series;
        Self { settings: *settings, version: *version, policy: *policy, sale: series.state() }
    }
}

/// What is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// How many are in the room.
    pub counts: Counts,
    /// The places in the order in which they were asked for; `None` for one that is over.
    pub views: Vec<Option<View>>,
}

/// One series' waiting room in Redis.
#[derive(Clone, Debug)]
pub struct RedisRoom {
    redis: Redis,
    clock: Clock,
    series: SeriesId,
    secret: DrawSecret,
    keys: [String; 9],
}

impl RedisRoom {
    /// The room of this series; Redis may not have it yet.
    #[must_use]
    pub fn new(redis: Redis, clock: Clock, series: &Series) -> Self {
        // In the order of `scripts/prelude.lua`.
        let names =
            ["room", "line", "places", "users", "silences", "sessions", "due", "admissions", "pending"];
        let keys = names.map(|name| redis.key(series.id, name));
        Self { redis, clock, series: series.id, secret: series.draw_secret.clone(), keys }
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        add: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, RoomError> {
        let mut call = script.prepare_invoke();
        for key in &self.keys {
            call.key(key);
        }
        // By the time of Redis, except in a test.
        call.arg(self.clock.manual_now().map_or(String::new(), |now| now.timestamp_millis().to_string()));
        add(&mut call);
        Ok(call.invoke_async(&mut self.redis.connection()).await?)
    }

    fn channel(&self) -> String {
        self.redis.channel(CHANNEL)
    }

    /// What is to be done now, given these commands with the names of who joins. `id` names the decision, if one is
    /// made.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn decide(&self, commands: &[(Command, String)], id: Uuid) -> Result<Turn, RoomError> {
        let commands: Vec<Value> =
            commands.iter().map(|(command, name)| wire::command(command, name, &self.secret)).collect();
        let answer: String = self
            .run(&scripts::DECIDE, |call| {
                call.arg(LEASE_MS).arg(GRACE_MS).arg(Value::from(commands).to_string()).arg(id.to_string());
            })
            .await?;
        wire::turn(&answer)
    }

    /// Takes a decision in that is journaled, and tells every process. Returns when to decide again.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn apply(&self, taken: &Taken) -> Result<Option<DateTime<Utc>>, RoomError> {
        let wake: i64 = self
            .run(&scripts::APPLY, |call| {
                call.arg(taken.epoch).arg(taken.number).arg(taken.id.to_string());
                call.arg(self.channel()).arg(self.series.to_string());
            })
            .await?;
        Ok(wire::wake(wake))
    }

    /// Signs of life, at most [`PLACES`] at once. `vouched`: a stream was open all the time, so none is too late.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn hear(&self, tokens: &[TokenId], vouched: bool) -> Result<Vec<Heard>, RoomError> {
        let answers: Vec<u8> = self
            .run(&scripts::HEAR, |call| {
                call.arg(u8::from(vouched));
                for token in tokens {
                    call.arg(token.to_string());
                }
            })
            .await?;
        let heard = |answer| match answer {
            0 => Heard::Unknown,
            1 => Heard::Ok,
            _ => Heard::Due,
        };
        Ok(answers.into_iter().map(heard).collect())
    }

    /// Whoever decides next gives everybody a full heartbeat timeout from then on (rule 9): also where all processes were
    /// away for less time than is noticed, or fans were at one that was.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn everybody_was_away(&self) -> Result<(), RoomError> {
        let mut link = self.redis.connection();
        Ok(redis::cmd("HSET").arg(&self.keys[0]).arg("tended").arg(0).query_async(&mut link).await?)
    }

    /// What is to be seen of these places, at most [`PLACES`] at once.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn look(&self, tokens: &[TokenId]) -> Result<Looked, RoomError> {
        let answer: Vec<Vec<i64>> = self
            .run(&scripts::LOOK, |call| {
                for token in tokens {
                    call.arg(token.to_string());
                }
            })
            .await?;
        wire::looked(&answer)
    }

    /// Takes in what the sale did. Returns when to decide again.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn report(&self, reports: &[Report]) -> Result<Option<DateTime<Utc>>, RoomError> {
        let reports: Vec<Value> = reports.iter().map(wire::report).collect();
        let wake: i64 = self
            .run(&scripts::REPORT, |call| {
                call.arg(self.channel()).arg(self.series.to_string()).arg(Value::from(reports).to_string());
            })
            .await?;
        Ok(wire::wake(wake))
    }

    /// Takes in what is so now, unless something newer is known. Returns when to decide again.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn set(&self, told: &Told) -> Result<Option<DateTime<Utc>>, RoomError> {
        let row = wire::settings(told).to_string();
        let wake: i64 = self
            .run(&scripts::SETTINGS, |call| {
                call.arg(self.channel()).arg(self.series.to_string()).arg(row);
            })
            .await?;
        Ok(wire::wake(wake))
    }

    /// Everyone who is ADMITTED, for who wants to compare them with the sale.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn admitted(&self) -> Result<Vec<TokenId>, RoomError> {
        let tokens: Vec<String> =
            redis::cmd("HKEYS").arg(&self.keys[5]).query_async(&mut self.redis.connection()).await?;
        tokens.iter().map(|token| wire::token(token)).collect()
    }
}
