//! What is searched for, and the form in which it is compared (rule 23).

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed as Composed;
use icu_properties::{CodePointSetData as Set, props::DefaultIgnorableCodePoint};

use super::{check_identifier, readable::PARTS, within};

/// Text in the form in which searches compare it: case, width and form make no difference. Full case folding of NFC, with
/// NFKC for width, without what is invisible, and with one letter for all that are written as an i.
///
/// What it makes of titles is stored (`store::search`): a change here needs a step that makes those anew.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = fold_once(text);
    // What folding makes can be composed, and what composing makes be folded: a second time does it.
    for _ in 0..2 {
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn fold_once(text: &str) -> String {
    let folded = CaseMapper::new().fold_string(&compatible(text)).into_owned();
    // The Turkish letters with and without a dot: each is the other's neighbour in some case.
    let folded = folded.replace("i\u{307}", "i").replace('ı', "i");
    compatible(&folded)
}

/// NFKC, without what is invisible.
pub(super) fn compatible(text: &str) -> String {
    let seen = |c: &char| {
        !Set::new::<DefaultIgnorableCodePoint>().contains(*c) || ('\u{e0020}'..='\u{e007f}').contains(c)
    };
    let seen: String = text.chars().filter(seen).collect();
    Composed::new_nfkc().normalize(&seen).into_owned()
}

/// No title has one of these. SQLite takes some of them for another one, U+FFFD, and would find that.
fn is_no_character(c: char) -> bool {
    matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe
}

/// The words that a title has to have, in any order, in the form of [`folded`]; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWords(Vec<String>);

impl SearchWords {
    /// How many characters a search may have.
    pub const LENGTH: usize = 200;

    /// How many words.
    pub const MOST: usize = 10;

    /// Reads a search; none if it has no word.
    ///
    /// # Errors
    /// A sentence, without the name of the input, that says what is wrong and what would be right.
    pub fn try_new(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        let allowed = 0..=Self::LENGTH;
        // To look at all of it first would be to do whatever work is sent.
        if text.chars().nth(PARTS * Self::LENGTH).is_some() {
            within(text, &allowed)?;
        }
        check_identifier(&Composed::new_nfc().normalize(text), allowed)?;
        if let Some(c) = text.chars().find(|c| is_no_character(*c)) {
            return Err(format!("must not have what is no character; this one has U+{:04X}", u32::from(c)));
        }
        let mut words: Vec<String> = Vec::new();
        for word in folded(text).split_whitespace() {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        match words.len() {
            0 => Ok(None),
            1..=Self::MOST => Ok(Some(Self(words))),
            n => Err(format!("must have at most {} different words, not {n}", Self::MOST)),
        }
    }

    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(search: &str, title: &str) -> bool {
        let title = folded(title);
        let words = SearchWords::try_new(search).unwrap();
        words.is_none_or(|words| words.iter().all(|word| title.contains(word)))
    }

    #[test]
    fn words_are_found_in_any_case_form_width_and_order() {
        for (title, search) in [
            ("Die Ärzte", "Ärzte"),
            ("Die Ärzte", "ärzte die"),
            ("Die Ärzte", "A\u{308}RZTE"),
            ("Die A\u{308}rzte", "ärzte"),
            ("Straße", "STRASSE"),
            ("STRASSE", "straße"),
            ("STRAẞE", "strasse"),
            ("ΟΔΟΣ", "οδος"),
            ("Οδός", "ΟΔΌΣ"),
            ("οδος", "οδοσ"),
            ("İstanbul", "istanbul"),
            ("İstanbul", "İSTANBUL"),
            ("ISTANBUL", "istanbul"),
            ("Işık", "ışık"),
            ("IŞIK", "ışık"),
            ("Ｆｕｌｌ Ｗｉｄｔｈ", "full width"),
            ("full", "ＦＵＬＬ"),
            ("ガンダム", "ｶﾞﾝﾀﾞﾑ"),
            ("한글 콘서트", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("\u{1112}\u{1161}\u{11ab}글", "한글"),
            ("ﬁnale", "FINALE"),
            ("I ❤\u{fe0f} you", "❤ you"),
            ("I ❤ you", "❤\u{fe0f}"),
            ("Night\u{a0}of\u{3000}Songs", "songs night"),
            ("100% \\ _", "_ % \\"),
            ("Ǆ", "ǆ"),
            ("ᏣᎳᎩ", "ꮳꮃꭹ"),
            ("ŉ", "ʼN"),
            ("anything", ""),
            ("anything", " \u{3000}"),
            ("anything", "\u{200b}"),
        ] {
            assert!(
                finds(search, title),
                "{search:?} in {title:?}: {:?} {:?}",
                folded(search),
                folded(title)
            );
        }
        for (title, search) in
            [("Die Ärzte", "Arzte"), ("Die Ärzte", "Ärzte live"), ("ab", "a_"), ("ab", "%")]
        {
            assert!(!finds(search, title), "{search:?} in {title:?}");
        }
    }

    #[test]
    fn a_search_is_bounded() {
        let long = "표".repeat(200);
        assert!(SearchWords::try_new(&format!("  {long}\t")).is_ok());
        assert!(SearchWords::try_new(&"\u{1112}\u{1161}\u{11ab}".repeat(200)).is_ok());
        for long in [format!("{long}a"), "a".repeat(1_000), "a b ".repeat(100_000)] {
            let refused = SearchWords::try_new(&long).unwrap_err();
            assert_eq!(refused, "must have at most 200 characters; this one is longer");
        }
        assert!(SearchWords::try_new("a\0").unwrap_err().contains("U+0000"));
        for c in ['\u{fdd0}', '\u{fffe}', '\u{ffff}', '\u{10ffff}'] {
            assert!(SearchWords::try_new(&format!("a{c}")).unwrap_err().contains("no character"), "{c:?}");
        }
        for c in ['\u{fffd}', '\u{e000}', '\u{fdf0}'] {
            assert!(SearchWords::try_new(&format!("a{c}")).is_ok(), "{c:?}");
        }
        let words = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(SearchWords::try_new(&words(10)).unwrap().unwrap().iter().count(), 10);
        assert!(SearchWords::try_new(&words(11)).unwrap_err().contains("at most 10 different words, not 11"));
        assert_eq!(SearchWords::try_new("a A ａ").unwrap().unwrap().iter().collect::<Vec<_>>(), ["a"]);
    }

    proptest! {
        #[test]
        fn what_is_folded_stays_as_it_is(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn case_and_form_make_no_difference(text in "\\PC{0,12}") {
            let decomposed: String = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            prop_assert_eq!(folded(&decomposed), folded(&text));
        }
    }
}
