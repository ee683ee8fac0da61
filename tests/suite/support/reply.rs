//! What the server answered.

use serde_json::Value;

/// A GraphQL response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply(pub(crate) Value);

impl Reply {
    /// The data of a response without errors.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert!(self.0.get("errors").is_none(), "{}", self.0);
        &self.0["data"]
    }

    /// One field of it.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Value {
        self.data()[name].clone()
    }

    /// The code of the first error.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        self.0["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {}", self.0))
    }
}

/// The code of the problem in a payload, if there is one.
pub(crate) fn code_of(payload: &Value) -> Option<&str> {
    payload["problem"]["code"].as_str()
}

/// A text that must be there.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A number that must be there.
#[track_caller]
pub(crate) fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}
