//! The last step of every response: each error gets a code, and nothing of the inside gets out.
//!
//! - An error with a code was made for the caller by the resolvers or by the limits: it passes untouched.
//! - An error without a code and without a source was made by async-graphql about the request (parsing, validation,
//!   pagination), or by a resolver with `Error::new`: its message is for the caller.
//! - An error without a code but with a source came out of a resolver's `?`: it is logged once with a request id,
//!   and the caller gets the id instead. A panic likewise.

use std::any::Any;

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};

use crate::graphql::code;

/// What a caller is told of a failure of ours.
pub const BROKEN: &str = "Something broke on our side.";

/// Gives every error of `response` its code and hides what is not the caller's business. `request_id` is asked at
/// most once.
pub fn mask(response: &mut Response, request_id: &dyn Fn() -> String) {
    let mut id = None;
    for error in &mut response.errors {
        match code_for(error) {
            None => {}
            Some(code::INTERNAL) => hide(error, id.get_or_insert_with(request_id)),
            Some(code) => extensions(error).set("code", code),
        }
    }
}

/// The response to an operation that panicked: the payload goes to the log, the caller gets a request id.
pub fn panicked(payload: &(dyn Any + Send), request_id: &dyn Fn() -> String) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a payload that is not text");
    let mut error = ServerError::new(format!("panic: {text}"), None);
    hide(&mut error, &request_id());
    Response::from_errors(vec![error])
}

/// True if nothing was executed (bad syntax, failed validation, refused by the guard): such a response has no `data`.
pub(crate) fn is_request_error(response: &Response) -> bool {
    !response.errors.is_empty()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// The code of the first error, if there is one.
pub(crate) fn first_code(response: &Response) -> Option<&str> {
    match response.errors.first()?.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// The code that an error still needs.
fn code_for(error: &ServerError) -> Option<&'static str> {
    if error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some()) {
        return None;
    }
    // A resolver that asks for context data nobody put there is a mistake of ours, and its message names a Rust type.
    if error.source.is_some() || error.message.starts_with("Data `") {
        return Some(code::INTERNAL);
    }
    Some(code::BAD_USER_INPUT)
}

fn hide(error: &mut ServerError, request_id: &str) {
    tracing::error!(request_id, path = ?error.path, reason = error.message, "an operation failed");
    error.message = BROKEN.to_owned();
    error.source = None;
    // Whatever else was attached was meant for a reader inside.
    error.extensions = Some(ErrorExtensionValues::default());
    extensions(error).set("code", code::INTERNAL);
    extensions(error).set("requestId", request_id);
}

fn extensions(error: &mut ServerError) -> &mut ErrorExtensionValues {
    error.extensions.get_or_insert_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(error: ServerError) -> ServerError {
        let mut response = Response::from_errors(vec![error]);
        mask(&mut response, &|| "id-1".to_owned());
        response.errors.remove(0)
    }

    fn code_of(error: &ServerError) -> String {
        let extensions = error.extensions.as_ref().expect("extensions");
        extensions.get("code").expect("code").clone().into_json().unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn an_error_about_the_request_keeps_its_message() {
        let error = finished(ServerError::new("Unknown field \"a\".", None));
        assert_eq!(
            (code_of(&error).as_str(), error.message.as_str()),
            ("BAD_USER_INPUT", "Unknown field \"a\".")
        );
    }

    #[test]
    fn an_error_with_a_code_is_left_alone() {
        let mut error = ServerError::new("No such ticket.", None);
        error.source = Some(std::sync::Arc::new("inside"));
        extensions(&mut error).set("code", "NOT_FOUND");
        let error = finished(error);
        assert_eq!((code_of(&error).as_str(), error.message.as_str()), ("NOT_FOUND", "No such ticket."));
    }

    #[test]
    fn an_error_from_the_inside_is_replaced_whole() {
        let mut error = ServerError::new("connection to postgres://secret refused", None);
        error.source = Some(std::sync::Arc::new("inside"));
        extensions(&mut error).set("table", "wallets");
        let text = serde_json::to_string(&finished(error)).unwrap();
        assert_eq!(
            text,
            r#"{"message":"Something broke on our side.","extensions":{"code":"INTERNAL","requestId":"id-1"}}"#
        );
    }

    #[test]
    fn missing_context_data_does_not_name_the_type() {
        let error = finished(ServerError::new("Data `frontrow::Secret` does not exist.", None));
        assert_eq!((code_of(&error).as_str(), error.message.as_str()), ("INTERNAL", BROKEN));
    }

    #[test]
    fn one_id_serves_all_errors_of_a_response() {
        let mut error = ServerError::new("a", None);
        error.source = Some(std::sync::Arc::new("inside"));
        let mut response = Response::from_errors(vec![error.clone(), error]);
        let asked = std::cell::Cell::new(0);
        mask(&mut response, &|| {
            asked.set(asked.get() + 1);
            "id".to_owned()
        });
        assert_eq!(asked.get(), 1);
    }
}
