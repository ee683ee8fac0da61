//! An answer and what it depends on.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::{body::Bytes, http::HeaderValue};
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::tags::Tags;
use crate::{
    clock,
    graphql::noted::Grounds,
    service::versions::{Point, Source},
};

/// Answers up to this length are kept in one piece: it is sent faster.
const WHOLE: usize = 64 << 10;

/// How often it is told that somebody still asks for an answer.
const FOLLOW: Duration = Duration::from_secs(20);

/// What an answer takes beside its bytes.
const OVERHEAD: usize = 512;

/// An answer that has just been made.
#[derive(Debug)]
pub(crate) struct Made {
    /// Its bytes.
    pub(crate) pieces: Vec<Bytes>,
    /// What it depends on.
    pub(crate) grounds: Grounds,
    /// What was known when it was begun.
    pub(crate) since: Point,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Remembered {
    pieces: Vec<Bytes>,
    zipped: OnceCell<Vec<Bytes>>,
    tags: OnceCell<Tags>,
    pub(super) sources: Box<[Source]>,
    pub(super) since: Point,
    /// When it was made.
    from: DateTime<Utc>,
    /// When it changes by itself.
    until: Option<DateTime<Utc>>,
    born: Instant,
    /// How many times [`FOLLOW`] had passed since then when it was last told that it is asked for.
    followed: AtomicU64,
}

impl Made {
    pub(super) fn remembered(self, now: DateTime<Utc>) -> Remembered {
        let Self { pieces, grounds, since } = self;
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let pieces = if length <= WHOLE {
            vec![pieces.concat().into()]
        } else {
            // What is not shared may have room to spare.
            let tight = |piece: Bytes| if piece.is_unique() { Bytes::copy_from_slice(&piece) } else { piece };
            pieces.into_iter().map(tight).collect()
        };
        Remembered {
            pieces,
            zipped: OnceCell::new(),
            tags: OnceCell::new(),
            sources: grounds.sources.into(),
            since,
            from: now,
            until: grounds.until,
            born: clock::instant(),
            followed: AtomicU64::new(0),
        }
    }
}

impl Remembered {
    /// Its bytes.
    pub(crate) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Its bytes in gzip, if they are made already.
    pub(crate) fn zipped(&self) -> Option<&[Bytes]> {
        self.zipped.get().map(Vec::as_slice)
    }

    /// The same, made once by `zip`; `None` if that cannot be done now.
    pub(crate) async fn zip(&self, zip: impl Future<Output = Option<Vec<Bytes>>>) -> Option<&[Bytes]> {
        let zipped = self.zipped.get_or_try_init(async || zip.await.ok_or(())).await;
        zipped.ok().map(Vec::as_slice)
    }

    /// Its entity tag; of a request it always is of the same media type.
    pub(crate) async fn tag(&self, media: &str, zipped: bool) -> &HeaderValue {
        self.tags.get_or_init(|| Tags::of(media, &self.pieces)).await.of_coding(zipped)
    }

    /// Whether time alone has not changed it.
    pub(super) fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && self.is_before_its_end(now)
    }

    /// Whether it has not changed by itself by then.
    pub(super) fn is_before_its_end(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it is to be told again that somebody asks for it.
    pub(super) fn is_to_be_followed(&self) -> bool {
        let passed = self.born.elapsed().as_secs() / FOLLOW.as_secs();
        self.followed.fetch_max(passed, Ordering::Relaxed) < passed
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let sum = |pieces: &[Bytes]| pieces.iter().map(Bytes::len).sum::<usize>();
        let zipped = self.zipped().map_or(0, sum);
        sum(&self.pieces) + zipped + size_of_val(&*self.sources) + OVERHEAD
    }
}
