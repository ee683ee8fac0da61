//! Frames and messages of WebSocket (RFC 6455), as a server reads and writes them.
//!
//! The heads of frames are read and written by tungstenite. Its streams are not used, because they keep what they once
//! needed: room for the longest message that came in, and for the longest that went out. Here a socket that waits keeps
//! nothing, a message goes out in slices of memory that others share, and what is unfinished can be seen.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// The longest payload of a control frame.
const CONTROL_BYTES: usize = 125;

/// The longest head that a server writes.
const HEAD_BYTES: usize = 10;

/// What came in whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Text(Bytes),
    Binary,
    Ping(Bytes),
    Pong,
    /// With the code to answer with.
    Close(Option<u16>),
}

/// What no client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not WebSocket.
    Protocol(&'static str),
    /// It is longer than a message may be.
    TooBig,
}

/// Puts messages together from whatever bytes come in.
#[derive(Debug)]
pub(super) struct Reader {
    /// What came and is not used yet.
    bytes: BytesMut,
    /// The frame whose head has been read.
    frame: Option<(FrameHeader, usize)>,
    /// The beginning of a message in several frames.
    message: Option<(Data, BytesMut)>,
    /// How long a message may be.
    most: usize,
}

impl Reader {
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: BytesMut::new(), frame: None, message: None, most }
    }

    /// Takes what has come.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a message, or a frame, has begun and not ended.
    pub(super) fn is_amid(&self) -> bool {
        self.frame.is_some() || self.message.is_some() || !self.bytes.is_empty()
    }

    /// Whether what has begun is a message in several frames: a frame between them ends nothing.
    pub(super) fn is_amid_message(&self) -> bool {
        self.message.is_some()
    }

    /// How long what has begun is, as far as is known.
    pub(super) fn announced(&self) -> usize {
        let frame = self.frame.as_ref().map_or(0, |(_, length)| *length);
        frame + self.message.as_ref().map_or(0, |(_, begun)| begun.len())
    }

    /// The next message or control frame, if it is there whole.
    ///
    /// # Errors
    ///
    /// The client does not keep to the protocol, or sends too much.
    pub(super) fn next(&mut self) -> Result<Option<Heard>, Fault> {
        loop {
            let Some((head, length)) = self.head()? else { return Ok(None) };
            if self.bytes.len() < length {
                self.bytes.reserve(length - self.bytes.len());
                self.frame = Some((head, length));
                return Ok(None);
            }
            let payload = self.payload(&head, length)?;
            match head.opcode {
                OpCode::Control(control) => return self.control(control, payload).map(Some),
                OpCode::Data(data) => {
                    if let Some(heard) = self.data(data, head.is_final, payload)? {
                        return Ok(Some(heard));
                    }
                }
            }
        }
    }

    fn head(&mut self) -> Result<Option<(FrameHeader, usize)>, Fault> {
        if let Some(head) = self.frame.take() {
            return Ok(Some(head));
        }
        let mut cursor = Cursor::new(&self.bytes);
        let parsed =
            FrameHeader::parse(&mut cursor).map_err(|_| Fault::Protocol("A frame of no known kind."))?;
        let Some((head, length)) = parsed else { return Ok(None) };
        let end = usize::try_from(cursor.position()).map_err(|_| Fault::TooBig)?;
        self.bytes.advance(end);
        self.check(&head, length).map(|length| Some((head, length)))
    }

    /// Everything that can be known from the head, before room is made for the rest.
    fn check(&self, head: &FrameHeader, length: u64) -> Result<usize, Fault> {
        let length = usize::try_from(length).map_err(|_| Fault::TooBig)?;
        if head.rsv1 || head.rsv2 || head.rsv3 {
            return Err(Fault::Protocol("A reserved bit is set."));
        }
        if head.mask.is_none() {
            return Err(Fault::Protocol("A frame is not masked."));
        }
        match head.opcode {
            OpCode::Control(_) if !head.is_final => Err(Fault::Protocol("A control frame in parts.")),
            OpCode::Control(_) if length > CONTROL_BYTES => Err(Fault::Protocol("A long control frame.")),
            OpCode::Control(_) => Ok(length),
            OpCode::Data(Data::Continue) if self.message.is_none() => {
                Err(Fault::Protocol("A continuation of nothing."))
            }
            OpCode::Data(Data::Text | Data::Binary) if self.message.is_some() => {
                Err(Fault::Protocol("A message inside another one."))
            }
            OpCode::Data(_) => {
                let begun = self.message.as_ref().map_or(0, |(_, begun)| begun.len());
                if begun.saturating_add(length) > self.most { Err(Fault::TooBig) } else { Ok(length) }
            }
        }
    }

    fn payload(&mut self, head: &FrameHeader, length: usize) -> Result<BytesMut, Fault> {
        let mut payload = self.bytes.split_to(length);
        let mask = head.mask.ok_or(Fault::Protocol("A frame is not masked."))?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        if self.bytes.is_empty() {
            // The room goes with the payload, and nothing is kept of the longest message that ever came.
            self.bytes = BytesMut::new();
        }
        Ok(payload)
    }

    fn control(&mut self, control: Control, payload: BytesMut) -> Result<Heard, Fault> {
        match control {
            // Of its own: it is kept until the answer is sent.
            Control::Ping => Ok(Heard::Ping(Bytes::copy_from_slice(&payload))),
            Control::Pong => Ok(Heard::Pong),
            Control::Close => close_code(&payload).map(Heard::Close),
            Control::Reserved(_) => Err(Fault::Protocol("A frame of no known kind.")),
        }
    }

    fn data(&mut self, data: Data, is_final: bool, payload: BytesMut) -> Result<Option<Heard>, Fault> {
        let (kind, whole) = match self.message.take() {
            Some((kind, mut begun)) => {
                begun.extend_from_slice(&payload);
                (kind, begun)
            }
            None => (data, payload),
        };
        Ok(match (is_final, kind) {
            // A copy that is no longer than it must be: many short frames would keep the room of their reads.
            (false, _) => {
                self.message = Some((kind, whole));
                None
            }
            (true, Data::Text) => Some(Heard::Text(whole.freeze())),
            (true, _) => Some(Heard::Binary),
        })
    }
}

