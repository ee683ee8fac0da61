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
    answers::{Asked, By, Remembered},
    door::{Busy, Pieces},
    encoding::takes_gzip,
};

impl<E: Executor> Call<'_, E> {
    /// Sends it, or by GET only that it is known already (RFC 9110, 13.1.2).
    pub(super) async fn tell(&self, asked: &Asked, answer: &Arc<Remembered>) -> Response {
        let zipped = if takes_gzip(self.headers) { self.zipped(asked, answer).await } else { None };
        let (is_zipped, pieces) = (zipped.is_some(), zipped.unwrap_or(answer.pieces()));
        let by_get = asked.by() == By::Get;
        let mut response = Response::new(Body::empty());
        if by_get && answer.is_known(self.headers, is_zipped) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            match self.endpoint.outgoing.hold(self.address, pieces) {
                Ok(held) => *response.body_mut() = Body::new(Pieces::new(pieces.to_vec(), held)),
                Err(Busy) => return busy(),
            }
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asked.media().content_type()));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            if is_zipped {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
        if by_get {
            // A client may keep it, and asks each time whether it is still so.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.insert(header::ETAG, answer.tag(is_zipped).clone());
        } else {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
