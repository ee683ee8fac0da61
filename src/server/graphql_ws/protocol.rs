//! The messages and close codes of `graphql-transport-ws`.

use std::borrow::Cow;

use async_graphql::ServerError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::server::params::{Params, VALUES, has_too_many_values};

/// The only subprotocol that is spoken.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Pong {},
    Subscribe {
        id: String,
        payload: Params,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// Reads a text message.
    ///
    /// # Errors
    ///
    /// The close that a message outside the protocol leads to.
    pub(super) fn read(text: &str) -> Result<Self, Closing> {
        if has_too_many_values(text.as_bytes()) {
            return Err(Closing::new(4400, format!("The message has more than {VALUES} values.")));
        }
        let read: Result<Self, _> = serde_json::from_str(text);
        if matches!(&read, Ok(Self::Subscribe { payload, .. }) if !payload.names_a_document()) {
            return Err(Closing::new(4400, "The message is not one of the protocol."));
        }
        // Where, but not what: the reader's own words show what it has read, which may have been a token.
        read.map_err(|error| {
            if error.is_data() {
                return Closing::new(4400, "The message is not one of the protocol.");
            }
            let (line, column) = (error.line(), error.column());
            Closing::new(4400, format!("The message is not JSON from line {line}, column {column} on."))
        })
    }
}

/// What the server says, but for the answers of operations, which are [`crate::server::payload::Payload::next`].
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

/// How a socket ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Closing {
    /// With a close frame.
    Frame {
        /// The close code.
        code: u16,
        /// At most 123 bytes go over the wire.
        reason: Cow<'static, str>,
    },
    /// The client has sent its close frame, which still has to be answered, with this code.
    ByClient(Option<u16>),
    /// At once: the other side is gone, or does not read.
    Gone,
}

impl Closing {
    pub(super) const GOING_AWAY: Self = Self::fixed(1001, "The server is going away.");
    pub(super) const NOT_UTF8: Self = Self::fixed(1007, "The message is not UTF-8.");
    pub(super) const TRY_AGAIN_LATER: Self =
        Self::fixed(1013, "Too many answers are on their way at the moment: try again later.");
    pub(super) const UNFINISHED: Self = Self::fixed(4408, "A message took too long to arrive.");
    pub(super) const TOO_MANY_REQUESTS: Self =
        Self::fixed(4429, "Too many requests: wait as long as retryAfterMs says.");
    pub(super) const TOO_BIG: Self = Self::fixed(1009, "The message is too big.");
    pub(super) const NO_PONG: Self = Self::fixed(1011, "A ping was not answered.");
    pub(super) const NOT_TEXT: Self = Self::fixed(4400, "Only text messages are understood.");
    pub(super) const UNAUTHORIZED: Self =
        Self::fixed(4401, "Unauthorized: send connection_init and wait for the answer.");
    pub(super) const SUBPROTOCOL_NOT_ACCEPTABLE: Self =
        Self::fixed(4406, "Subprotocol not acceptable: use graphql-transport-ws.");
    pub(super) const INIT_TIMEOUT: Self = Self::fixed(4408, "Connection initialisation timeout.");
    pub(super) const TOO_MANY_INITS: Self = Self::fixed(4429, "Too many initialisation requests.");

    const fn fixed(code: u16, reason: &'static str) -> Self {
        Self::Frame { code, reason: Cow::Borrowed(reason) }
    }

    pub(super) fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Frame { code, reason: reason.into() }
    }
}

/// The first bytes of `reason` that fit a close frame, cut between characters.
pub(super) fn fitting(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(fitting("short"), "short");
        let korean = "표".repeat(60);
        assert_eq!(fitting(&korean), "표".repeat(41));
    }

    #[test]
    fn messages_outside_the_protocol_are_4400() {
        let outside = [
            "",
            "[]",
            "{}",
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"complete"}"#,
        ];
        for text in outside {
            let closing = ClientMessage::read(text).expect_err(text);
            assert!(matches!(closing, Closing::Frame { code: 4400, .. }), "{text}");
        }
    }
}