/// The code that a close frame is answered with: its own, if that is one that may be sent.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Fault> {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(None) } else { Err(Fault::Protocol("A close with half a code.")) };
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !CloseCode::from(code).is_allowed() || std::str::from_utf8(reason).is_err() {
        return Err(Fault::Protocol("A close with a code or reason that may not be sent."));
    }
    Ok(Some(code))
}

/// A frame that is being written.
#[derive(Debug)]
pub(super) struct Frame {
    head: [u8; HEAD_BYTES],
    head_bytes: u8,
    /// Written one after the other.
    payload: [Bytes; 3],
}

impl Frame {
    /// One frame, or one part of a message of several.
    pub(super) fn data(payload: Bytes, is_first: bool, is_last: bool) -> Self {
        Self::new(OpCode::Data(if is_first { Data::Text } else { Data::Continue }), whole(payload), is_last)
    }

    /// A whole text message of these parts.
    pub(super) fn text(parts: [Bytes; 3]) -> Self {
        Self::new(OpCode::Data(Data::Text), parts, true)
    }

    pub(super) fn ping() -> Self {
        Self::new(OpCode::Control(Control::Ping), whole(Bytes::new()), true)
    }

    pub(super) fn pong(payload: Bytes) -> Self {
        Self::new(OpCode::Control(Control::Pong), whole(payload), true)
    }

    pub(super) fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Self::new(OpCode::Control(Control::Close), whole(payload.into()), true)
    }

    /// A close without a code.
    pub(super) fn bare_close() -> Self {
        Self::new(OpCode::Control(Control::Close), whole(Bytes::new()), true)
    }

    fn new(opcode: OpCode, payload: [Bytes; 3], is_final: bool) -> Self {
        let header = FrameHeader { is_final, opcode, ..FrameHeader::default() };
        let mut head = [0; HEAD_BYTES];
        let mut rest = &mut head[..];
        let length: usize = payload.iter().map(Bytes::len).sum();
        header.format(length as u64, &mut rest).expect("ten bytes are enough without a mask");
        let head_bytes = HEAD_BYTES - rest.len();
        // The head stands at the end, so that what is left of it is always the last of it.
        head.rotate_right(HEAD_BYTES - head_bytes);
        Self { head, head_bytes: u8::try_from(head_bytes).unwrap_or_default(), payload }
    }

    /// Whole frames, one after the other, as [`append_text`] has written them.
    pub(super) fn whole(frames: Bytes) -> Self {
        Self { head: [0; HEAD_BYTES], head_bytes: 0, payload: whole(frames) }
    }

    /// What is still to be written.
    pub(super) fn left(&self) -> [&[u8]; 4] {
        let [first, second, third] = &self.payload;
        [&self.head[HEAD_BYTES - usize::from(self.head_bytes)..], first, second, third]
    }

    pub(super) fn is_written(&self) -> bool {
        self.head_bytes == 0 && self.payload.iter().all(Bytes::is_empty)
    }

    /// So much of it was written.
    pub(super) fn advance(&mut self, bytes: usize) {
        let of_head = bytes.min(self.head_bytes.into());
        self.head_bytes -= u8::try_from(of_head).unwrap_or_default();
        let mut bytes = bytes - of_head;
        for part in &mut self.payload {
            let of_part = bytes.min(part.len());
            part.advance(of_part);
            bytes -= of_part;
        }
    }
}

/// A payload in one part.
fn whole(payload: Bytes) -> [Bytes; 3] {
    [payload, Bytes::new(), Bytes::new()]
}

/// Writes a text message in one frame, which consists of these parts.
pub(super) fn append_text(frames: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    header.format(length as u64, frames).expect("writing to memory cannot fail");
    parts.iter().for_each(|part| frames.extend_from_slice(part));
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
