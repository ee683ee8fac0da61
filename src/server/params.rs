//! The parameters of a GraphQL request, read the same way from a POST body, a GET query and a `subscribe` message.

use async_graphql::{Request, Variables};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::server::endpoint::Refusal;
use crate::server::persisted::{Keep, Named, Persisted};

/// Values of a request that is not its document: a list of 37,000 empty objects has 256 KiB, and takes 20 MB when it is read.
pub(crate) const VALUES: usize = 4_000;

/// Whether a JSON text has more values than a request may, counted without reading it.
pub(crate) fn has_too_many_values(json: &[u8]) -> bool {
    let (mut in_string, mut escaped, mut values) = (false, false, 0_usize);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            // Each value but the first of its list or object stands behind a comma.
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values > VALUES
}

fn too_many_values() -> String {
    format!("The request has more than {VALUES} values besides its document.")
}

fn no_document() -> String {
    "The request has no document: send it as \"query\".".to_owned()
}

/// `query`, `operationName`, `variables` and `extensions`; other keys are ignored, as the specification asks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    extensions: Option<Map<String, Value>>,
    /// The id of a document that is not sent: as the draft of GraphQL over HTTP calls it, and as Relay does.
    #[serde(default, alias = "id", alias = "doc_id")]
    document_id: Option<Value>,
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
            Some(b'{') if has_too_many_values(body) => Err(too_many_values()),
            Some(b'{') => serde_json::from_slice(body)
                .map_err(|error| format!("The body is not a well-formed GraphQL request: {error}.")),
            _ => Err("The body must be a JSON object with the key \"query\".".to_owned()),
        }
        .and_then(|params: Self| params.names_a_document().then_some(params).ok_or_else(no_document))
    }

    /// Whether there is a document, or something that stands for one.
    pub(crate) fn names_a_document(&self) -> bool {
        let by_hash =
            self.extensions.as_ref().is_some_and(|extensions| extensions.contains_key("persistedQuery"));
        self.query.is_some() || by_hash || self.document_id.is_some()
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
            #[serde(alias = "id", alias = "doc_id")]
            document_id: Option<String>,
        }

        let texts: Texts = serde_urlencoded::from_str(query)
            .map_err(|error| format!("The query string cannot be read: {error}."))?;
        let params = Self {
            query: texts.query,
            operation_name: texts.operation_name,
            variables: object("variables", texts.variables)?,
            extensions: object("extensions", texts.extensions)?,
            document_id: texts.document_id.map(Value::String),
        };
        params.names_a_document().then_some(params).ok_or_else(no_document)
    }

    /// The request for the executor, and how to keep its document.
    ///
    /// # Errors
    ///
    /// The document is named by what is not known, or wrongly.
    pub(crate) fn into_request(self, persisted: &Persisted) -> Result<(Request, Keep), Refusal> {
        let (extensions, id) = (self.extensions.as_ref(), self.document_id.as_ref());
        // Whatever kind of value an id is, it is none of ours.
        let id = id.map(|id| id.as_str().unwrap_or_default());
        let (query, keep) = persisted.document(Named { query: self.query, extensions, id })?;
        let mut request = Request::new(query);
        // Some clients send an empty name for none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        request.variables = Variables::from_json(Value::Object(self.variables.unwrap_or_default()));
        Ok((request, keep))
    }
}

fn object(name: &str, text: Option<String>) -> Result<Option<Map<String, Value>>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if has_too_many_values(text.as_bytes()) {
        return Err(too_many_values());
    }
    serde_json::from_str(&text)
        .map_err(|error| format!("The parameter \"{name}\" must be a JSON object: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings_and_whatever_they_are() {
        let list = |item: &str, n: usize| {
            format!("{{\"query\":\"{{a}}\",\"variables\":{{\"x\":[{}]}}}}", vec![item; n].join(","))
        };
        for item in ["0", "{}", "[]", "\"\"", "{\"\":0}", "[[]]"] {
            assert!(Params::from_json(list(item, 1_000).as_bytes()).is_ok(), "{item}");
            let refused = Params::from_json(list(item, 4_100).as_bytes()).unwrap_err();
            assert!(refused.contains("4000 values"), "{refused}");
        }
        let text = format!("\"{}\\\"{}\"", ",[{".repeat(5_000), ",".repeat(5_000));
        assert!(Params::from_json(list(&text, 1).as_bytes()).is_ok(), "what stands in a string is no value");
    }
}
