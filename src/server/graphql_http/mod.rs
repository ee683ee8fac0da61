//! GraphQL over HTTP, by the specification of that name: POST with `application/json`, GET for queries.
//!
//! Nothing but a body of `application/json` can mutate: a page on another host cannot send one without a preflight,
//! which is not answered here.

mod media;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response as GraphqlResponse, ServerError};
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt;

use crate::graphql::{code, guard};
use crate::server::endpoint::{Endpoint, Refusal, Session, bearer};
use crate::server::finish;
use crate::server::nulls::Asked;
use crate::server::params::Params;
use crate::server::payload::Payload;
use media::Media;

/// POST `/graphql`.
pub(crate) async fn post<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request: Request,
) -> Response {
    let Some(media) = Media::accepted(request.headers()) else { return not_acceptable() };
    let headers = request.headers().clone();
    match read_body(&endpoint, request).await {
        Ok(params) => answer(&endpoint, media, &headers, &Method::POST, params).await,
        Err(failure) => failure.into_response(media),
    }
}

/// GET `/graphql` without a WebSocket upgrade.
pub(crate) async fn get<E: Executor>(endpoint: &Endpoint<E>, request: Request) -> Response {
    let Some(media) = Media::accepted(request.headers()) else { return not_acceptable() };
    match Params::from_query_string(request.uri().query().unwrap_or_default()) {
        Ok(params) => answer(endpoint, media, request.headers(), &Method::GET, params).await,
        Err(message) => Failure { status: StatusCode::BAD_REQUEST, message }.into_response(media),
    }
}

/// A request that is not a GraphQL request at all: the status is the same under both media types.
struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    fn into_response(self, media: Media) -> Response {
        let mut error = ServerError::new(self.message, None);
        error.extensions.get_or_insert_default().set("code", code::BAD_USER_INPUT);
        write(&GraphqlResponse::from_errors(vec![error]), media, self.status)
    }
}

async fn read_body<E>(endpoint: &Endpoint<E>, mut request: Request) -> Result<Params, Failure> {
    if !media::is_json(request.headers()) {
        let message = "The body must be sent as Content-Type: application/json, in UTF-8.".to_owned();
        return Err(Failure { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, message });
    }
    DefaultBodyLimit::max(endpoint.limits.body_bytes).apply(&mut request);
    let body = tokio::time::timeout(endpoint.limits.body_timeout, Bytes::from_request(request, &()))
        .await
        .map_err(|_| Failure {
            status: StatusCode::REQUEST_TIMEOUT,
            message: "The body took too long to arrive.".to_owned(),
        })?
        .map_err(|rejection| match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => Failure {
                status,
                message: format!("The body is longer than {} bytes.", endpoint.limits.body_bytes),
            },
            status => Failure { status, message: "The body could not be read.".to_owned() },
        })?;
    Params::from_json(&body).map_err(|message| Failure { status: StatusCode::BAD_REQUEST, message })
}

async fn answer<E: Executor>(
    endpoint: &Endpoint<E>,
    media: Media,
    headers: &HeaderMap,
    method: &Method,
    params: Params,
) -> Response {
    let mut request = params.into_request();
    let session = match authenticate(endpoint, headers) {
        Ok(session) => session,
        Err(refusal) => return refused(&refusal.to_error(), media),
    };
    let operation = match guard::check(&mut request, &endpoint.limits.guard) {
        Ok(operation) => operation,
        Err(error) => return refused(&error, media),
    };
    match (method, operation) {
        (&Method::GET, Some(OperationType::Mutation | OperationType::Subscription)) => {
            return only_queries_by_get(media);
        }
        (_, Some(OperationType::Subscription)) => {
            let message = "A subscription needs a WebSocket (graphql-transport-ws) to this address.";
            let refusal = Refusal { code: code::BAD_USER_INPUT, message: message.to_owned() };
            return refused(&refusal.to_error(), media);
        }
        _ => {}
    }
    if let Err(refusal) = session(&mut request) {
        return refused(&refusal.to_error(), media);
    }

    let asked = Asked::of(&request);
    let run = AssertUnwindSafe(endpoint.executor.execute(request)).catch_unwind();
    let response = match run.await {
        Ok(mut response) => {
            endpoint.shape.repair(&mut response, &asked);
            finish::finish(&mut response, &*endpoint.request_id);
            response
        }
        Err(panic) => finish::panicked(&*panic, &*endpoint.request_id),
    };
    let mut answer = match Payload::of_response(&response, endpoint.limits.answer_bytes) {
        Ok(payload) => send(payload, media, media.status(&response)),
        Err(over) => return refused(&over.into(), media),
    };
    answer.headers_mut().extend(response.http_headers);
    answer
}

fn authenticate<E>(endpoint: &Endpoint<E>, headers: &HeaderMap) -> Result<Session, Refusal> {
    let token = match headers.get(header::AUTHORIZATION) {
        None => None,
        // A header that is not text is not a token either.
        Some(value) => Some(bearer(value.to_str().unwrap_or_default())?),
    };
    (endpoint.authenticate)(token)
}

/// The response to a well-formed request that is not executed.
fn refused(error: &ServerError, media: Media) -> Response {
    let response = GraphqlResponse::from_errors(vec![error.clone()]);
    let status = media.status(&response);
    let mut answer = write(&response, media, status);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

fn only_queries_by_get(media: Media) -> Response {
    let message = "Only queries can be sent by GET: send this operation by POST.".to_owned();
    let mut answer = Failure { status: StatusCode::METHOD_NOT_ALLOWED, message }.into_response(media);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    answer
}

fn not_acceptable() -> Response {
    let message = "Accept must allow application/graphql-response+json or application/json.".to_owned();
    Failure { status: StatusCode::NOT_ACCEPTABLE, message }.into_response(Media::Json)
}

/// Answers with what has no data.
fn write(response: &GraphqlResponse, media: Media, status: StatusCode) -> Response {
    send(Payload::of_errors(response), media, status)
}

fn send(payload: Payload, media: Media, status: StatusCode) -> Response {
    let mut answer = Response::new(Body::from(payload.into_bytes()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Answers depend on the caller and on the moment.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
