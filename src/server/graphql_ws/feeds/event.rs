//! An event and its bytes.

use std::any::Any;

use async_graphql::{Response, Value};
use bytes::Bytes;

use super::super::socket::FRAGMENT_BYTES;
use crate::graphql::budget::ANSWER;
use crate::graphql::code;
use crate::graphql::live::feed::Span;
use crate::graphql::over_limit::OverLimit;
use crate::graphql::request::masking;
use crate::server::endpoint::RequestId;
use crate::server::payload::Payload;

/// What is told.
#[derive(Debug)]
pub(in crate::server::graphql_ws) struct Event {
    pub(super) span: Span,
    /// The pieces of the answer: one, if it is short.
    pub(in crate::server::graphql_ws) answer: Result<Vec<Bytes>, OverLimit>,
}

impl Event {
    /// It, or that it is too long to be kept.
    pub(super) fn within(self, room: usize) -> Self {
        let (asked, span) = (self.bytes(), self.span);
        if asked <= room {
            self
        } else {
            Self { span, answer: Err(OverLimit { of: ANSWER, asked, allowed: room }) }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.answer.as_ref().map_or(0, |pieces| pieces.iter().map(Bytes::len).sum())
    }
}

/// How answers are written.
#[derive(Clone)]
pub(in crate::server::graphql_ws) struct Style {
    pub(in crate::server::graphql_ws) limit: usize,
    pub(in crate::server::graphql_ws) request_id: RequestId,
}

/// Whether an event could not be made, and what that means for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was made.
    No,
    /// A store was away or busy: later ones can be made.
    Later,
    /// There are no more.
    Now,
}

impl End {
    fn of(response: &Response) -> Self {
        if response.errors.is_empty() || response.data != Value::Null {
            return Self::No;
        }
        let is_unavailable = masking::first_code(response) == Some(code::UNAVAILABLE);
        if is_unavailable { Self::Later } else { Self::Now }
    }
}

/// An event with its bytes; and whether it is one.
pub(super) fn written(event: Result<(Span, Response), Box<dyn Any + Send>>, style: &Style) -> (Event, End) {
    let (span, mut response) = match event {
        Ok(event) => event,
        Err(panic) => (Span::default(), masking::panicked(&*panic, &*style.request_id)),
    };
    masking::mask(&mut response, &*style.request_id);
    let end = End::of(&response);
    // Everybody is told of it, whatever they know.
    let span = if end == End::Now { Span::alone(usize::MAX, i64::MAX) } else { span };
    let answer = Payload::of_response(&response, style.limit).map(|payload| {
        let pieces = payload.into_pieces();
        let is_short = pieces.iter().map(Bytes::len).sum::<usize>() <= FRAGMENT_BYTES;
        if is_short && pieces.len() > 1 { vec![pieces.concat().into()] } else { pieces }
    });
    (Event { span, answer }, end)
}
