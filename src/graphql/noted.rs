//! What an answer depends on, noted while it is made, so that it can be sent again for as long as it is still true.
//!
//! Whoever reads something public notes of what it is, with `depends_on`; and whoever shows something that changes by time
//! alone notes when it does next, with `holds_until`. What is not public is no part of such an answer: see
//! [`is_public`](super::public::is_public).

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use chrono::{DateTime, Utc};

use crate::service::versions::Source;

/// Put into a request, as `Arc<Noted>`, by whoever wants to know.
#[derive(Debug, Default)]
pub struct Noted(Mutex<Grounds>);

/// What an answer depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// What it was made of, each once.
    pub sources: Vec<Source>,
    /// When it changes though nothing is committed; `None` for never.
    pub until: Option<DateTime<Utc>>,
}

impl Noted {
    /// What was noted so far.
    #[must_use]
    pub fn grounds(&self) -> Grounds {
        let mut grounds = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        grounds.sources.sort_unstable();
        grounds.sources.dedup();
        grounds
    }

    fn with(&self, note: impl FnOnce(&mut Grounds)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Notes that the answer is made of these.
pub(super) fn depends_on(ctx: &Context<'_>, sources: impl IntoIterator<Item = Source>) {
    if let Some(noted) = ctx.data_opt::<Arc<Noted>>() {
        noted.with(|grounds| grounds.sources.extend(sources));
    }
}

/// Notes when something of the answer changes by itself, if it does.
pub(super) fn holds_until(ctx: &Context<'_>, until: Option<DateTime<Utc>>) {
    if let (Some(noted), Some(until)) = (ctx.data_opt::<Arc<Noted>>(), until) {
        noted.with(|grounds| grounds.until = Some(grounds.until.map_or(until, |known| known.min(until))));
    }
}
