//! The body of an answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Caller;
use super::outgoing::Held;
use super::wire::Line;

/// How much is handed over at once.
const SLICE: usize = 64 << 10;

/// Pieces of memory that may be shared with other answers, and go out without being copied.
pub(crate) struct Pieces {
    pieces: VecDeque<Bytes>,
    left: u64,
    _held: Held,
}

impl Pieces {
    pub(crate) fn new(pieces: Vec<Bytes>, held: Held) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { pieces: pieces.into(), left, _held: held }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(front) = self.pieces.front_mut() else { return Poll::Ready(None) };
        let slice = front.split_to(front.len().min(SLICE));
        if front.is_empty() {
            self.pieces.pop_front();
        }
        self.left -= slice.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The body of any answer, which keeps its caller's place until it is made to the end.
pub(super) struct Answer {
    body: Body,
    line: Arc<Line>,
    _caller: Option<Caller>,
}

impl Answer {
    pub(super) fn new(body: Body, line: Arc<Line>, caller: Option<Caller>) -> Self {
        Self { body, line, _caller: caller }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.line.ends();
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
