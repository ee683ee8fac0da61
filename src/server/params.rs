//! The parameters of a GraphQL request, read the same way from a POST body, a GET query and a `subscribe` message.

use async_graphql::{Request, Variables};
use serde::Deserialize;
use serde_json::{Map, Value};

/// `query`, `operationName`, `variables` and `extensions`; other keys are ignored, as the specification asks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    /// Read only to refuse what is not an object; no extension of the request is understood.
    #[serde(default, rename = "extensions")]
    _extensions: Option<Map<String, Value>>,
}

impl Params {
    /// Reads a POST body.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the caller.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, String> {
        // serde would read an array as the fields of the struct in order.
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Err("Batches are not supported: send one request at a time.".to_owned()),
            Some(b'{') => serde_json::from_slice(body)
                .map_err(|error| format!("The body is not a well-formed GraphQL request: {error}.")),
            _ => Err("The body must be a JSON object with the key \"query\".".to_owned()),
        }
    }

    /// Reads the query part of a GET address.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the caller.
    pub(crate) fn from_query_string(query: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Texts {
            query: Option<String>,
            operation_name: Option<String>,
            variables: Option<String>,
            extensions: Option<String>,
        }

        let texts: Texts = serde_urlencoded::from_str(query)
            .map_err(|error| format!("The query string cannot be read: {error}."))?;
        Ok(Self {
            query: texts.query.ok_or("The parameter \"query\" is missing.")?,
            operation_name: texts.operation_name,
            variables: object("variables", texts.variables)?,
            _extensions: object("extensions", texts.extensions)?,
        })
    }

    /// The request for the executor.
    pub(crate) fn into_request(self) -> Request {
        let mut request = Request::new(self.query);
        // Some clients send an empty name for none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        request.variables = Variables::from_json(Value::Object(self.variables.unwrap_or_default()));
        request
    }
}

fn object(name: &str, text: Option<String>) -> Result<Option<Map<String, Value>>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    serde_json::from_str(&text)
        .map_err(|error| format!("The parameter \"{name}\" must be a JSON object: {error}."))
}
