//! The bytes of an answer: a few pieces, of which the large ones may be shared with other answers.
//!
//! A list of 100,000 seats is written once and sent to whoever asked for it. It stands in a [`Value`] as
//! [`Value::Binary`], a kind that no type of the schema has: its bytes are JSON and go out as they are.

use async_graphql::{Response, Value};
use axum::body::Bytes;
use serde::Serialize;

use crate::server::finish;

/// Shared bytes shorter than this are copied: a piece of its own costs more.
const WORTH_SHARING: usize = 4 << 10;

/// The pieces of one answer, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payload {
    pieces: Vec<Bytes>,
}

impl Payload {
    /// The answer to an HTTP request: errors first, and `data` only if something was executed.
    pub(crate) fn of_response(response: &Response) -> Self {
        let mut writer = Writer::default();
        writer.response(response);
        writer.finish()
    }

    /// One answer of the operation `id` over a WebSocket.
    pub(crate) fn next(id: &str, response: &Response) -> Self {
        let mut writer = Writer::default();
        writer.text(r#"{"type":"next","id":"#);
        writer.json(id);
        writer.text(r#","payload":"#);
        writer.response(response);
        writer.text("}");
        writer.finish()
    }

    /// Any other message.
    pub(crate) fn json(message: &impl Serialize) -> Self {
        let mut writer = Writer::default();
        writer.json(message);
        writer.finish()
    }

    /// All of it in one piece, copied if there are several.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        if self.pieces.len() == 1 { self.pieces.remove(0) } else { self.pieces.concat().into() }
    }
}

#[derive(Default)]
struct Writer {
    payload: Payload,
    open: Vec<u8>,
}

impl Writer {
    fn response(&mut self, response: &Response) {
        let mut comma = false;
        self.text("{");
        if !response.errors.is_empty() {
            self.key("errors", &mut comma);
            self.json(&response.errors);
        }
        if !finish::is_request_error(response) {
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
        self.payload.pieces.push(piece);
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
        assert_eq!(read(Payload::of_response(&response)), json!({ "data": data }));
        let next = json!({ "type": "next", "id": "\"1", "payload": { "data": data } });
        assert_eq!(read(Payload::next("\"1", &response)), next);
    }

    #[test]
    fn a_request_error_has_no_data() {
        let response = Response::from_errors(vec![ServerError::new("no", None)]);
        assert_eq!(read(Payload::of_response(&response)), json!({ "errors": [{ "message": "no" }] }));
    }

    #[test]
    fn long_shared_json_goes_out_as_it_is_and_is_not_copied() {
        let (short, long) = (Bytes::from("[1]"), Bytes::from(format!("[{}2]", "2,".repeat(WORTH_SHARING))));
        let fields = [("s", &short), ("l", &long), ("t", &short)];
        let fields = fields.map(|(name, json)| (async_graphql::Name::new(name), Value::Binary(json.clone())));
        let payload = Payload::of_response(&Response::new(Value::Object(fields.into_iter().collect())));
        assert_eq!(payload.pieces.len(), 3);
        assert_eq!(payload.pieces[1].as_ptr(), long.as_ptr());
        let data = read(payload)["data"].take();
        assert_eq!(
            (&data["s"], &data["t"], data["l"].as_array().unwrap().len()),
            (&json!([1]), &json!([1]), 4097)
        );
    }
}
