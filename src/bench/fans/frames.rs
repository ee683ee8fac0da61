//! Frames of WebSocket as a client reads and writes them, in as little time as will do: the fans share the machine with the
//! server that is measured.

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    Text(&'a [u8]),
    Ping,
    Close(&'a [u8]),
}

/// Puts messages together from what comes in. It keeps only what has begun and not ended.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The beginning of a frame.
    begun: Vec<u8>,
    /// The beginning of a message in several frames.
    message: Vec<u8>,
}

impl Reader {
    /// Takes what has come, and hands on every message that is whole.
    pub(super) fn feed(&mut self, bytes: &[u8], mut hear: impl FnMut(Heard<'_>)) {
        if self.begun.is_empty() {
            let used = self.read(bytes, &mut hear);
            self.begun = bytes[used..].to_vec();
            return;
        }
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let used = self.read(&all, &mut hear);
        self.begun = if used == all.len() { Vec::new() } else { all.split_off(used) };
    }

    /// How much of it was whole frames.
    fn read(&mut self, bytes: &[u8], hear: &mut impl FnMut(Heard<'_>)) -> usize {
        let mut used = 0;
        while let Some((first, from, length)) = head(&bytes[used..])
            && bytes.len() - used >= from + length
        {
            let payload = &bytes[used + from..used + from + length];
            used += from + length;
            match (first & 0x0f, first & 0x80 != 0) {
                (1, true) => hear(Heard::Text(payload)),
                (0 | 1, false) => self.message.extend_from_slice(payload),
                (0, true) => {
                    self.message.extend_from_slice(payload);
                    hear(Heard::Text(&std::mem::take(&mut self.message)));
                }
                (8, _) => hear(Heard::Close(payload)),
                (9, _) => hear(Heard::Ping),
                _ => {}
            }
        }
        used
    }
}

/// The first byte of a frame, where its payload begins, and how long that is.
fn head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    match *bytes {
        [first, 126, high, low, ..] => Some((first, 4, u16::from_be_bytes([high, low]).into())),
        [first, 127, ..] => {
            let length = u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            Some((first, 10, usize::try_from(length).ok()?))
        }
        [first, length @ 0..=125, ..] => Some((first, 2, length.into())),
        _ => None,
    }
}

/// One frame of a client. Its mask is nothing, which a server cannot tell from another.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_server(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = frame(first & 0x0f, payload);
        let head = frame.len() - payload.len() - 4;
        frame.drain(head..head + 4);
        (frame[0], frame[1]) = (first, frame[1] & 0x7f);
        frame
    }

    #[test]
    fn messages_are_whole_however_they_come() {
        let long = vec![b'x'; 70_000];
        let stream = [
            of_server(0x81, b"a"),
            of_server(0x01, b"b"),
            of_server(0x89, b""),
            of_server(0x00, &long[..300]),
            of_server(0x80, b"c"),
            of_server(0x81, &long),
            of_server(0x88, &[3, 232]),
        ]
        .concat();
        for size in [1, 2, 3, 1_000, stream.len()] {
            let (mut reader, mut heard) = (Reader::default(), Vec::new());
            for bytes in stream.chunks(size) {
                reader.feed(bytes, |what| {
                    heard.push(match what {
                        Heard::Text(text) => text.len(),
                        Heard::Ping => 1_000_000,
                        Heard::Close(code) => 2_000_000 + code.len(),
                    });
                });
            }
            assert_eq!(heard, [1, 1_000_000, 302, 70_000, 2_000_002], "{size}");
            assert!(reader.begun.is_empty() && reader.message.is_empty());
        }
    }
}
