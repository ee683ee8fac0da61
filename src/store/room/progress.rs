//! How far Redis and the journal are: whether they still tell the same story.

use uuid::Uuid;

use super::{RebuildError, RedisRoom, RoomError, Taken};
use crate::store::Database;

/// See [`RedisRoom::standing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has every decision that is journaled.
    True,
    /// It has none of this epoch.
    Lost,
    /// The two do not fit. Redis has lost the latest, as a replica may have that has become the master; or the database
    /// has, as one may that was restored.
    Apart,
}

/// How far Redis is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) epoch: i64,
    /// The number of the last decision that was applied, and what names it.
    applied: (i64, Option<Uuid>),
    /// The one that is being journaled.
    on_its_way: Option<(i64, Uuid)>,
}

/// How far the journal is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recorded {
    /// 0 if the room was never built.
    pub(super) epoch: i64,
    /// The number of the last decision, 0 for none, and what names it.
    pub(super) decision: (i64, Option<Uuid>),
}

impl Recorded {
    fn number(&self) -> (i64, i64) {
        (self.epoch, self.decision.0)
    }
}

impl Progress {
    /// Whether a decision of this epoch has been applied, or will be.
    fn has(&self, (number, id): (i64, Option<Uuid>)) -> bool {
        let (applied, applied_id) = self.applied;
        let is_last = number == applied && (number == 0 || applied_id.is_none() || applied_id == id);
        number < applied || is_last || self.on_its_way.is_some_and(|(n, its)| n == number && Some(its) == id)
    }
}

impl RedisRoom {
    /// How what Redis has compares with the journal.
    ///
    /// # Errors
    /// See [`RebuildError`].
    pub async fn standing(&self, database: &Database) -> Result<Standing, RebuildError> {
        // In this order: what is journaled by now is applied, or on its way.
        let recorded = database.room_progress(self.series).await?;
        let progress = match self.progress().await {
            Ok(progress) => progress,
            Err(RoomError::Lost) => return Ok(Standing::Lost),
            Err(error) => return Err(error.into()),
        };
        if progress.epoch < recorded.epoch {
            return Ok(Standing::Lost);
        }
        // The journal has every epoch and every decision before Redis has it; both may have moved on since the first
        // look.
        let seen = (progress.epoch, progress.applied.0);
        let is_ahead = seen > recorded.number() && database.room_progress(self.series).await?.number() < seen;
        let is_behind = progress.epoch == recorded.epoch && !progress.has(recorded.decision);
        Ok(if is_ahead || is_behind { Standing::Apart } else { Standing::True })
    }

    /// Whether it is still this decision that is to be made good.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn is_pending(&self, taken: &Taken) -> Result<bool, RoomError> {
        let progress = self.progress().await?;
        Ok(progress.epoch == taken.epoch && progress.on_its_way == Some((taken.number, taken.id)))
    }

    pub(super) async fn progress(&self) -> Result<Progress, RoomError> {
        type Room = (Option<String>, Option<i64>, Option<i64>, Option<String>);
        let (mut link, room, pending) = (self.redis.connection(), &self.keys[0], &self.keys[8]);
        // In this order: what is not on its way any more by then is applied.
        let (number, id): (Option<i64>, Option<String>) =
            redis::cmd("HMGET").arg(pending).arg(&["number", "id"]).query_async(&mut link).await?;
        let (state, epoch, applied, applied_id): Room = redis::cmd("HMGET")
            .arg(room)
            .arg(&["state", "epoch", "decision", "decision_id"])
            .query_async(&mut link)
            .await?;
        let named = |id: Option<String>| id.and_then(|id| id.parse().ok());
        match (state.as_deref(), epoch, applied) {
            (Some("ready"), Some(epoch), Some(applied)) => Ok(Progress {
                epoch,
                applied: (applied, named(applied_id)),
                on_its_way: number.zip(named(id)),
            }),
            _ => Err(RoomError::Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_known_by_its_number_and_its_name() {
        let [x, y] = [1, 2].map(|n| Some(Uuid::from_u128(n)));
        let progress = Progress { epoch: 1, applied: (4, x), on_its_way: Some((5, Uuid::from_u128(2))) };
        for (decision, has) in
            [((0, None), true), ((3, y), true), ((4, x), true), ((4, y), false), ((5, y), true)]
        {
            assert_eq!(progress.has(decision), has, "{decision:?}");
        }
        assert!(!progress.has((5, x)) && !progress.has((6, x)));
        let fresh = Progress { epoch: 1, applied: (0, None), on_its_way: None };
        assert!(fresh.has((0, x)) && !fresh.has((1, x)));
    }
}
