//! Whether a client takes gzip (RFC 9110, 12.5.3).

use axum::http::{HeaderMap, header};

/// Whether it names gzip, or anything, and does not like it less than what is not compressed.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut gzip, mut anything, mut identity) = (None, None, None);
    for (name, quality) in lines.flat_map(|line| line.split(',')).filter_map(entry) {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "*" => anything = Some(quality),
            "identity" => identity = Some(quality),
            _ => {}
        }
    }
    let gzip = gzip.or(anything).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// A coding and how much it is liked; nothing if that cannot be read.
fn entry(text: &str) -> Option<(&str, f32)> {
    let Some((name, weight)) = text.split_once(';') else { return Some((text.trim(), 1.0)) };
    let (q, quality) = weight.split_once('=')?;
    let quality = quality.trim().parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
    q.trim().eq_ignore_ascii_case("q").then_some((name.trim(), quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        let takes = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, line.parse().unwrap());
            takes_gzip(&headers)
        };
        for line in [
            "gzip",
            "br, GZIP;q=0.5",
            "deflate, gzip, br, zstd",
            "gzip ; Q = 0.001",
            "*",
            "br;q=1, *;q=0.5",
            "x-gzip",
            "identity;q=0.5, gzip;q=0.5",
        ] {
            assert!(takes(line), "{line}");
        }
        for line in [
            "",
            "br",
            "gzip;q=0",
            "gzip; q=0.0",
            "xgzip",
            "identity",
            "*;q=0",
            "gzip;q=0, *",
            "identity, gzip;q=0.5",
            "gzip;q=x",
            "gzip;q=2",
            "gzip;level=1",
        ] {
            assert!(!takes(line), "{line}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
