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

/// Sees to it that Redis has the room.
///
/// # Errors
/// If a store is away, or another process takes very long over it.
pub(super) async fn rebuild(room: &RedisRoom, database: &Database, dice: &Dice) -> Result<(), Failure> {
    let clock = Clock::system();
    for _ in 0..LOOKS {
        match room.rebuild(database, dice.id(clock.now())).await {
            Ok(()) => return Ok(()),
            Err(RebuildError::Busy | RebuildError::Room(RoomError::Lost)) => clock.sleep(PAUSE).await,
            Err(RebuildError::Room(error)) => return Err(error.into()),
            Err(RebuildError::Journal(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Unavailable)
}
