//! The journal of the waiting rooms (rule 9): the table `token`, to which every join, admission and end is
//! written before anyone hears of it, and from which a room is rebuilt.

mod fold;
mod write;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{hold, token};
use fold::{Folded, fold};
use futures_util::{StreamExt, TryStreamExt, stream};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;
use write::write;

use crate::{
    clock::Clock,
    domain::{
        catalog::Series,
        id::{SeriesId, TokenId, UserId},
        policy::QueuePolicy,
        room::{Event, Restored, RestoredState, Room},
    },
    store::{
        Database, rows,
        trouble::{TRIES, is_conflict, is_unavailable},
    },
};

/// Joins of one range, and ranges at once, when a room is rebuilt.
const RANGE: i64 = 20_000;
const RANGES: usize = 3;

/// Joins of one part when a lobby is published: what is read of it at once.
pub const LOBBY_PART: u64 = 5_000;

/// How long the journal insists on finding out whether something was written, and how often it looks.
const UNSURE: TimeDelta = TimeDelta::minutes(1);
const REST: TimeDelta = TimeDelta::milliseconds(100);

/// What the journal knows of a room.
pub(super) struct JournaledRoom {
    /// The live places, in any order.
    pub(super) places: Vec<Restored>,
    /// The times of all admissions of the last [`QueuePolicy::MAX_INTERVAL_SECONDS`].
    pub(super) admissions: Vec<DateTime<Utc>>,
    /// One more than the number of the last join.
    pub(super) next_seq: u64,
}

/// Writes what happened in one room; to write the same once more changes nothing.
pub(super) async fn write_events(
    tx: &DatabaseTransaction,
    series: SeriesId,
    events: &[Event],
    names: &HashMap<TokenId, String>,
) -> Result<(), DbErr> {
    write(tx, series, &fold(events), names).await
}

impl Database {
    /// Writes what happened in one room, in one transaction. `names` has the name of everyone who joined.
    ///
    /// A room that took for undone what was written would make the same numbers again and find them taken, for ever.
    /// So where the connection was lost while it was being committed, this waits for the database to come back, and
    /// writes the same once more.
    ///
    /// # Errors
    /// If the database fails: then nothing has happened, unless it stays away for a minute after the commit failed.
    pub async fn journal(
        &self,
        series: SeriesId,
        events: &[Event],
        names: &HashMap<TokenId, String>,
    ) -> Result<(), DbErr> {
        let folded = fold(events);
        // Also where a test moves the clock of the house: the database does not wait for that.
        let clock = Clock::system();
        let (mut tries, mut unsure, until) = (1, false, clock.now() + UNSURE);
        loop {
            let error = match self.try_journal(series, &folded, names, &mut unsure).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if unsure && is_unavailable(&error) && clock.now() < until {
                clock.sleep(REST).await;
            } else if tries >= TRIES || !is_conflict(&error) {
                return Err(error);
            }
            tracing::info!(%error, tries, %series, "the journal is tried again");
            tries += 1;
        }
    }

    /// Sets `unsure` if it is not known whether this was committed.
    async fn try_journal(
        &self,
        series: SeriesId,
        folded: &Folded,
        names: &HashMap<TokenId, String>,
        unsure: &mut bool,
    ) -> Result<(), DbErr> {
        let tx = self.begin().await?;
        write(&tx, series, folded, names).await?;
        tx.commit().await.inspect_err(|_| *unsure = true)
    }

