//! The pages: built by `web/`, carried inside the release binary, read from disk by a debug build.

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;

/// What a page may load: only from here, and no inline scripts.
const POLICY: &str = "default-src 'self'; script-src 'self'; worker-src 'self' blob:; \
    style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data:; font-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The names of files under `assets/` carry a hash of their content.
const FOREVER: &str = "public, max-age=31536000, immutable";

#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[allow_missing = true]
struct Built;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(async || page("index.html")))
        .route("/organiser", get(async || page("organiser/index.html")))
        .route("/organiser/", get(async || page("organiser/index.html")))
        .route("/graphiql", get(async || page("graphiql/index.html")))
        .route("/graphiql/", get(async || page("graphiql/index.html")))
        .route("/{file}", get(async |Path(file): Path<String>| file_or_404(&file, "no-cache")))
        .route(
            "/assets/{*file}",
            get(async |Path(file): Path<String>| file_or_404(&format!("assets/{file}"), FOREVER)),
        )
}

fn page(name: &str) -> Response {
    file(name, "no-cache").unwrap_or_else(|| {
        let headers = [(header::CONTENT_SECURITY_POLICY, POLICY)];
        (StatusCode::NOT_FOUND, headers, Html(include_str!("not_built.html"))).into_response()
    })
}

fn file_or_404(name: &str, cache: &'static str) -> Response {
    file(name, cache).unwrap_or_else(|| (StatusCode::NOT_FOUND, "there is no such page\n").into_response())
}

fn file(name: &str, cache: &'static str) -> Option<Response> {
    let file = Built::get(name)?;
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Some((headers, file.data.into_owned()).into_response())
}
