//! The bytes of an answer: a few pieces, of which the large ones may be shared with other answers.
//!
//! A list of 100,000 seats is written once and sent to whoever asked for it. It stands in a [`Value`] as
//! [`Value::Binary`], a kind that no type of the schema has: its bytes are JSON and go out as they are.

use async_graphql::{Response, Value};
use axum::body::Bytes;
use serde::Serialize;

use crate::graphql::request::masking;
use crate::graphql::{budget::ANSWER, over_limit::OverLimit};

/// Shared bytes shorter than this are copied: a piece of its own costs more.
const WORTH_SHARING: usize = 4 << 10;

/// The pieces of one answer, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payload {
    pieces: Vec<Bytes>,
}

impl Payload {
    /// The answer to an HTTP request: errors first, and `data` only if something was executed.
    ///
    /// # Errors
    ///
    /// If it would be longer than `limit` bytes.
    pub(crate) fn of_response(response: &Response, limit: usize) -> Result<Self, OverLimit> {
        let mut writer = Writer::up_to(limit);
        writer.response(response);
        writer.finish_within_limit()
    }

    /// The answer to a request that was not executed.
    pub(crate) fn of_errors(response: &Response) -> Self {
        let mut writer = Writer::up_to(usize::MAX);
        writer.response(response);
        writer.finish()
    }

    /// One answer of the operation `id` over a WebSocket.
    ///
    /// # Errors
    ///
    /// If it would be longer than `limit` bytes.
    pub(crate) fn next(id: &str, response: &Response, limit: usize) -> Result<Self, OverLimit> {
        let mut writer = Writer::up_to(limit);
        writer.text(&next_prefix(id));
        writer.response(response);
        writer.text("}");
        writer.finish_within_limit()
    }

    /// The same of an answer that is written already.
    ///
    /// # Errors
    ///
    /// As [`Self::next`].
    pub(crate) fn next_written(id: &str, answer: Bytes, limit: usize) -> Result<Self, OverLimit> {
        let mut writer = Writer::up_to(limit);
        writer.text(&next_prefix(id));
        writer.shared(&answer);
        writer.text("}");
        writer.finish_within_limit()
    }

    /// The same of an answer that others are sent as well, after its prefix.
    pub(crate) fn around(prefix: Bytes, answer: &[Bytes]) -> Self {
        let pieces = [prefix].into_iter().chain(answer.iter().cloned());
        Self { pieces: pieces.chain([Bytes::from_static(b"}")]).collect() }
    }

    /// Any other message.
    pub(crate) fn json(message: &impl Serialize) -> Self {
        let mut writer = Writer::up_to(usize::MAX);
        writer.json(message);
        writer.finish()
    }

    /// The pieces as they are.
    pub(crate) fn into_pieces(self) -> Vec<Bytes> {
        self.pieces
    }

    /// All of it in one piece, copied if there are several.
    #[cfg(test)]
    fn into_bytes(self) -> Bytes {
        self.pieces.concat().into()
    }
}

