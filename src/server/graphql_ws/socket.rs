//! A WebSocket on which nothing waits without an end, and which keeps nothing while it waits.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::frames::{Fault, Frame, Heard, Reader};
use super::protocol::{ClientMessage, Closing, ServerMessage, fitting};
use crate::clock;
use crate::domain::address::Address;
use crate::domain::bucket::{Bucket, Rate, Taken};
use crate::graphql::sendable::Sendable;
use crate::server::door::{Alarm, Held, Outgoing, Wire};
use crate::server::endpoint::TransportLimits;
use crate::server::payload::Payload;

/// What is taken from the connection at once.
const READ_BYTES: usize = 4 << 10;

/// The longest part of a message: a ping has to wait for one at the most.
pub(super) const FRAGMENT_BYTES: usize = 16 << 10;

/// How often a message that has to wait for room looks whether there is some.
const ROOM_LOOK: Duration = Duration::from_millis(100);

/// What came in.
pub(super) enum Incoming {
    /// A message of the protocol.
    Message(ClientMessage),
    /// A frame that only shows that the other side is there.
    Sign,
}

pub(super) struct Socket {
    wire: Wire,
    address: Option<Address>,
    outgoing: Outgoing,
    reader: Reader,
    /// Since when a message, or a frame, has been coming in.
    unfinished: Option<Instant>,
    alarm: Alarm,
    /// What came in while something was being sent, and is not answered before that is done.
    heard: Option<Heard>,
    /// Room for what is coming in.
    incoming: Held,
    /// What is being written, and what goes next: a pong between any two frames, and the rest of the message.
    frame: Option<Frame>,
    pong: Option<Bytes>,
    message: VecDeque<Bytes>,
    is_begun: bool,
    /// The client has shown that it is there while it was being sent something.
    has_shown_up: bool,
    signs: Bucket,
    sign_rate: Option<Rate>,
    message_timeout: Duration,
    close_timeout: Duration,
}

impl Socket {
    /// `early` is what the client sent before it was told that this is a socket.
    pub(super) fn new(
        wire: Wire,
        early: &[u8],
        address: Option<Address>,
        outgoing: Outgoing,
        limits: &TransportLimits,
    ) -> Self {
        let mut reader = Reader::new(limits.message_bytes);
        reader.feed(early);
        let now = clock::instant();
        Self {
            wire,
            address,
            outgoing,
            unfinished: reader.is_amid().then_some(now),
            reader,
            alarm: Alarm::default(),
            heard: None,
            incoming: Held::nothing(),
            frame: None,
            pong: None,
            message: VecDeque::new(),
            is_begun: false,
            has_shown_up: false,
            signs: Bucket::new(now),
            sign_rate: limits.sign_rate,
            message_timeout: limits.message_timeout,
            close_timeout: limits.close_timeout,
        }
    }

    /// The next thing the client says. Safe to drop while waiting.
    ///
    /// # Errors
    ///
    /// The socket is over, or must be closed because of what was said.
    pub(super) async fn receive(&mut self) -> Result<Incoming, Closing> {
        let heard = poll_fn(|cx| {
            if let Poll::Ready(Err(closing)) = self.poll_write(cx) {
                return Poll::Ready(Err(closing));
            }
            match self.heard.take() {
                Some(heard) => Poll::Ready(Ok(heard)),
                None => self.poll_hear(cx),
            }
        });
        match heard.await? {
            Heard::Text(text) => {
                let text = std::str::from_utf8(&text).map_err(|_| Closing::NOT_UTF8)?;
                let message = ClientMessage::read(text)?;
                if !matches!(message, ClientMessage::Subscribe { .. }) {
                    self.count_sign()?;
                }
                Ok(Incoming::Message(message))
            }
            Heard::Binary => Err(Closing::NOT_TEXT),
            Heard::Close(code) => Err(Closing::ByClient(code)),
            sign @ (Heard::Ping(_) | Heard::Pong) => self.take_sign(sign).map(|()| Incoming::Sign),
        }
    }

