//! What was asked, as it came in.

use axum::body::Bytes;

use crate::{graphql::language::Language, server::graphql_http::media::Media};

/// What an answer takes beside its bytes, and a question beside its text.
const OVERHEAD: usize = 512;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum By {
    /// With a body.
    Post,
    /// With a query string.
    Get,
}

/// Everything that the bytes of a public answer depend on, beside what is told of. Whoever brings something new of a
/// request that does, brings it in here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    by: By,
    media: Media,
    language: Language,
    /// The body, or the query string.
    text: Bytes,
}

impl Asked {
    pub(crate) fn new(by: By, media: Media, language: Language, text: Bytes) -> Self {
        Self { by, media, language, text }
    }

    /// The same without room to spare, which is not counted: a body may have been read into twice as much as it takes.
    pub(super) fn tight(&self) -> Self {
        Self { text: Bytes::copy_from_slice(&self.text), ..*self }
    }

    /// How it came.
    pub(crate) fn by(&self) -> By {
        self.by
    }

    /// How it is answered.
    pub(crate) fn media(&self) -> Media {
        self.media
    }

    /// In which language it is answered.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + OVERHEAD
    }
}
