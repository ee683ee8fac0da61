//! Answers in gzip, for those who ask for it.
//!
//! Only answers to queries: that of a mutation is short, and may have a new token in it (with a secret and somebody else's
//! words in one compressed answer its length tells of the secret). Others have no secret, and no page on another host can
//! have them asked for in somebody's name, because no browser adds an `Authorization` by itself.
//!
//! Compressing a house of 100,000 seats takes longer than all the rest of its answer, so it is done for all who ask for
//! the same: a shared piece is compressed once and kept, and an answer is put together of compressed parts (RFC 1951 lets
//! one begin wherever the last one ended with a full flush). One answer at a time is compressed, in small steps between
//! which the sale goes on; beyond a short queue it goes out as it is.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::{Compress, CompressError, Compression, Crc, FlushCompress};
use tokio::sync::Semaphore;

use super::{Done, Unsent};
use crate::domain::address::Address;
use crate::server::door::{Outgoing, SMALL};
use crate::server::encoding::takes_gzip;

/// A shorter answer fits into one packet anyway.
const WORTH_IT: usize = 1_200;

/// How much is compressed in one step: half a millisecond.
const STEP: usize = 64 << 10;

/// A shared piece from this length on is compressed for all who share it.
const LARGE: usize = 64 << 10;

/// How long the pieces whose compressed form is kept may be together.
const KEPT: usize = 32 << 20;

/// How many answers may wait to be compressed.
const WAITING: usize = 16;

static ZIPPER: Zipper = Zipper {
    turns: Semaphore::const_new(1),
    waiting: Semaphore::const_new(WAITING),
    kept: Mutex::new(VecDeque::new()),
};

/// The same answer, compressed if its caller takes that and it is worth it.
pub(super) async fn zipped(
    asked: &HeaderMap,
    outgoing: &Outgoing,
    address: Option<Address>,
    mut answer: Response,
) -> Response {
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes_gzip(asked) || answer.extensions().get::<Done>().is_some() {
        return answer;
    }
    let Some(Unsent(pieces)) = answer.extensions_mut().remove() else { return answer };
    match ZIPPER.zip(outgoing, address, &pieces).await {
        Some(zipped) => {
            answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            answer.extensions_mut().insert(Unsent(zipped));
        }
        None => {
            answer.extensions_mut().insert(Unsent(pieces));
        }
    }
    answer
}

/// The same in gzip; `None` if it is not worth it, or many wait for theirs.
pub(super) async fn zip(
    outgoing: &Outgoing,
    address: Option<Address>,
    pieces: &[Bytes],
) -> Option<Vec<Bytes>> {
    ZIPPER.zip(outgoing, address, pieces).await
}

/// See the module.
struct Zipper {
    turns: Semaphore,
    waiting: Semaphore,
    /// Pieces that others may ask for too, the oldest first.
    kept: Mutex<VecDeque<(Bytes, Part)>>,
}

/// A part of a compressed answer, and what it has to add to the check sum of the whole.
#[derive(Clone)]
struct Part {
    bytes: Bytes,
    crc: Arc<Crc>,
}

impl Zipper {
    /// The same in gzip; `None` if it is not worth it, or many wait for theirs.
    async fn zip(
        &self,
        outgoing: &Outgoing,
        address: Option<Address>,
        pieces: &[Bytes],
    ) -> Option<Vec<Bytes>> {
        let bytes: usize = pieces.iter().map(Bytes::len).sum();
        if bytes < WORTH_IT {
            return None;
        }
        // What is so short is done at once, like the answer itself.
        let (mut _turn, mut _held) = (None, None);
        if bytes >= SMALL {
            let _waits = self.waiting.try_acquire().ok()?;
            // If there is no room for it, whoever sends it will say so.
            _held = Some(outgoing.hold(address, pieces).ok()?);
            _turn = Some(self.turns.acquire().await.ok()?);
        }
        let mut parts = Vec::new();
        for run in pieces.chunk_by(|a, b| !is_large(a) && !is_large(b)) {
            let part = match run {
                [one] if is_large(one) => self.large(one).await,
                short => deflated(&short.concat()).await,
            };
            parts.push(part.ok()?);
        }
        Some(put_together(parts))
    }