    /// Whether the client has shown that it is there since this was asked last, though nothing was received: it took a
    /// long message, or answered a ping in the middle of one.
    pub(super) fn has_shown_up(&mut self) -> bool {
        std::mem::take(&mut self.has_shown_up)
    }

    /// Whether there is room for a long answer.
    pub(super) fn sendable(&self) -> Sendable {
        self.outgoing.sendable(self.address)
    }

    /// # Errors
    ///
    /// The client is gone or does not read.
    pub(super) async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Closing> {
        self.send_payload(Payload::json(message)).await
    }

    /// Sends a message, and returns when the last of it is on its way: so the next one is not made before.
    ///
    /// # Errors
    ///
    /// The client is gone or does not read, or so much is on its way already that there is no room for this.
    pub(super) async fn send_payload(&mut self, payload: Payload) -> Result<(), Closing> {
        let pieces = payload.into_pieces();
        let _held = self.room_for(&pieces).await?;
        self.message = pieces.into();
        self.is_begun = false;
        self.wire.next_message();
        poll_fn(|cx| self.poll_send(cx)).await
    }

    /// Sends short messages together, as whole frames; no more of them than [`FRAGMENT_BYTES`], for which there is always
    /// room.
    ///
    /// # Errors
    ///
    /// The client is gone or does not read.
    pub(super) async fn send_frames(&mut self, frames: Bytes) -> Result<(), Closing> {
        poll_fn(|cx| self.poll_write(cx)).await?;
        self.wire.next_message();
        self.frame = Some(Frame::whole(frames));
        poll_fn(|cx| self.poll_send(cx)).await
    }

    /// Sends an answer whose pieces others hold as well, after what only this one begins with.
    ///
    /// # Errors
    ///
    /// As [`Self::send_payload`].
    pub(super) async fn send_shared(&mut self, prefix: Bytes, pieces: &[Bytes]) -> Result<(), Closing> {
        match pieces {
            [answer] if prefix.len() + answer.len() < FRAGMENT_BYTES => {
                poll_fn(|cx| self.poll_write(cx)).await?;
                self.wire.next_message();
                self.frame = Some(Frame::text([prefix, answer.clone(), Bytes::from_static(b"}")]));
                poll_fn(|cx| self.poll_send(cx)).await
            }
            pieces => self.send_payload(Payload::around(prefix, pieces)).await,
        }
    }

    /// Waits until a message may go out: others are cut off if they do not take theirs.
    async fn room_for(&self, pieces: &[Bytes]) -> Result<Held, Closing> {
        let until = clock::instant() + self.message_timeout;
        loop {
            match self.outgoing.hold(self.address, pieces) {
                Ok(held) => return Ok(held),
                Err(_) if clock::instant() > until => return Err(Closing::TRY_AGAIN_LATER),
                Err(_) => clock::until(clock::instant() + ROOM_LOOK).await,
            }
        }
    }

    /// # Errors
    ///
    /// The client is gone or does not read.
    pub(super) async fn ping(&mut self) -> Result<(), Closing> {
        poll_fn(|cx| self.poll_write(cx)).await?;
        self.frame = Some(Frame::ping());
        poll_fn(|cx| self.poll_send(cx)).await
    }

