//! A WebSocket on which nothing waits without an end.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use tokio_tungstenite::tungstenite;

use super::protocol::{ClientMessage, Closing, ServerMessage, fitting};
use crate::server::endpoint::TransportLimits;
use crate::server::payload::Payload;

/// What came in.
pub(super) enum Incoming {
    /// A message of the protocol.
    Message(ClientMessage),
    /// A frame that only shows that the other side is there.
    Sign,
}

pub(super) struct Socket {
    inner: WebSocket,
    send_timeout: Duration,
    close_timeout: Duration,
}

impl Socket {
    pub(super) fn new(inner: WebSocket, limits: &TransportLimits) -> Self {
        Self { inner, send_timeout: limits.send_timeout, close_timeout: limits.close_timeout }
    }

    /// The next thing the client says. Safe to drop while waiting.
    ///
    /// # Errors
    ///
    /// The socket is over, or must be closed because of what was said.
    pub(super) async fn receive(&mut self) -> Result<Incoming, Closing> {
        match self.inner.recv().await {
            Some(Ok(Message::Text(text))) => ClientMessage::read(&text).map(Incoming::Message),
            Some(Ok(Message::Binary(_))) => Err(Closing::NOT_TEXT),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Incoming::Sign),
            Some(Ok(Message::Close(_))) => Err(Closing::ByClient),
            None => Err(Closing::Gone),
            Some(Err(error)) => Err(closing_for(error)),
        }
    }

    /// # Errors
    ///
    /// The client is gone or does not read.
    pub(super) async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Closing> {
        self.send_payload(Payload::json(message)).await
    }

    /// # Errors
    ///
    /// The client is gone or does not read.
    pub(super) async fn send_payload(&mut self, payload: Payload) -> Result<(), Closing> {
        let text = Utf8Bytes::try_from(payload.into_bytes()).expect("JSON is text");
        self.send_frame(Message::Text(text)).await
    }

    /// # Errors
    ///
    /// The client is gone or does not read.
    pub(super) async fn ping(&mut self) -> Result<(), Closing> {
        self.send_frame(Message::Ping(Bytes::new())).await
    }

    async fn send_frame(&mut self, frame: Message) -> Result<(), Closing> {
        match tokio::time::timeout(self.send_timeout, self.inner.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Closing::Gone),
        }
    }

    /// Ends the socket. After a close frame it waits a moment for the answer: dropped with unread input, the
    /// connection would be reset, and the client might never see the code.
    pub(super) async fn close(mut self: Box<Self>, closing: Closing) {
        let frame = match closing {
            Closing::Gone => return,
            Closing::ByClient => None,
            Closing::Frame { code, reason } => {
                // The reason may repeat what the client has said.
                tracing::debug!(code, "closing a socket");
                Some(Message::Close(Some(CloseFrame { code, reason: fitting(&reason).into() })))
            }
        };
        let close = async {
            if let Some(frame) = frame
                && self.inner.send(frame).await.is_err()
            {
                return;
            }
            // Reading to the end also sends the answer to a close of the client.
            while let Some(Ok(_)) = self.inner.recv().await {}
        };
        // Either way the socket is dropped now.
        let _ = tokio::time::timeout(self.close_timeout, close).await;
    }
}

fn closing_for(error: axum::Error) -> Closing {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Closing::TOO_BIG,
        _ => Closing::Gone,
    }
}
