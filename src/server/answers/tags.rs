//! Entity tags (RFC 9110, 8.8.3): by what a client that asks again is told that nothing has changed.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
};
use sha2::{Digest, Sha256};

/// How much is looked at in one step.
const STEP: usize = 256 << 10;

/// Those of an answer as it is, and in gzip. They are of its bytes and their media type alone, so that every process gives
/// the same.
#[derive(Debug)]
pub(super) struct Tags([HeaderValue; 2]);

impl Tags {
    /// Lets others have their turn between the steps: a large house takes some ten milliseconds.
    pub(super) async fn of(media: &str, pieces: &[Bytes]) -> Self {
        let mut sum = Sha256::new_with_prefix(media);
        for piece in pieces {
            for step in piece.chunks(STEP) {
                sum.update(step);
                if step.len() == STEP {
                    tokio::task::yield_now().await;
                }
            }
        }
        let sum = hex::encode(&sum.finalize()[..16]);
        let tag = |text: String| HeaderValue::try_from(text).expect("hexadecimal digits, letters and quotes");
        Self([tag(format!("\"{sum}\"")), tag(format!("\"{sum}-gzip\""))])
    }

    pub(super) fn of_coding(&self, zipped: bool) -> &HeaderValue {
        &self.0[usize::from(zipped)]
    }
}

/// Whether `If-None-Match` names this tag, by the weak comparison, or any. Of what cannot be read nothing is met.
pub(crate) fn are_met(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let Ok(tag) = tag.to_str() else { return false };
    lines.map(str::trim).any(|line| line == "*" || tags(line).any(|one| one == tag))
}

/// The tags of a list, without the `W/` of those that are weak. A tag may have commas in it.
fn tags(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = tag.split_at(end);
        rest = after;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(lines: &[&'static str]) -> bool {
        let mut asked = HeaderMap::new();
        for line in lines {
            asked.append(header::IF_NONE_MATCH, HeaderValue::from_static(line));
        }
        are_met(&asked, &HeaderValue::from_static("\"a,b\""))
    }

    #[test]
    fn a_list_names_tags_weak_or_not_and_a_star_names_all() {
        for lines in [
            &["\"a,b\""][..],
            &["W/\"a,b\""],
            &["\"x\", W/\"y\" ,\"a,b\""],
            &["\"x\"", "\"a,b\",\"z\""],
            &[" * "],
            &[",,\"a,b\","],
        ] {
            assert!(met(lines), "{lines:?}");
        }
        for lines in
            [&[][..], &["\"a\""], &["a,b"], &["\"a,b"], &["w/\"a,b\""], &["\"x\" * \"y\""], &["\"a,b-gzip\""]]
        {
            assert!(!met(lines), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn tags_are_of_the_bytes_however_these_are_cut() {
        let whole = Tags::of("a/b", &[Bytes::from_static(b"seats")]).await;
        let cut = Tags::of("a/b", &[Bytes::from_static(b"se"), Bytes::from_static(b"ats")]).await;
        assert_eq!(whole.of_coding(false), cut.of_coding(false));
        assert_ne!(whole.of_coding(false), whole.of_coding(true));
        assert_ne!(
            whole.of_coding(false),
            Tags::of("a/b", &[Bytes::from_static(b"seat")]).await.of_coding(false)
        );
    }
}
