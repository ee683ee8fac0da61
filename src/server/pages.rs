//! The pages: built by `web/`, carried inside the release binary, read from disk by a debug build.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::Write,
    sync::{Mutex, PoisonError},
};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::server::encoding::takes_gzip;

/// What a page may load: only from here, and no inline scripts. `'self'` covers WebSockets to this server.
const POLICY: &str = "default-src 'self'; script-src 'self'; worker-src 'self' blob:; \
    style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The names of files under `assets/` carry a hash of their content.
const FOREVER: &str = "public, max-age=31536000, immutable";

#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[allow_missing = true]
struct Built;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(async |headers| page(headers, "index.html").await))
        .route("/organiser", get(async |headers| page(headers, "organiser/index.html").await))
        .route("/organiser/", get(async |headers| page(headers, "organiser/index.html").await))
        .route("/graphiql", get(async |headers| page(headers, "graphiql/index.html").await))
        .route("/graphiql/", get(async |headers| page(headers, "graphiql/index.html").await))
        .route(
            "/{file}",
            get(async |Path(file): Path<String>, headers| file_or_404(headers, &file, "no-cache").await),
        )
        .route(
            "/assets/{*file}",
            get(async |Path(file): Path<String>, headers| {
                file_or_404(headers, &format!("assets/{file}"), FOREVER).await
            }),
        )
}

async fn page(headers: HeaderMap, name: &str) -> Response {
    file(&headers, name, "no-cache").await.unwrap_or_else(|| {
        let headers = [(header::CONTENT_SECURITY_POLICY, POLICY)];
        (StatusCode::NOT_FOUND, headers, Html(include_str!("not_built.html"))).into_response()
    })
}

async fn file_or_404(headers: HeaderMap, name: &str, cache: &'static str) -> Response {
    let file = file(&headers, name, cache).await;
    file.unwrap_or_else(|| (StatusCode::NOT_FOUND, "there is no such page\n").into_response())
}

async fn file(asked: &HeaderMap, name: &str, cache: &'static str) -> Option<Response> {
    let file = Built::get(name)?;
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if !takes_gzip(asked) {
        return Some((headers, plain(file.data)).into_response());
    }
    let zipped = zipped(file).await?;
    Some((headers, [(header::CONTENT_ENCODING, "gzip")], zipped).into_response())
}

/// In the release binary the pages are there anyway, and nobody gets a copy.
fn plain(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    }
}

/// The same compressed. It is done once for all who will ask for it: a compressor for each would cost more than the page,
/// for as long as somebody takes to read it.
async fn zipped(file: EmbeddedFile) -> Option<Bytes> {
    static ZIPPED: Mutex<BTreeMap<[u8; 32], Bytes>> = Mutex::new(BTreeMap::new());
    let known = || ZIPPED.lock().unwrap_or_else(PoisonError::into_inner);
    let hash = file.metadata.sha256_hash();
    if let Some(zipped) = known().get(&hash) {
        return Some(zipped.clone());
    }
    let zip = move || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&file.data).and_then(|()| encoder.finish())
    };
    let zipped = Bytes::from(tokio::task::spawn_blocking(zip).await.ok()?.ok()?);
    Some(known().entry(hash).or_insert(zipped).clone())
}