    /// Writes all there is to write, and meanwhile hears pings and answers them, and notices when the client goes.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closing>> {
        loop {
            if let Poll::Ready(written) = self.poll_write(cx) {
                return Poll::Ready(written);
            }
            self.has_shown_up = true;
            if self.heard.is_some() {
                return Poll::Pending;
            }
            match ready!(self.poll_hear(cx))? {
                sign @ (Heard::Ping(_) | Heard::Pong) => self.take_sign(sign)?,
                other => self.heard = Some(other),
            }
        }
    }

    fn take_sign(&mut self, sign: Heard) -> Result<(), Closing> {
        self.count_sign()?;
        if let Heard::Ping(payload) = sign {
            // Of several pings that were not answered yet the last one is (RFC 6455, 5.5.3).
            self.pong = Some(payload);
        }
        Ok(())
    }

    fn count_sign(&mut self) -> Result<(), Closing> {
        let Some(rate) = self.sign_rate else { return Ok(()) };
        match self.signs.take(rate, clock::instant()) {
            Taken::Abuse => Err(Closing::TOO_MANY_REQUESTS),
            Taken::Yes | Taken::Wait(_) => Ok(()),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closing>> {
        while let Some(frame) = self.frame.take().or_else(|| self.next_frame()) {
            let frame = self.frame.insert(frame);
            let left = frame.left().map(IoSlice::new);
            match ready!(Pin::new(&mut self.wire).poll_write_vectored(cx, &left)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(Closing::Gone)),
                Ok(bytes) => frame.advance(bytes),
            }
            if frame.is_written() {
                self.frame = None;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn next_frame(&mut self) -> Option<Frame> {
        if let Some(payload) = self.pong.take() {
            return Some(Frame::pong(payload));
        }
        let front = self.message.front_mut()?;
        let part = front.split_to(front.len().min(FRAGMENT_BYTES));
        if front.is_empty() {
            self.message.pop_front();
        }
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        if self.message.is_empty() {
            // Gives back the room of a message in many pieces.
            self.message = VecDeque::new();
        }
        Some(Frame::data(part, is_first, self.message.is_empty()))
    }

    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, Closing>> {
        loop {
            if let Some(heard) = self.reader.next().map_err(closing_for)? {
                self.has_heard();
                return Poll::Ready(Ok(heard));
            }
            self.make_room()?;
            let mut bytes = [0; READ_BYTES];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.wire).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(Err(Closing::Gone)),
                Poll::Ready(Ok(())) => {
                    self.reader.feed(buffer.filled());
                    self.unfinished.get_or_insert_with(clock::instant);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Closing::Gone)),
                Poll::Pending => {
                    let Some(since) = self.unfinished else { return Poll::Pending };
                    ready!(self.alarm.poll(since + self.message_timeout, cx));
                    return Poll::Ready(Err(Closing::UNFINISHED));
                }
            }
        }
    }

    /// What is still to come has its own time from now on; but a ping inside of a message gives that no more.
    fn has_heard(&mut self) {
        if !self.reader.is_amid_message() {
            self.unfinished = self.reader.is_amid().then(clock::instant);
            self.incoming = Held::nothing();
            self.alarm.off();
        }
    }

    /// A long message needs room, for which it is counted with what goes out.
    fn make_room(&mut self) -> Result<(), Closing> {
        let bytes = self.reader.announced();
        if bytes > self.incoming.bytes() {
            self.incoming = Held::nothing();
            self.incoming =
                self.outgoing.hold_bytes(self.address, bytes).map_err(|_| Closing::TRY_AGAIN_LATER)?;
        }
        Ok(())
    }

    /// Ends the socket. After a close frame it waits a moment for the client to go: dropped with unread input, the
    /// connection would be reset, and the client might never see the code.
    pub(super) async fn close(mut self: Box<Self>, closing: Closing) {
        let frame = match closing {
            Closing::Gone => return,
            Closing::ByClient(code) => code.map_or_else(Frame::bare_close, |code| Frame::close(code, "")),
            Closing::Frame { code, reason } => {
                // The reason may repeat what the client has said.
                tracing::debug!(code, "closing a socket");
                Frame::close(code, fitting(&reason))
            }
        };
        // Either way the socket is dropped now.
        let _ = tokio::time::timeout(self.close_timeout, self.farewell(frame)).await;
    }

    /// A frame that is half written is finished first, a message is not.
    async fn farewell(&mut self, close: Frame) {
        self.message.clear();
        self.pong = None;
        if poll_fn(|cx| self.poll_write(cx)).await.is_err() {
            return;
        }
        self.frame = Some(close);
        if poll_fn(|cx| self.poll_write(cx)).await.is_err() || self.wire.shutdown().await.is_err() {
            return;
        }
        let mut bytes = [0; 512];
        while matches!(self.wire.read(&mut bytes).await, Ok(1..)) {}
    }
}

fn closing_for(fault: Fault) -> Closing {
    match fault {
        Fault::Protocol(what) => Closing::new(1002, what),
        Fault::TooBig => Closing::TOO_BIG,
    }
}
