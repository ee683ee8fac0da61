//! `/draw/{seriesId}`: what anybody needs to check a draw (rule 5). A drawn one is streamed from its file.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::{
    domain::id::SeriesId,
    service::{Failure, Services, draws::Draw, draws::Published},
};

/// What is read of a file at once, and so what a request for a large one costs.
const CHUNK_BYTES: usize = 64 << 10;

/// When to come again while a file is being written, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// Anybody may keep it, and has to ask each time whether it is still so.
const CACHE: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Before the draw.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToCome {
    series_id: String,
    commitment: String,
    /// Null and empty until then, for whoever looks for them.
    secret: Option<String>,
    lobby_hash: Option<String>,
    order: [String; 0],
    places: u64,
}

pub(super) fn routes(services: Arc<Services>) -> Router {
    Router::new().route("/draw/{series_id}", get(draw)).with_state(services)
}

async fn draw(
    State(services): State<Arc<Services>>,
    Path(series): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = series.parse::<SeriesId>() else {
        return (StatusCode::BAD_REQUEST, "the id of a date is a UUID\n").into_response();
    };
    match answer(&services, id, &headers).await {
        Ok(answer) => answer,
        Err(Failure::NotFound(_)) => (StatusCode::NOT_FOUND, "there is no such date\n").into_response(),
        Err(failure) => {
            if !matches!(failure, Failure::Unavailable) {
                tracing::error!(?failure, %id, "the draw cannot be published");
            }
            let again = [(header::RETRY_AFTER, RETRY_AFTER)];
            (StatusCode::SERVICE_UNAVAILABLE, again, "try again in a moment\n").into_response()
        }
    }
}

async fn answer(services: &Services, id: SeriesId, headers: &HeaderMap) -> Result<Response, Failure> {
    let published = match services.draw(id).await? {
        Draw::Done(published) => published,
        Draw::ToCome { commitment, places } => {
            let to_come = ToCome {
                series_id: id.to_string(),
                commitment,
                secret: None,
                lobby_hash: None,
                order: [],
                places,
            };
            return Ok(([(header::CACHE_CONTROL, "no-store")], Json(to_come)).into_response());
        }
    };
    let tag = format!("\"{}\"", published.hash());
    let mut answer = if is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match open(&published).await {
            Ok(answer) => answer,
            Err(error) => {
                // Somebody has taken it away: the next who asks has it written again.
                tracing::warn!(%error, %id, "the file of a draw cannot be read");
                services.forget_draw(&published);
                return Err(Failure::Unavailable);
            }
        }
    };
    let tag = HeaderValue::try_from(tag).map_err(|error| Failure::Internal(error.into()))?;
    answer.headers_mut().insert(header::ETAG, tag);
    answer.headers_mut().insert(header::CACHE_CONTROL, CACHE);
    Ok(answer)
}

async fn open(published: &Published) -> std::io::Result<Response> {
    let file = File::open(published.path()).await?;
    let length = file.metadata().await?.len();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, CHUNK_BYTES))).into_response())
}

/// Whether `If-None-Match` names this tag, or any; a weak one of the same name will do.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_in_lists() {
        let known = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            is_known(&headers, "\"abc\"")
        };
        for yes in
            [&["\"abc\""][..], &["W/\"abc\""], &["*"], &["\"x\", \"abc\""], &["\"x\"", "W/\"y\",\"abc\""]]
        {
            assert!(known(yes), "{yes:?}");
        }
        for no in [&[][..], &["abc"], &["\"ab\""], &["\"ABC\""], &["w/\"abc\""], &[""]] {
            assert!(!known(no), "{no:?}");
        }
    }
}