    /// Rebuilds the room of a series; `None` if there is no such series.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn restore_room(&self, id: SeriesId, now: DateTime<Utc>) -> Result<Option<Room>, DbErr> {
        let Some((series, rows)) = self.journaled_room(id, now).await? else { return Ok(None) };
        let mut room = Room::restore(
            series.state(),
            series.policy,
            series.draw_secret.clone(),
            series.drawn_at.is_some(),
            rows.places.into_iter(),
            rows.admissions.into_iter(),
            now,
        );
        room.count_joins_from(rows.next_seq);
        Ok(Some(room))
    }

    /// A series and what the journal knows of its room; `None` if there is no such series.
    pub(super) async fn journaled_room(
        &self,
        id: SeriesId,
        now: DateTime<Utc>,
    ) -> Result<Option<(Series, JournaledRoom)>, DbErr> {
        let Some(series) = self.find_series(id).await? else { return Ok(None) };
        let next = self.next_seq(id).await?;
        let mut places = self.waiting_places(id, next).await?;
        places.extend(self.admitted_places(id).await?);
        let since = now - TimeDelta::seconds(QueuePolicy::MAX_INTERVAL_SECONDS.into());
        let admissions = token::Entity::find()
            .select_only()
            .column(token::Column::AdmittedAt)
            .filter(token::Column::SeriesId.eq(id.0))
            .filter(token::Column::AdmittedAt.gt(since));
        let admissions: Vec<(DateTime<Utc>,)> = rows::tuples(admissions, self.reader()).await?;
        let admissions = admissions.into_iter().map(|(at,)| at).collect();
        let next_seq = u64::try_from(next).unwrap_or_default();
        Ok(Some((series, JournaledRoom { places, admissions, next_seq })))
    }

    /// One more than the number of the last join, also of places that have ended.
    async fn next_seq(&self, series: SeriesId) -> Result<i64, DbErr> {
        let last: Option<Option<i64>> = token::Entity::find()
            .select_only()
            .column_as(token::Column::Seq.max(), "last")
            .filter(token::Column::SeriesId.eq(series.0))
            .into_tuple()
            .one(self.reader())
            .await?;
        Ok(last.flatten().map_or(0, |last| last + 1))
    }

    /// Everyone who waits. Read in the order of the joins, which is the order of the table: by any other index every
    /// row would be a page of its own. Several ranges at once keep both the database and us busy, and what is under
    /// way is bounded.
    async fn waiting_places(&self, series: SeriesId, next: i64) -> Result<Vec<Restored>, DbErr> {
        let firsts = (0..next).step_by(RANGE as usize);
        let ranges = stream::iter(firsts.map(|first| self.waiting_places_from(series, first)));
        ranges.buffered(RANGES).try_concat().await
    }

    async fn waiting_places_from(&self, series: SeriesId, first: i64) -> Result<Vec<Restored>, DbErr> {
        let rows: Vec<(Uuid, String, i64, bool)> = token::Entity::find()
            .select_only()
            .columns([token::Column::Id, token::Column::UserId, token::Column::Seq, token::Column::Lobby])
            .filter(token::Column::SeriesId.eq(series.0))
            .filter(token::Column::Seq.gte(first))
            .filter(token::Column::Seq.lt(first + RANGE))
            .filter(token::Column::Status.eq(token::Status::Waiting))
            .into_tuple()
            .all(self.reader())
            .await?;
        let restored = rows.into_iter().map(|(id, user, seq, lobby)| Restored {
            token: TokenId(id),
            user: UserId::from_stored(&user),
            seq: u64::try_from(seq).unwrap_or_default(),
            lobby,
            state: RestoredState::Waiting,
        });
        Ok(restored.collect())
    }

    async fn admitted_places(&self, series: SeriesId) -> Result<Vec<Restored>, DbErr> {
        type Row = (Uuid, String, i64, bool, DateTime<Utc>, DateTime<Utc>);
        let pins = self.pins(series).await?;
        let rows = token::Entity::find()
            .select_only()
            .columns([
                token::Column::Id,
                token::Column::UserId,
                token::Column::Seq,
                token::Column::Lobby,
                token::Column::AdmittedAt,
                token::Column::SessionEndsAt,
            ])
            .filter(token::Column::SeriesId.eq(series.0))
            .filter(token::Column::Status.eq(token::Status::Admitted))
            // Implied, but it names the index of the admitted.
            .filter(token::Column::AdmittedAt.is_not_null());
        let rows: Vec<Row> = rows::tuples(rows, self.reader()).await?;
        let restored = rows.into_iter().map(|(id, user, seq, lobby, at, session_ends_at)| Restored {
            token: TokenId(id),
            user: UserId::from_stored(&user),
            seq: u64::try_from(seq).unwrap_or_default(),
            lobby,
            state: RestoredState::Admitted { at, session_ends_at, pinned_until: pins.get(&id).copied() },
        });
        Ok(restored.collect())
    }

    /// When the last active hold of each place ends.
    async fn pins(&self, series: SeriesId) -> Result<HashMap<Uuid, DateTime<Utc>>, DbErr> {
        let rows = hold::Entity::find()
            .select_only()
            .column(hold::Column::TokenId)
            .column(hold::Column::ExpiresAt)
            .filter(hold::Column::SeriesId.eq(series.0))
            .filter(hold::Column::Status.eq(hold::Status::Active));
        let rows: Vec<(Uuid, DateTime<Utc>)> = rows::tuples(rows, self.reader()).await?;
        let mut pins = HashMap::new();
        for (token, until) in rows {
            let pin = pins.entry(token).or_insert(until);
            *pin = until.max(*pin);
        }
        Ok(pins)
    }

    /// The series that somebody waits for or chooses seats of.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn series_with_live_places(&self) -> Result<Vec<SeriesId>, DbErr> {
        let rows: Vec<Uuid> = token::Entity::find()
            .select_only()
            .column(token::Column::SeriesId)
            .distinct()
            // Not as parameters: only this names the index of live places, which has no other rows.
            .filter(Expr::cust("status IN ('WAITING', 'ADMITTED')"))
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(SeriesId).collect())
    }

    /// How many joins of a series there were, which are numbered from 0; before the draw, all of them into the lobby.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn joins(&self, series: SeriesId) -> Result<u64, DbErr> {
        Ok(u64::try_from(self.next_seq(series).await?).unwrap_or_default())
    }

    /// The token ids of a series' lobby, without whose they are, in the order of their joins (rule 5): those of the
    /// [`LOBBY_PART`] joins from number `first` on.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lobby_part(&self, series: SeriesId, first: u64) -> Result<Vec<TokenId>, DbErr> {
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let rows: Vec<Uuid> = token::Entity::find()
            .select_only()
            .column(token::Column::Id)
            .filter(token::Column::SeriesId.eq(series.0))
            .filter(token::Column::Seq.gte(first))
            .filter(token::Column::Seq.lt(first.saturating_add(LOBBY_PART as i64)))
            .filter(token::Column::Lobby.eq(true))
            .order_by_asc(token::Column::Seq)
            // Two have the same number where one came back after the journal had lost it: every process has to publish
            // the same.
            .order_by_asc(token::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(TokenId).collect())
    }
}
