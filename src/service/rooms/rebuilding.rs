//! A waiting room that Redis does not have, or not any more.

use chrono::TimeDelta;

use crate::{
    clock::{Clock, Dice},
    service::Failure,
    store::{
        Database,
        room::{RebuildError, RedisRoom, RoomError},
    },
};

/// How long to wait for another process that is at it, before one looks again.
const PAUSE: TimeDelta = TimeDelta::milliseconds(100);

/// How often one looks: about a minute, longer than a room with a million places takes.
const LOOKS: u32 = 600;

/// When to rebuild.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rebuild {
    /// If Redis does not have the room.
    IfLost,
    /// Although it has one.
    Anyway,
}

/// Sees to it that Redis has the room as journaled.
///
/// # Errors
/// If a store is away, or another process takes very long over it.
pub(super) async fn rebuild(
    room: &RedisRoom,
    database: &Database,
    dice: &Dice,
    which: Rebuild,
) -> Result<(), Failure> {
    let clock = Clock::system();
    let mut which = which;
    for _ in 0..LOOKS {
        let id = dice.id(clock.now());
        let rebuilt = match which {
            Rebuild::IfLost => room.rebuild(database, id).await,
            Rebuild::Anyway => room.rebuild_anyway(database, id).await,
        };
        match rebuilt {
            Ok(()) => return Ok(()),
            // Whoever is at it has begun later than the loss.
            Err(RebuildError::Busy | RebuildError::Room(RoomError::Lost)) => which = Rebuild::IfLost,
            Err(failure) => return Err(failure.into()),
        }
        clock.sleep(PAUSE).await;
    }
    Err(Failure::Unavailable)
}

impl From<RebuildError> for Failure {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::Busy => Self::Unavailable,
            RebuildError::Room(error) => error.into(),
            RebuildError::Journal(error) => error.into(),
        }
    }
}
