//! Subscriptions of which many have the same to say: it is executed once, for all who ask for the same in the same words.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_graphql::{Request, Response, parser::types::ExecutableDocument};
use chrono::TimeDelta;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{Notify, watch};

use crate::{
    graphql::{Schema, language::Language, loaders::Loaders, request::Outline},
    service::Services,
};

/// With so many who watch the same, each is told once a millisecond at most: with more, less often.
const AUDIENCE_PER_MS: usize = 40;

/// How long changes are collected at most: with the time that it takes to tell everybody, well under a second (rule 20).
const MOST_MS: usize = 300;

/// The version of whoever knows nothing yet.
pub const NOTHING: i64 = -1;

/// What one event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Everything after this version. Where each event stands for itself, [`NOTHING`].
    pub since: i64,
    /// Up to this one; where each event stands for itself, its number.
    pub version: i64,
    /// Whether it tells of everything there is.
    pub is_snapshot: bool,
    /// Whether no event tells of what came before: everybody needs this one.
    pub is_break: bool,
    /// What it is about, where one subscription is about several things.
    pub topic: usize,
}

impl Span {
    /// Of an event that stands for itself.
    #[must_use]
    pub fn alone(topic: usize, version: i64) -> Self {
        Self { since: NOTHING, version, is_snapshot: false, is_break: false, topic }
    }
}

impl Default for Span {
    /// Of an event that nobody has told of: an error.
    fn default() -> Self {
        Self::alone(0, 0)
    }
}

/// What those who make events and those who hand them on have to tell each other. A resolver finds it in its context.
#[derive(Debug, Default)]
pub struct Control {
    audience: AtomicUsize,
    wants_snapshot: AtomicBool,
    wish: Notify,
    /// Of the event that was made last.
    span: Mutex<Span>,
    versions: OnceLock<watch::Receiver<i32>>,
}

impl Control {
    /// Somebody comes to watch, or goes.
    pub fn comes(&self) {
        self.audience.fetch_add(1, Ordering::Relaxed);
    }

    /// See [`Self::comes`].
    pub fn goes(&self) {
        self.audience.fetch_sub(1, Ordering::Relaxed);
    }

    /// How long changes are collected before all are told of them.
    #[must_use]
    pub fn pace(&self) -> TimeDelta {
        let ms = (self.audience.load(Ordering::Relaxed) / AUDIENCE_PER_MS).min(MOST_MS);
        TimeDelta::milliseconds(i64::try_from(ms).unwrap_or_default())
    }

    /// Somebody needs a snapshot.
    pub fn wish(&self) {
        self.wants_snapshot.store(true, Ordering::Release);
        self.wish.notify_one();
    }

    /// Whether somebody does, who is given it now.
    pub(in crate::graphql) fn is_wished(&self) -> bool {
        self.wants_snapshot.swap(false, Ordering::AcqRel)
    }

    pub(in crate::graphql) async fn wished(&self) {
        self.wish.notified().await;
    }

    /// Says what the next event tells of.
    pub(in crate::graphql) fn tell(&self, span: Span) {
        *self.span() = span;
    }

    /// Where the version can be seen at any time.
    pub(in crate::graphql) fn follow(&self, versions: watch::Receiver<i32>) {
        // Once, at the start.
        let _ = self.versions.set(versions);
    }

    /// Whether that is what is known of everything at this moment.
    #[must_use]
    pub fn is_newest(&self, version: i64) -> bool {
        self.versions.get().is_some_and(|versions| i64::from(*versions.borrow()) == version)
    }

    fn span(&self) -> MutexGuard<'_, Span> {
        self.span.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version of the seats from which on a feed tells what has changed, where that is not the one it begins at.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct Begin(pub(in crate::graphql) i32);

/// How the events of a feed are made.
pub struct Source {
    pub(super) schema: Schema,
    pub(super) services: Arc<Services>,
    pub(super) document: ExecutableDocument,
    pub(super) outline: Outline,
    pub(super) language: Language,
    pub(super) begin: Option<Begin>,
}

impl Source {
    /// Executes the subscription, for nobody in particular.
    #[must_use]
    pub fn run(self, control: Arc<Control>) -> Pin<Box<dyn Stream<Item = (Span, Response)> + Send>> {
        let Self { schema, services, document, outline, language, begin } = self;
        let mut request = Request::new("");
        request.set_parsed_query(document);
        request.data.insert(Loaders::new(Arc::clone(&services)));
        request.data.insert(services);
        request.data.insert(language);
        if let Some(begin) = begin {
            request.data.insert(begin);
        }
        request.data.insert(Arc::clone(&control));
        // Made inside the stream, so that a panic while it is made is caught with the others.
        let answers = stream::once(async move { schema.execute_stream(request) }).flatten();
        Box::pin(answers.map(move |mut response| {
            outline.repair(&mut response);
            (*control.span(), response)
        }))
    }
}
