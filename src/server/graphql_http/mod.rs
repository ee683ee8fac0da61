//! GraphQL over HTTP, by the specification of that name: POST with `application/json`, GET for queries.
//!
//! Nothing but a body of `application/json` can mutate: a page on another host cannot send one without a preflight,
//! which is not answered here.

mod again;
mod extract;
pub(super) mod media;
mod retry;
mod zip;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response as GraphqlResponse, ServerError};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{FutureExt, StreamExt};

use crate::domain::address::Address;
use crate::graphql::code;
use crate::graphql::noted::Noted;
use crate::graphql::public::is_public;
use crate::graphql::request::Prepared;
use crate::graphql::request::masking;
use crate::server::answers::{Answers, Arrived, Asked, By, Made, Turn, Waited};
use crate::server::door::{Busy, Caller, Held, Pieces, SMALL, later};
use crate::server::endpoint::{Endpoint, Refusal, Session, bearer};
use crate::server::language;
use crate::server::params::Params;
use crate::server::payload::Payload;
use crate::service::versions::Point;
use media::Media;

/// POST `/graphql`.
pub(crate) async fn post<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request: Request,
) -> Response {
    let (address, answers) = (address(&request), answers_now(&endpoint.answers));
    let Some(media) = Media::accepted(request.headers()) else {
        return sent(&endpoint, address, not_acceptable());
    };
    let headers = request.headers().clone();
    let call = Call { endpoint: &endpoint, headers: &headers, address, answers };
    let answer = match read_body(&endpoint, address, request).await {
        Ok((body, _held)) => {
            let asked = Asked::new(By::Post, media, language::of_headers(&headers), body.clone());
            call.answer(&asked, extract::params(body)).await
        }
        Err(Unread::Failure(failure)) => failure.into_response(media),
        Err(Unread::Busy) => return busy(),
    };
    let answer = zip::zipped(&headers, &endpoint.outgoing, address, answer).await;
    sent(&endpoint, address, answer)
}

/// GET `/graphql` without a WebSocket upgrade.
pub(crate) async fn get<E: Executor>(endpoint: &Endpoint<E>, request: Request) -> Response {
    let (address, answers) = (address(&request), answers_now(&endpoint.answers));
    let Some(media) = Media::accepted(request.headers()) else {
        return sent(endpoint, address, not_acceptable());
    };
    let call = Call { endpoint, headers: request.headers(), address, answers };
    let query = request.uri().query().unwrap_or_default();
    let text = Bytes::copy_from_slice(query.as_bytes());
    let asked = Asked::new(By::Get, media, language::of_headers(request.headers()), text);
    let answer = call.answer(&asked, async { Params::from_query_string(query) }).await;
    let answer = zip::zipped(request.headers(), &endpoint.outgoing, address, answer).await;
    sent(endpoint, address, answer)
}

/// What is remembered, and what is known at this moment.
fn answers_now(answers: &Option<Arc<Answers>>) -> Option<(&Answers, Arrived)> {
    let answers = answers.as_deref()?;
    Some((answers, answers.arrived()))
}

/// What counts as the caller; `None` without the network, in a benchmark.
fn address(request: &Request) -> Option<Address> {
    request.extensions().get::<Caller>().map(Caller::address)
}

/// The body of an answer that is not counted yet.
#[derive(Clone)]
struct Unsent(Vec<Bytes>);

/// Marks the answer to what has been done, and cannot be undone by refusing to tell of it.
#[derive(Clone)]
struct Done;

/// The same answer, counted, or a refusal if so much is on its way that there is no room for it.
fn sent<E>(endpoint: &Endpoint<E>, address: Option<Address>, mut answer: Response) -> Response {
    let Some(Unsent(pieces)) = answer.extensions_mut().remove() else { return answer };
    let held = match answer.extensions_mut().remove::<Done>() {
        Some(Done) => endpoint.outgoing.hold_anyway(address, &pieces),
        None => match endpoint.outgoing.hold(address, &pieces) {
            Ok(held) => held,
            Err(Busy) => return busy(),
        },
    };
    *answer.body_mut() = Body::new(Pieces::new(pieces, held));
    answer
}

