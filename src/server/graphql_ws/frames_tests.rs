use proptest::prelude::*;

use super::*;

const MOST: usize = 1_000;

/// A frame as a client writes it, by the rules of the RFC and not by this code.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn all(bytes: &[u8], step: usize) -> Result<Vec<Heard>, Fault> {
    let (mut reader, mut heard) = (Reader::new(MOST), Vec::new());
    for bytes in bytes.chunks(step) {
        reader.feed(bytes);
        while let Some(one) = reader.next()? {
            heard.push(one);
        }
    }
    assert!(!reader.is_amid() && reader.bytes.capacity() == 0, "nothing is kept");
    Ok(heard)
}

fn text(text: &'static str) -> Heard {
    Heard::Text(text.into())
}

#[test]
fn messages_are_put_together_however_they_come_in() {
    let bytes = [
        frame(0x81, b"one"),
        frame(0x01, b"t"),
        frame(0x89, b"?"),
        frame(0x00, b"w"),
        frame(0x8a, b""),
        frame(0x80, b"o"),
        frame(0x82, b"binary"),
        frame(0x81, b""),
        frame(0x88, &1000_u16.to_be_bytes()),
        frame(0x88, b""),
    ]
    .concat();
    let expected = [
        text("one"),
        Heard::Ping("?".into()),
        Heard::Pong,
        text("two"),
        Heard::Binary,
        text(""),
        Heard::Close(Some(1000)),
        Heard::Close(None),
    ];
    for step in [1, 2, 3, 7, 1_000] {
        assert_eq!(all(&bytes, step).unwrap(), expected, "{step} at once");
    }
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let unmasked = vec![0x81, 1, b'x'];
    let broken = [
        unmasked,
        frame(0xc1, b"x"),
        frame(0xa1, b"x"),
        frame(0x91, b"x"),
        frame(0x83, b"x"),
        frame(0x8b, b"x"),
        frame(0x09, b"x"),
        frame(0x89, &[b'x'; 126]),
        frame(0x80, b"x"),
        [frame(0x01, b"x"), frame(0x81, b"x")].concat(),
        frame(0x88, b"x"),
        frame(0x88, &1005_u16.to_be_bytes()),
        frame(0x88, &999_u16.to_be_bytes()),
        frame(0x88, &[3, 232, 0xff]),
    ];
    for bytes in broken {
        assert!(matches!(all(&bytes, 1), Err(Fault::Protocol(_))), "{bytes:?}");
    }
}

#[test]
fn a_long_message_is_refused_before_there_is_room_for_it() {
    assert!(all(&frame(0x81, &[b'x'; MOST]), 100).is_ok());
    let mut head = frame(0x81, &[b'x'; MOST + 1]);
    head.truncate(8);
    assert_eq!(all(&head, 100), Err(Fault::TooBig));
    let parts = [frame(0x01, &[b'x'; MOST]), frame(0x80, b"x")].concat();
    assert_eq!(all(&parts, 100), Err(Fault::TooBig));
    let endless = [&[0x81, 0xff][..], &[0xff; 12]].concat();
    assert_eq!(all(&endless, 100), Err(Fault::TooBig));
}

#[test]
fn what_is_unfinished_can_be_seen() {
    let mut reader = Reader::new(MOST);
    assert!(!reader.is_amid());
    reader.feed(&frame(0x81, b"x")[..1]);
    assert!(reader.next().unwrap().is_none() && reader.is_amid() && !reader.is_amid_message());
    let mut reader = Reader::new(MOST);
    reader.feed(&frame(0x01, b"x"));
    assert!(reader.next().unwrap().is_none() && reader.is_amid_message());
    reader.feed(&frame(0x89, b""));
    assert!(reader.next().unwrap().is_some() && reader.is_amid_message());
    reader.feed(&frame(0x80, b""));
    assert!(reader.next().unwrap().is_some() && !reader.is_amid());
}

fn written(mut frame: Frame, step: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !frame.is_written() {
        let left = frame.left().concat();
        let some = left.len().min(step);
        bytes.extend_from_slice(&left[..some]);
        frame.advance(some);
    }
    bytes
}

proptest! {
    /// Whatever is written in pieces is one frame, and reads as it was meant.
    #[test]
    fn frames_are_written_as_they_are_read(length in 0_usize..70_000, step in 1_usize..5_000) {
        let payload: Bytes = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect::<Vec<_>>().into();
        let bytes = written(Frame::data(payload.clone(), true, true), step);
        let mut cursor = Cursor::new(&bytes);
        let (head, told) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
        prop_assert!(head.is_final && head.mask.is_none() && head.opcode == OpCode::Data(Data::Text));
        prop_assert_eq!(told, length as u64);
        prop_assert_eq!(&bytes[usize::try_from(cursor.position()).unwrap()..], &payload[..]);
    }

    /// The same of a message in parts that others hold as well.
    #[test]
    fn parts_are_one_frame(lengths in [0_usize..300, 0_usize..20_000, 0_usize..3], step in 1_usize..5_000) {
        let parts = lengths.map(|length| (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect::<Bytes>());
        let whole = Bytes::from(parts.concat());
        prop_assert_eq!(written(Frame::text(parts.clone()), step), written(Frame::data(whole, true, true), 1 << 20));
        let mut appended = Vec::new();
        append_text(&mut appended, &parts.each_ref().map(|part| &part[..]));
        prop_assert_eq!(written(Frame::whole(appended.clone().into()), step), appended.clone());
        prop_assert_eq!(appended, written(Frame::text(parts), 1 << 20));
    }

    /// No bytes whatever make it panic, or keep more than a message and what was fed.
    #[test]
    fn any_bytes_will_do(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1_usize..50) {
        let mut reader = Reader::new(MOST);
        'fed: for bytes in bytes.chunks(step) {
            reader.feed(bytes);
            loop {
                match reader.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'fed,
                }
            }
            prop_assert!(reader.announced() <= MOST);
        }
    }
}
