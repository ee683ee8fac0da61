//! What the server answered.

use serde_json::Value;

/// A GraphQL response.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply(pub Value);

impl Reply {
    /// The data of a response without errors.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.0.get("errors").is_none(), "{}", self.0);
        &self.0["data"]
    }

    /// One field of it.
    #[track_caller]
    pub fn field(&self, name: &str) -> Value {
        self.data()[name].clone()
    }

    /// The code of the first error.
    #[track_caller]
    pub fn error(&self) -> &str {
        self.0["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {}", self.0))
    }

    /// The mistakes that the first error tells of: where (`input.sections.0.name`), and in which words.
    #[track_caller]
    pub fn inputs(&self) -> Vec<(String, String)> {
        let inputs = self.0["errors"][0]["extensions"]["inputs"].as_array();
        let inputs = inputs.unwrap_or_else(|| panic!("no inputs: {}", self.0));
        let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
        let path = |path: &Value| path.as_array().unwrap().iter().map(step).collect::<Vec<_>>().join(".");
        inputs.iter().map(|input| (path(&input["path"]), text(&input["message"]))).collect()
    }
}

/// The code of the problem in a payload, if there is one.
pub fn code_of(payload: &Value) -> Option<&str> {
    payload["problem"]["code"].as_str()
}

/// A text that must be there.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The ids of a list of objects.
#[track_caller]
pub fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    list.iter().map(|each| text(&each["id"])).collect()
}

/// A number that must be there.
#[track_caller]
pub fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}
