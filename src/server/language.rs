//! In which language whoever is at the door wants to be answered.

use std::sync::Arc;

use async_graphql::Request;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::graphql::language::Language;
use crate::server::endpoint::Session;

/// Of a request over HTTP, by its `Accept-Language`. An answer may differ by it.
pub(crate) fn of_headers(headers: &HeaderMap) -> Language {
    let lines: Vec<_> =
        headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok()).collect();
    Language::accepted(&lines.join(","))
}

/// Of a socket, by `acceptLanguage` in the payload of its `connection_init`, which reads as that header does.
pub(crate) fn of_init(payload: &Map<String, Value>) -> Language {
    payload.get("acceptLanguage").and_then(Value::as_str).map(Language::accepted).unwrap_or_default()
}

/// The same session, whose operations are answered in that language.
pub(crate) fn speaking(session: Session, language: Language) -> Session {
    Arc::new(move |request: &mut Request| {
        request.data.insert(language);
        session(request)
    })
}
