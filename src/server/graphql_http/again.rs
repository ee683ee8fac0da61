//! Sending an answer that is the same for whoever asks, and that others may have been sent before.

use std::sync::Arc;

use async_graphql::Executor;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{Call, busy, zip};
use crate::server::{
    answers::{Asked, By, Remembered, are_met},
    door::{Busy, Pieces},
    encoding::takes_gzip,
};

impl<E: Executor> Call<'_, E> {
    /// Sends it, or by GET only that it is known already (RFC 9110, 13.1.2).
    pub(super) async fn tell(&self, asked: &Asked, answer: &Arc<Remembered>) -> Response {
        let zipped = if takes_gzip(self.headers) { self.zipped(asked, answer).await } else { None };
        let (is_zipped, pieces) = (zipped.is_some(), zipped.unwrap_or(answer.pieces()));
        let media = asked.media().content_type();
        let tag = if asked.by() == By::Get { Some(answer.tag(media, is_zipped).await) } else { None };
        let mut response = Response::new(Body::empty());
        if tag.is_some_and(|tag| are_met(self.headers, tag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            match self.endpoint.outgoing.hold(self.address, pieces) {
                Ok(held) => *response.body_mut() = Body::new(Pieces::new(pieces.to_vec(), held)),
                Err(Busy) => return busy(),
            }
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            if is_zipped {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
        // By GET a client may keep it, and asks each time whether it is still so.
        let keeping = if tag.is_some() { "no-cache" } else { "no-store" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keeping));
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag.clone());
        }
        response
    }

    async fn zipped<'a>(&self, asked: &Asked, answer: &'a Arc<Remembered>) -> Option<&'a [bytes::Bytes]> {
        if let Some(zipped) = answer.zipped() {
            return Some(zipped);
        }
        let zip = zip::zip(&self.endpoint.outgoing, self.address, answer.pieces());
        let zipped = answer.zip(zip).await?;
        if let Some((answers, _)) = self.answers {
            answers.weigh_again(asked, answer);
        }
        Some(zipped)
    }
}