    async fn large(&self, piece: &Bytes) -> Result<Part, CompressError> {
        if piece.is_unique() {
            return deflated(piece).await;
        }
        if let Some(known) = self.known(piece) {
            return Ok(known);
        }
        let part = deflated(piece).await?;
        self.keep(piece, &part);
        Ok(part)
    }

    /// A piece is where it is in memory for as long as it is kept here.
    fn known(&self, piece: &Bytes) -> Option<Part> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &Bytes| one.as_ptr() == piece.as_ptr() && one.len() == piece.len();
        kept.iter().find(|(one, _)| is_it(one)).map(|(_, part)| part.clone())
    }

    fn keep(&self, piece: &Bytes, part: &Part) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else has it any more, so nobody will ask for it.
        kept.retain(|(one, _)| !one.is_unique());
        kept.push_back((piece.clone(), part.clone()));
        while kept.iter().map(|(one, _)| one.len()).sum::<usize>() > KEPT {
            kept.pop_front();
        }
    }
}

fn is_large(piece: &Bytes) -> bool {
    piece.len() >= LARGE
}

/// Compressed by itself, up to where another part can begin.
async fn deflated(bytes: &[u8]) -> Result<Part, CompressError> {
    let level = if bytes.len() < SMALL { Compression::default() } else { Compression::fast() };
    let (mut deflate, mut crc) = (Compress::new(level, false), Crc::new());
    let mut out = Vec::with_capacity(bytes.len() / 8 + 64);
    let mut steps = bytes.chunks(STEP).peekable();
    while let Some(step) = steps.next() {
        crc.update(step);
        let flush = if steps.peek().is_some() { FlushCompress::None } else { FlushCompress::Full };
        deflate_step(&mut deflate, step, flush, &mut out)?;
        if steps.peek().is_some() {
            tokio::task::yield_now().await;
        }
    }
    out.shrink_to_fit();
    Ok(Part { bytes: out.into(), crc: Arc::new(crc) })
}

fn deflate_step(
    deflate: &mut Compress,
    mut step: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    loop {
        out.reserve(step.len() / 4 + 64);
        let before = deflate.total_in();
        deflate.compress_vec(step, out, flush)?;
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(step.len());
        step = &step[taken..];
        // Room that is left says that there was no more to write.
        if step.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
    }
}