/// What comes before an answer of the operation `id` over a WebSocket; after it comes a brace.
pub(crate) fn next_prefix(id: &str) -> String {
    format!(r#"{{"type":"next","id":{},"payload":"#, serde_json::Value::from(id))
}

struct Writer {
    payload: Payload,
    open: Vec<u8>,
    /// Bytes of the pieces that are closed.
    closed: usize,
    limit: usize,
}

impl Writer {
    fn up_to(limit: usize) -> Self {
        Self { payload: Payload::default(), open: Vec::new(), closed: 0, limit }
    }

    fn is_over(&self) -> bool {
        self.closed + self.open.len() > self.limit
    }

    fn response(&mut self, response: &Response) {
        let mut comma = false;
        self.text("{");
        if !response.errors.is_empty() {
            self.key("errors", &mut comma);
            self.json(&response.errors);
        }
        if !masking::is_request_error(response) {
            self.key("data", &mut comma);
            self.value(&response.data);
        }
        if !response.extensions.is_empty() {
            self.key("extensions", &mut comma);
            self.json(&response.extensions);
        }
        self.text("}");
    }

    fn value(&mut self, value: &Value) {
        // What is too long already is not written to its end.
        if self.is_over() {
            return;
        }
        let mut comma = false;
        match value {
            Value::Object(fields) => {
                self.text("{");
                for (name, value) in fields {
                    self.key(name, &mut comma);
                    self.value(value);
                }
                self.text("}");
            }
            Value::List(items) => {
                self.text("[");
                for item in items {
                    self.separate(&mut comma);
                    self.value(item);
                }
                self.text("]");
            }
            Value::Binary(json) => self.shared(json),
            scalar => self.json(scalar),
        }
    }

    fn key(&mut self, name: &str, comma: &mut bool) {
        self.separate(comma);
        self.json(name);
        self.text(":");
    }

    fn separate(&mut self, comma: &mut bool) {
        if std::mem::replace(comma, true) {
            self.text(",");
        }
    }

    fn text(&mut self, text: &str) {
        self.open.extend_from_slice(text.as_bytes());
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        serde_json::to_writer(&mut self.open, value).expect("a GraphQL value has string keys only");
    }

    fn shared(&mut self, json: &Bytes) {
        if json.len() < WORTH_SHARING {
            self.open.extend_from_slice(json);
        } else {
            self.close_piece();
            self.push(json.clone());
        }
    }

    fn close_piece(&mut self) {
        let piece = std::mem::take(&mut self.open);
        if !piece.is_empty() {
            self.push(piece.into());
        }
    }

    fn push(&mut self, piece: Bytes) {
        self.closed += piece.len();
        self.payload.pieces.push(piece);
    }

    fn finish_within_limit(self) -> Result<Payload, OverLimit> {
        if self.is_over() {
            return Err(OverLimit { of: ANSWER, asked: self.limit + 1, allowed: self.limit });
        }
        Ok(self.finish())
    }

    fn finish(mut self) -> Payload {
        self.close_piece();
        self.payload
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::ServerError;
    use serde_json::json;

    use super::*;

    fn read(payload: Payload) -> serde_json::Value {
        serde_json::from_slice(&payload.into_bytes()).unwrap()
    }

    #[test]
    fn an_answer_reads_as_it_was_meant() {
        let data = json!({ "a\"b": [1, null, { "c": "ü\n" }], "d": {}, "e": [], "f": true, "g": 1.5 });
        let response = Response::new(Value::from_json(data.clone()).unwrap());
        assert_eq!(read(Payload::of_response(&response, 1_000).unwrap()), json!({ "data": data }));
        let next = json!({ "type": "next", "id": "\"1", "payload": { "data": data } });
        assert_eq!(read(Payload::next("\"1", &response, 1_000).unwrap()), next);
    }

    #[test]
    fn what_is_too_long_is_not_written_to_its_end() {
        let long = Response::new(Value::List(vec![Value::from("0123456789"); 100]));
        let all = Payload::of_response(&long, usize::MAX).unwrap().into_bytes().len();
        assert!(Payload::of_response(&long, all).is_ok());
        let over = Payload::of_response(&long, all - 1).unwrap_err();
        assert_eq!((over.asked, over.allowed), (all, all - 1));
        let mut writer = Writer::up_to(50);
        writer.response(&long);
        assert!(writer.open.len() < 200, "it went on");
        let shared = Response::new(Value::Binary(vec![b'1'; 10_000].into()));
        assert!(Payload::next("1", &shared, 9_999).is_err());
    }

    #[test]
    fn a_request_error_has_no_data() {
        let response = Response::from_errors(vec![ServerError::new("no", None)]);
        assert_eq!(
            read(Payload::of_response(&response, 1_000).unwrap()),
            json!({ "errors": [{ "message": "no" }] })
        );
    }

    #[test]
    fn long_shared_json_goes_out_as_it_is_and_is_not_copied() {
        let (short, long) = (Bytes::from("[1]"), Bytes::from(format!("[{}2]", "2,".repeat(WORTH_SHARING))));
        let fields = [("s", &short), ("l", &long), ("t", &short)];
        let fields = fields.map(|(name, json)| (async_graphql::Name::new(name), Value::Binary(json.clone())));
        let response = Response::new(Value::Object(fields.into_iter().collect()));
        let payload = Payload::of_response(&response, usize::MAX).unwrap();
        assert_eq!(payload.pieces.len(), 3);
        assert_eq!(payload.pieces[1].as_ptr(), long.as_ptr());
        let data = read(payload)["data"].take();
        assert_eq!(
            (&data["s"], &data["t"], data["l"].as_array().unwrap().len()),
            (&json!([1]), &json!([1]), 4097)
        );
    }
}
