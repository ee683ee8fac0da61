//! A body as a request, by the extractor of async-graphql-axum.
//!
//! It would take any body of any type and length. What it is given here is within its bounds, of the one media type, and
//! one object of not too many values; and what it cannot read is read again for the words.

use async_graphql::ParseRequestError;
use async_graphql_axum::GraphQLRequest;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::server::params::Params;

/// Its answer would be a text, with what Rust calls things.
struct Unreadable;

impl From<ParseRequestError> for Unreadable {
    fn from(_: ParseRequestError) -> Self {
        Self
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}

/// The parameters in a body.
///
/// # Errors
///
/// What is wrong with it, for the caller.
pub(super) async fn params(body: Bytes) -> Result<Params, String> {
    Params::check_object(&body)?;
    let mut request = Request::new(Body::from(body.clone()));
    *request.method_mut() = axum::http::Method::POST;
    match GraphQLRequest::<Unreadable>::from_request(request, &()).await {
        Ok(request) => Params::of_request(request.into_inner(), &body),
        // It says neither where nor what; and a document may be null beside its hash.
        Err(Unreadable) => Params::from_json(&body),
    }
}