fn busy() -> Response {
    later(StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE, Busy::MESSAGE, Busy::RETRY_AFTER)
}

/// A request that is not a GraphQL request at all: the status is the same under both media types.
struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    fn into_response(self, media: Media) -> Response {
        let refusal = Refusal { code: code::BAD_USER_INPUT, message: self.message };
        write(&GraphqlResponse::from_errors(vec![refusal.to_error()]), media, self.status)
    }
}

/// Why a body was not read.
enum Unread {
    Busy,
    Failure(Failure),
}

impl Unread {
    fn because(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Failure(Failure { status, message: message.into() })
    }
}

async fn read_body<E>(
    endpoint: &Endpoint<E>,
    address: Option<Address>,
    request: Request,
) -> Result<(Bytes, Held), Unread> {
    if !media::is_json(request.headers()) {
        let message = "The body must be sent as Content-Type: application/json, in UTF-8.";
        return Err(Unread::because(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let body = collect(endpoint, address, request);
    let (body, held) = tokio::time::timeout(endpoint.limits.body_timeout, body)
        .await
        .map_err(|_| Unread::because(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive."))??;
    Ok((body.into(), held))
}

/// What has come in is counted, and not what was announced: who announces much and sends nothing takes no room.
async fn collect<E>(
    endpoint: &Endpoint<E>,
    address: Option<Address>,
    request: Request,
) -> Result<(Vec<u8>, Held), Unread> {
    let most = endpoint.limits.body_bytes;
    let too_long =
        || Unread::because(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is longer than {most} bytes."));
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_long());
    }
    let (mut body, mut held) = (Vec::new(), Held::nothing());
    let mut pieces = request.into_body().into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece =
            piece.map_err(|_| Unread::because(StatusCode::BAD_REQUEST, "The body could not be read."))?;
        if body.len() + piece.len() > most {
            return Err(too_long());
        }
        body.extend_from_slice(&piece);
        if body.len() >= SMALL && held.bytes() == 0 {
            held = endpoint.outgoing.hold_bytes(address, most).map_err(|Busy| Unread::Busy)?;
        }
    }
    Ok((body, held))
}

/// A request, beside what it asks.
struct Call<'a, E> {
    endpoint: &'a Endpoint<E>,
    headers: &'a HeaderMap,
    address: Option<Address>,
    /// What was known when it came; `None` if no answers are remembered.
    answers: Option<(&'a Answers, Arrived)>,
}

/// What is made is to be remembered.
struct Making<'a> {
    answers: &'a Answers,
    since: Point,
    noted: Arc<Noted>,
    turn: Option<Turn>,
}

impl<E: Executor> Call<'_, E> {
    /// The answer that was remembered, or one that is made. `params` reads what was asked, or says what is wrong with it.
    async fn answer(&self, asked: &Asked, params: impl Future<Output = Result<Params, String>>) -> Response {
        let (endpoint, media) = (self.endpoint, asked.media());
        let session = authenticate(endpoint, self.headers);
        if session.is_ok()
            && let Some(known) = self.answers.and_then(|(answers, _)| answers.find(asked))
        {
            return self.tell(asked, &known).await;
        }
        let params = match params.await {
            Ok(params) => params,
            Err(message) => {
                return Failure { status: StatusCode::BAD_REQUEST, message }.into_response(media);
            }
        };
        let session = match session {
            Ok(session) => session,
            Err(refusal) => return refused(vec![refusal.to_error()], media),
        };
        let offers = params.offers_a_document();
        let (request, keep) = match params.into_request(&endpoint.persisted) {
            Ok(request) => request,
            Err(refusal) => return refused(vec![refusal.to_error()], media),
        };
        let prepared = match endpoint.intake.prepare(request) {
            Ok(prepared) => prepared,
            Err(errors) => return refused(errors, media),
        };
        keep.keep();
        match (asked.by(), prepared.kind) {
            (By::Get, OperationType::Mutation | OperationType::Subscription) => only_queries_by_get(media),
            (_, OperationType::Subscription) => {
                let message = "A subscription needs a WebSocket (graphql-transport-ws) to this address.";
                let refusal = Refusal { code: code::BAD_USER_INPUT, message: message.to_owned() };
                refused(vec![refusal.to_error()], media)
            }
            _ if offers => self.make(asked, prepared, &session, None).await,
            _ => self.remember(asked, prepared, &session).await,
        }
    }

    /// What others make of the same request at this moment, or what is made of it now and remembered, if it is public.
    async fn remember(&self, asked: &Asked, mut prepared: Prepared, session: &Session) -> Response {
        let shape = self.endpoint.intake.shape();
        let is_public = |prepared: &mut Prepared| match prepared.request.parsed_query() {
            Ok(document) => {
                document.operations.iter().all(|(_, operation)| is_public(shape, &operation.node))
            }
            Err(_) => false,
        };
        let Some((answers, arrived)) = self.answers.filter(|_| is_public(&mut prepared)) else {
            return self.make(asked, prepared, session, None).await;
        };
        let turn = match answers.wait(asked, arrived).await {
            Waited::Made(made) => return self.tell(asked, &made).await,
            Waited::Make(turn) => turn,
        };
        let making = Making { answers, since: answers.point(), noted: Arc::default(), turn };
        self.make(asked, prepared, session, Some(making)).await
    }

    async fn make(
        &self,
        asked: &Asked,
        prepared: Prepared,
        session: &Session,
        making: Option<Making<'_>>,
    ) -> Response {
        let (endpoint, media) = (self.endpoint, asked.media());
        let Prepared { mut request, kind, outline } = prepared;
        if let Err(refusal) = session(&mut request) {
            return refused(vec![refusal.to_error()], media);
        }
        request.data.insert(asked.language());
        request.data.insert(endpoint.outgoing.sendable(self.address));
        if let Some(making) = &making {
            request.data.insert(Arc::clone(&making.noted));
        }
        let run = AssertUnwindSafe(endpoint.executor.execute(request)).catch_unwind();
        let response = match run.await {
            Ok(mut response) => {
                outline.repair(&mut response);
                masking::mask(&mut response, &*endpoint.request_id);
                response
            }
            Err(panic) => masking::panicked(&*panic, &*endpoint.request_id),
        };
        let payload = Payload::of_response(&response, endpoint.limits.answer_bytes);
        let payload = match (payload, making) {
            (Ok(payload), Some(making)) if response.errors.is_empty() && response.http_headers.is_empty() => {
                return self.keep(asked, payload, making).await;
            }
            (payload, making) => {
                if let Some(turn) = making.and_then(|making| making.turn) {
                    turn.failed();
                }
                payload
            }
        };
        let mut answer = match payload {
            Ok(payload) => send(payload, media, media.status(&response)),
            Err(over) => return refused(vec![over.into()], media),
        };
        retry::tell(&mut answer, &response.errors);
        answer.headers_mut().extend(response.http_headers);
        if kind == OperationType::Mutation {
            answer.extensions_mut().insert(Done);
        }
        answer
    }

    async fn keep(&self, asked: &Asked, payload: Payload, making: Making<'_>) -> Response {
        let Making { answers, since, noted, turn } = making;
        let made = Made { pieces: payload.into_pieces(), grounds: noted.grounds(), since };
        self.tell(asked, &answers.keep(asked, made, turn)).await
    }
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
fn refused(errors: Vec<ServerError>, media: Media) -> Response {
    let response = GraphqlResponse::from_errors(errors);
    let status = media.status(&response);
    let mut answer = write(&response, media, status);
    retry::tell(&mut answer, &response.errors);
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
    let mut answer = Response::new(Body::empty());
    answer.extensions_mut().insert(Unsent(payload.into_pieces()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Answers depend on the caller and on the moment.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    answer
}