/// RFC 1952: a head, the parts, an empty last block, and the check sum and length of all of it.
fn put_together(parts: Vec<Part>) -> Vec<Bytes> {
    let mut crc = Crc::new();
    let mut whole = vec![Bytes::from_static(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")];
    for part in parts {
        crc.combine(&part.crc);
        whole.push(part.bytes);
    }
    let mut end = vec![3, 0];
    end.extend_from_slice(&crc.sum().to_le_bytes());
    end.extend_from_slice(&crc.amount().to_le_bytes());
    whole.push(end.into());
    whole
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::task::Poll;

    use flate2::read::GzDecoder;

    use super::*;

    fn zipper() -> Zipper {
        Zipper { turns: Semaphore::new(1), waiting: Semaphore::new(2), kept: Mutex::default() }
    }

    fn outgoing() -> Outgoing {
        Outgoing::new(64 << 20, None)
    }

    /// Text of that length which is not the same twice.
    fn text(length: usize, seed: usize) -> Bytes {
        let words = (0..).map(|n: usize| format!("{} ", (n + 1) * (seed + 7) % 191));
        words.flat_map(String::into_bytes).take(length).collect::<Vec<u8>>().into()
    }

    fn unzipped(zipped: &[Bytes]) -> Vec<u8> {
        let mut text = Vec::new();
        GzDecoder::new(zipped.concat().as_slice()).read_to_end(&mut text).unwrap();
        text
    }

    #[tokio::test]
    async fn what_is_unzipped_is_what_was_zipped_whatever_it_is_made_of() {
        let zipper = zipper();
        let shared = [text(LARGE, 1), text(LARGE * 3 + 1, 2), text(5_000, 3)];
        for lengths in [
            vec![WORTH_IT],
            vec![SMALL - 1],
            vec![SMALL],
            vec![STEP],
            vec![STEP + 1],
            vec![10, LARGE, 10],
            vec![LARGE * 3, 1, 1, LARGE],
            vec![0, LARGE * 20, 0],
        ] {
            for (seed, shared) in shared.iter().enumerate() {
                let mut pieces: Vec<Bytes> =
                    lengths.iter().enumerate().map(|(n, length)| text(*length, n + seed)).collect();
                pieces.insert(seed.min(pieces.len()), shared.clone());
                let zipped = zipper.zip(&outgoing(), None, &pieces).await.unwrap();
                assert_eq!(unzipped(&zipped), pieces.concat(), "{lengths:?}");
                assert!(zipped.concat().len() * 2 < pieces.concat().len());
            }
        }
    }

    #[tokio::test]
    async fn what_is_short_stays_as_it_is() {
        assert!(zipper().zip(&outgoing(), None, &[text(WORTH_IT - 1, 1)]).await.is_none());
    }

    /// The house that hundreds ask for.
    #[tokio::test]
    async fn a_shared_piece_is_zipped_once() {
        let (zipper, house) = (zipper(), text(LARGE * 4, 1));
        let ask = async |n: usize| {
            let pieces = [text(30, n), house.clone(), text(30, n)];
            let zipped = zipper.zip(&outgoing(), None, &pieces).await.unwrap();
            assert_eq!(unzipped(&zipped), pieces.concat());
            zipped[2].as_ptr()
        };
        assert_eq!(ask(1).await, ask(2).await);
    }

    #[tokio::test]
    async fn pieces_are_kept_while_somebody_has_them_and_so_many_at_the_most() {
        let (zipper, kept) = (zipper(), |zipper: &Zipper| zipper.kept.lock().unwrap().len());
        for n in 0..10 {
            let gone = text(LARGE, n);
            let _others = gone.clone();
            zipper.zip(&outgoing(), None, std::slice::from_ref(&gone)).await.unwrap();
            assert_eq!(kept(&zipper), 1, "those that nobody has any more are forgotten");
        }
        let houses: Vec<Bytes> = (0..5).map(|_| vec![b'x'; KEPT / 3].into()).collect();
        let _others = houses.clone();
        for house in &houses {
            zipper.zip(&outgoing(), None, std::slice::from_ref(house)).await.unwrap();
        }
        assert_eq!(kept(&zipper), 3);
    }

    /// Beyond a few that wait, and where there is no room for what they wait with, an answer goes out as it is.
    #[tokio::test]
    async fn only_so_many_wait_to_be_zipped() {
        let (zipper, outgoing) = (zipper(), outgoing());
        let long = [text(SMALL, 1)];
        let turn = zipper.turns.acquire().await.unwrap();
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(zipper.zip(&outgoing, None, &long))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        let one_more = Box::pin(zipper.zip(&outgoing, None, &long));
        assert!(matches!(futures_util::poll!(one_more), Poll::Ready(None)));
        // A payment is short, and waits for nobody.
        assert!(zipper.zip(&outgoing, None, &[text(SMALL - 1, 1)]).await.is_some());
        drop(turn);
        for one in waiting {
            assert!(one.await.is_some());
        }
        let full = Outgoing::new(1, None);
        let _held = full.hold(None, &[text(SMALL, 1)]).unwrap();
        assert!(zipper.zip(&full, None, &long).await.is_none());
    }
}
