//! Lists that were written lately, for whoever asks for the same, and turns for those who write large ones.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_graphql::Error;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Template, rows::Row, write};
use crate::{
    domain::id::SeriesId,
    graphql::{
        budget::{ANSWER, ANSWER_BYTES},
        error::error,
        over_limit::OverLimit,
    },
    service::Failure,
};

/// Lists with more rows take turns.
const LARGE: usize = 1_000;

/// How many large lists are written at the same time: beside the sale, and not instead of it.
const AT_ONCE: usize = 1;

/// How many may wait for that or write.
const WAITING: usize = 200;

/// Lists from this length on, in bytes, are kept for whoever asks for the same.
const WORTH_KEEPING: usize = 4 << 10;

/// Bytes of the lists that are kept.
const KEPT: usize = 32 << 20;

/// What of a series a list shows, and when. A snapshot is taken once for a version and a moment, so this says all about the
/// rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) series: SeriesId,
    pub(super) version: i32,
    pub(super) from: DateTime<Utc>,
    pub(super) of: Of,
}

/// What of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Seats,
    AvailableSeats,
    Sections,
}

/// See the module.
#[derive(Debug)]
pub(in crate::graphql) struct Written {
    kept: Mutex<Kept>,
    turns: Semaphore,
    waiting: Semaphore,
}

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    lists: VecDeque<(Moment, Template, Bytes)>,
    bytes: usize,
}

impl Default for Written {
    fn default() -> Self {
        Self { kept: Mutex::default(), turns: Semaphore::new(AT_ONCE), waiting: Semaphore::new(WAITING) }
    }
}

impl Written {
    /// The list, from memory if it was written lately.
    ///
    /// # Errors
    /// UNAVAILABLE if too many wait; QUERY_TOO_COMPLEX if it is longer than an answer may be.
    pub(super) async fn list<R: Row>(
        &self,
        moment: Option<Moment>,
        template: Template,
        count: usize,
        rows: impl Iterator<Item = R> + Send,
    ) -> Result<Bytes, Error> {
        if let Some(known) = self.find(moment, &template) {
            return Ok(known);
        }
        let _turn = if count > LARGE { Some(self.turn().await?) } else { None };
        // Somebody may have written the same meanwhile.
        if let Some(known) = self.find(moment, &template) {
            return Ok(known);
        }
        let json = write(&template, count, rows, ANSWER_BYTES).await.ok_or(OverLimit {
            of: ANSWER,
            asked: ANSWER_BYTES + 1,
            allowed: ANSWER_BYTES,
        })?;
        if let Some(moment) = moment.filter(|_| json.len() >= WORTH_KEEPING) {
            self.lock().keep(moment, template, json.clone());
        }
        Ok(json)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        let _waiting = self.waiting.try_acquire().map_err(|_| error(Failure::Unavailable))?;
        self.turns.acquire().await.map_err(|_| error(Failure::Unavailable))
    }

    fn find(&self, moment: Option<Moment>, template: &Template) -> Option<Bytes> {
        let moment = moment?;
        let kept = self.lock();
        let same = |list: &&(Moment, Template, Bytes)| list.0 == moment && list.1 == *template;
        kept.lists.iter().rev().find(same).map(|(_, _, json)| json.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, moment: Moment, template: Template, json: Bytes) {
        // Nobody will ask for an older moment of this series again.
        let current = |known: &Moment| {
            known.series != moment.series || (known.version, known.from) == (moment.version, moment.from)
        };
        self.lists.retain(|(known, _, _)| current(known));
        self.lists.push_back((moment, template, json));
        self.bytes = self.lists.iter().map(|(_, _, json)| json.len()).sum();
        while self.bytes > KEPT {
            let Some((_, _, json)) = self.lists.pop_front() else { break };
            self.bytes -= json.len();
        }
    }
}
