//! Content types: what a body is, what the caller accepts, and which status goes with it.

use async_graphql::Response;
use axum::http::{HeaderMap, StatusCode, header};

use crate::graphql::code;
use crate::graphql::request::masking;

/// The two media types of a GraphQL response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Media {
    /// `application/json`: a well-formed request is always answered with 200.
    Json,
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
}

impl Media {
    /// What the caller likes best; `application/json` where it does not say, `None` where it accepts neither.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
        if ranges.peek().is_none() {
            return Some(Self::Json);
        }
        ranges
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(Self::of_range)
            .filter(|&(quality, _)| quality > 0.0)
            // With equal quality the more telling media type wins, wherever it stands.
            .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| (a.1 as u8).cmp(&(b.1 as u8))))
            .map(|(_, media)| media)
    }

    /// One media range of an Accept header, with its quality.
    fn of_range(range: &str) -> Option<(f32, Self)> {
        let mut parts = range.split(';').map(str::trim);
        let media = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/graphql-response+json" => Self::GraphqlResponse,
            "application/json" | "application/*" | "*/*" => Self::Json,
            _ => return None,
        };
        let mut quality = 1.0;
        for parameter in parts {
            match parameter.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("charset") && !is_utf8(value) => {
                    return None;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("q") => {
                    quality = value.parse().unwrap_or(0.0)
                }
                _ => {}
            }
        }
        Some((quality, media))
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// The status of a response to a well-formed request.
    pub(super) fn status(self, response: &Response) -> StatusCode {
        if self == Self::Json || !masking::is_request_error(response) {
            return StatusCode::OK;
        }
        match masking::first_code(response) {
            Some(code::UNAUTHENTICATED) => StatusCode::UNAUTHORIZED,
            Some(code::FORBIDDEN) => StatusCode::FORBIDDEN,
            Some(code::RATE_LIMITED) => StatusCode::TOO_MANY_REQUESTS,
            Some(code::UNAVAILABLE) => StatusCode::SERVICE_UNAVAILABLE,
            Some(code::INTERNAL) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// True for a body of `application/json`, in UTF-8 where it says so.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => is_utf8(value),
            _ => true,
        })
}

fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(accept: &'static str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        Media::accepted(&headers)
    }

    #[test]
    fn accept_is_negotiated() {
        assert_eq!(Media::accepted(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(accepted("*/*"), Some(Media::Json));
        assert_eq!(accepted("application/json"), Some(Media::Json));
        let both = "application/json, application/graphql-response+json; charset=utf-8";
        assert_eq!(accepted(both), Some(Media::GraphqlResponse));
        let weighed = "application/graphql-response+json;q=0.5, application/json;q=0.9";
        assert_eq!(accepted(weighed), Some(Media::Json));
        assert_eq!(accepted("text/html"), None);
        assert_eq!(accepted("application/json;q=0"), None);
        assert_eq!(accepted("application/json; charset=iso-8859-1"), None);
    }

    #[test]
    fn only_json_is_json() {
        let is = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            is_json(&headers)
        };
        assert!(is("application/json"));
        assert!(is("Application/JSON; charset=\"UTF-8\""));
        assert!(!is("application/json; charset=utf-16"));
        assert!(!is("application/json-patch+json"));
        assert!(!is("text/plain;application/json"));
        assert!(!is("application/x-www-form-urlencoded"));
        assert!(!is_json(&HeaderMap::new()));
    }
}
