//! `Retry-After`, which says in whole seconds what `retryAfterMs` of an error says: also clients that know nothing of our
//! errors wait as long as they should.

use async_graphql::{ServerError, Value};
use axum::http::{HeaderValue, header};
use axum::response::Response;

/// Tells when to come back, if an error says so; of several the longest.
pub(super) fn tell(answer: &mut Response, errors: &[ServerError]) {
    let longest = errors.iter().filter_map(retry_after_ms).max();
    if let Some(ms) = longest {
        // To come back a moment too early would be to be refused again.
        let seconds = HeaderValue::from(ms.div_ceil(1_000).max(1));
        answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
}

fn retry_after_ms(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get("retryAfterMs")? {
        Value::Number(ms) => ms.as_u64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn error(ms: Option<u64>) -> ServerError {
        let mut error = ServerError::new("later", None);
        if let Some(ms) = ms {
            error.extensions.get_or_insert_default().set("retryAfterMs", ms);
        }
        error
    }

    #[test]
    fn whole_seconds_are_told_and_never_too_few() {
        for (errors, seconds) in [
            (vec![], None),
            (vec![error(None)], None),
            (vec![error(Some(0))], Some("1")),
            (vec![error(Some(1))], Some("1")),
            (vec![error(Some(1_000))], Some("1")),
            (vec![error(Some(1_001))], Some("2")),
            (vec![error(None), error(Some(59_500)), error(Some(7))], Some("60")),
        ] {
            let mut answer = Response::new(Body::empty());
            tell(&mut answer, &errors);
            let told = answer.headers().get(header::RETRY_AFTER).map(|told| told.to_str().unwrap());
            assert_eq!(told, seconds, "{errors:?}");
        }
    }
}
