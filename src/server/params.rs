//! The parameters of a GraphQL request, read the same way from a POST body, a GET query and a `subscribe` message.

use async_graphql::{Extensions, Request, Variables};
use serde::{Deserialize, de::DeserializeOwned};
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

/// The extension by which a document is named by its hash.
const PERSISTED: &str = "persistedQuery";

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
    variables: Variables,
    #[serde(default)]
    extensions: Extensions,
    /// The id of a document that is not sent: as the draft of GraphQL over HTTP calls it, and as Relay does.
    #[serde(default, alias = "id", alias = "doc_id")]
    document_id: Option<Value>,
}

/// What names a document in its stead.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Id {
    #[serde(default, alias = "id", alias = "doc_id")]
    document_id: Option<Value>,
}

impl Params {
    /// Whether a POST body may be read at all: one object of not too many values.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the caller.
    pub(crate) fn check_object(body: &[u8]) -> Result<(), String> {
        // serde would read an array as the fields of the struct in order.
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Err("Batches are not supported: send one request at a time.".to_owned()),
            Some(b'{') if has_too_many_values(body) => Err(too_many_values()),
            Some(b'{') => Ok(()),
            _ => Err("The body must be a JSON object with the key \"query\".".to_owned()),
        }
    }

    /// Reads a POST body.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the caller.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, String> {
        Self::check_object(body)?;
        serde_json::from_slice(body).map_err(not_well_formed).and_then(Self::with_document)
    }

    /// Those of a request that async-graphql has read in `body`: it knows no ids of documents.
    ///
    /// # Errors
    ///
    /// It names no document.
    pub(crate) fn of_request(request: Request, body: &[u8]) -> Result<Self, String> {
        let Request { query, operation_name, variables, extensions, .. } = request;
        let query = (!query.is_empty()).then_some(query);
        let id = match query {
            Some(_) => None,
            None => serde_json::from_slice::<Id>(body).map_err(not_well_formed)?.document_id,
        };
        Self { query, operation_name, variables, extensions, document_id: id }.with_document()
    }

    /// The same, if there is a document, or something that stands for one.
    fn with_document(self) -> Result<Self, String> {
        self.names_a_document().then_some(self).ok_or_else(no_document)
    }

    /// Whether there is a document, or something that stands for one.
    pub(crate) fn names_a_document(&self) -> bool {
        let by_hash = self.extensions.contains_key(PERSISTED);
        self.query.is_some() || by_hash || self.document_id.is_some()
    }

    /// Whether it brings a document that is to be kept by its hash. Whoever does is answered anew, so that it is kept again
    /// where it had to make room.
    pub(crate) fn offers_a_document(&self) -> bool {
        self.query.is_some() && self.extensions.contains_key(PERSISTED)
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
        Self {
            query: texts.query,
            operation_name: texts.operation_name,
            variables: object("variables", texts.variables)?,
            extensions: object("extensions", texts.extensions)?,
            document_id: texts.document_id.map(Value::String),
        }
        .with_document()
    }

    /// The request for the executor, and how to keep its document.
    ///
    /// # Errors
    ///
    /// The document is named by what is not known, or wrongly.
    pub(crate) fn into_request(self, persisted: &Persisted) -> Result<(Request, Keep), Refusal> {
        let (asked, id) = (self.extensions.get(PERSISTED), self.document_id.as_ref());
        let asked = asked.and_then(|asked| asked.clone().into_json().ok());
        let extensions = asked.map(|asked| Map::from_iter([(PERSISTED.to_owned(), asked)]));
        let extensions = extensions.as_ref();
        // Whatever kind of value an id is, it is none of ours.
        let id = id.map(|id| id.as_str().unwrap_or_default());
        let (query, keep) = persisted.document(Named { query: self.query, extensions, id })?;
        let mut request = Request::new(query);
        // Some clients send an empty name for none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        request.variables = self.variables;
        Ok((request, keep))
    }
}

fn not_well_formed(error: serde_json::Error) -> String {
    format!("The body is not a well-formed GraphQL request: {error}.")
}

fn object<T: DeserializeOwned + Default>(name: &str, text: Option<String>) -> Result<T, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(T::default()) };
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
