//! In which language a caller is answered.

use std::cmp::Reverse;

/// A language that we have words in. Decided once for a request or a socket, at the door, and put into what is executed: an
/// answer that was made in one is none for who asked for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Also for whoever accepts none of ours.
    #[default]
    English,
    /// 한국어.
    Korean,
}

/// How much a caller wants a language, in thousandths; none at all is 0.
type Quality = u16;

impl Language {
    /// Every one there is, the default first.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// The one that is wanted most by a list as that of `Accept-Language` (RFC 9110, 12.5.4); of several that are wanted the
    /// same, the one that is named first. What does not read as a part of such a list is overlooked.
    #[must_use]
    pub fn accepted(list: &str) -> Self {
        let ranges: Vec<_> = list.split(',').filter_map(range).collect();
        let best = Self::ALL.into_iter().filter_map(|language| Some((language.wanted(&ranges)?, language)));
        // The last of several that are wanted the same, and the default is the first of all.
        best.rev().max_by_key(|(wanted, _)| *wanted).map(|(_, language)| language).unwrap_or_default()
    }

    /// How much it is wanted, and how far behind it stands; `None` if not at all. A range that names it counts before `*`.
    fn wanted(self, ranges: &[(&str, Quality)]) -> Option<(Quality, Reverse<usize>)> {
        let all = || ranges.iter().zip(0..).map(|((tag, quality), at)| (*tag, (*quality, Reverse(at))));
        let named = all().filter(|(tag, _)| self.is_meant_by(tag)).map(|(_, wanted)| wanted).max();
        let any = || all().filter(|(tag, _)| *tag == "*").map(|(_, wanted)| wanted).max();
        named.or_else(any).filter(|(quality, _)| *quality > 0)
    }

    /// Whether it is what a language range of RFC 4647 means: `ko`, and `ko-KR` as well.
    fn is_meant_by(self, range: &str) -> bool {
        range.split('-').next().is_some_and(|primary| primary.eq_ignore_ascii_case(self.subtag()))
    }

    fn subtag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }
}

/// One part of the list: a language range, and how much it is wanted.
fn range(part: &str) -> Option<(&str, Quality)> {
    let mut parameters = part.split(';').map(str::trim);
    let tag = parameters.next().filter(|tag| !tag.is_empty())?;
    match parameters.next() {
        None => Some((tag, 1_000)),
        Some(parameter) => Some((tag, quality(parameter)?)),
    }
}

/// That of `q=0.5`: at most three digits behind the point, and at most 1.
fn quality(parameter: &str) -> Option<Quality> {
    let (name, value) = parameter.split_once('=')?;
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    if !name.trim().eq_ignore_ascii_case("q") || !digits {
        return None;
    }
    let fraction: Quality = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_wanted_most_is_spoken() {
        for (list, language) in [
            ("", Language::English),
            ("ko", Language::Korean),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Language::Korean),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("en;q=0.5, KO ; q=0.8", Language::Korean),
            ("de,fr;q=0.5", Language::English),
            ("de,ko;q=0.1", Language::Korean),
            // Of two that are wanted the same, the first.
            ("ko,en", Language::Korean),
            ("en,ko", Language::English),
            // What is not wanted at all.
            ("ko;q=0", Language::English),
            ("en;q=0,*", Language::Korean),
            ("*", Language::English),
            ("*;q=0.5,ko;q=0.4", Language::English),
            ("ko;q=0.4,ko-KR,en;q=0.9", Language::Korean),
            // Neither a tag nor a quality.
            ("kor", Language::English),
            ("ko;q=1.5,en;q=0.1", Language::English),
            ("ko;q=0.1234", Language::English),
            (",;q=1,ko;q=0.2,;", Language::Korean),
            ("ko_KR", Language::English),
        ] {
            assert_eq!(Language::accepted(list), language, "{list}");
        }
    }
}
