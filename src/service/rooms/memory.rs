//! Where a waiting room is: in this process alone, or in Redis for all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::{
    domain::{id::TokenId, policy::QueuePolicy, room::Room},
    service::{Failure, rooms::shared::Shared},
    store::{redis::is_away, room::RoomError},
};

/// See the module.
#[derive(Debug)]
pub(super) enum Memory {
    Own(Arc<Own>),
    Shared(Arc<Shared>),
}

/// The room of a process that is alone.
pub(super) struct Own(Mutex<Room>);

impl std::fmt::Debug for Own {
    /// `Room` has no `Debug`: it may hold a million places.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Own").field(&self.room().counts()).finish()
    }
}

impl Own {
    pub(super) fn new(room: Room) -> Self {
        Self(Mutex::new(room))
    }

    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<RoomError> for Failure {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Lost => Self::Unavailable,
            RoomError::Away(error) => {
                // That it is away is said by the link.
                if !is_away(&error) {
                    tracing::warn!(%error, "Redis refuses what it is asked");
                }
                Self::Unavailable
            }
            RoomError::Garbled(_) => Self::Internal(error.into()),
        }
    }
}

impl Memory {
    /// The organiser's settings; whether anything changed.
    pub(super) fn set_settings(&self, number: i32, policy: QueuePolicy, paused: bool) -> bool {
        match self {
            Self::Own(own) => {
                let mut room = own.room();
                let mut sale = *room.sale();
                sale.paused = paused;
                let changed = policy != *room.policy() || sale != *room.sale();
                if changed {
                    room.set_policy(policy);
                    room.set_sale(sale);
                }
                changed
            }
            Self::Shared(shared) => shared.set_settings(number, policy, paused),
        }
    }

    /// Whether every seat is sold; whether that is new.
    pub(super) fn set_sold_out(&self, version: i32, sold_out: bool) -> bool {
        match self {
            Self::Own(own) => {
                let mut room = own.room();
                let mut sale = *room.sale();
                let changed = sale.sold_out != sold_out;
                sale.sold_out = sold_out;
                room.set_sale(sale);
                changed
            }
            Self::Shared(shared) => shared.set_sold_out(version, sold_out),
        }
    }

    pub(super) fn ended(&self, token: TokenId) {
        match self {
            Self::Own(own) => own.room().ended(token),
            Self::Shared(shared) => shared.ended(token),
        }
    }

    /// `heard`: when its owner was heard from, if this is their doing.
    pub(super) fn pin(&self, token: TokenId, until: Option<DateTime<Utc>>, heard: Option<DateTime<Utc>>) {
        match self {
            Self::Own(own) => {
                let mut room = own.room();
                if let Some(now) = heard {
                    // A sign of life that comes too late is none.
                    let _ = room.hear(token, now);
                }
                room.pin(token, until);
            }
            Self::Shared(shared) => shared.pin(token, until, heard.is_some()),
        }
    }

    pub(super) fn open_stream(&self, token: TokenId) {
        if let Self::Own(own) = self {
            own.room().open_stream(token);
        }
    }

    pub(super) fn close_stream(&self, token: TokenId, now: DateTime<Utc>) {
        match self {
            Self::Own(own) => own.room().close_stream(token, now),
            Self::Shared(shared) => shared.stream_closed(token),
        }
    }
}
