//! Text that people read: its one form, and the characters that may be in it.
//!
//! Everybody sees the same in it, and something: what is invisible, or moves the letters around it, would let two texts
//! look the same that are not, or one look like something that it is not.

use std::ops::RangeInclusive;

use icu_normalizer::ComposingNormalizerBorrowed as Composed;
use icu_properties::{
    CodePointMapData as Map, CodePointSetData as Set,
    props::{DefaultIgnorableCodePoint, ExtendedPictographic, GeneralCategory as Category},
};

use super::{joiners, within};

/// Nonspacing marks one upon the other. No script needs more of them; heaps of them cover the lines around.
const MARKS: usize = 6;

/// Code points of which one composed character can be made, at most.
pub(super) const PARTS: usize = 4;

/// Characters that are signs by their category and blank all the same, or that stand for something which is not there.
const BLANK: [char; 4] = ['\u{2800}', '\u{fffc}', '\u{16fe4}', '\u{1d159}'];

/// In the category of format characters, and signs that can be seen: they stand before or over numbers and words.
const SEEN: [char; 13] = [
    '\u{600}',
    '\u{601}',
    '\u{602}',
    '\u{603}',
    '\u{604}',
    '\u{605}',
    '\u{6dd}',
    '\u{70f}',
    '\u{890}',
    '\u{891}',
    '\u{8e2}',
    '\u{110bd}',
    '\u{110cd}',
];

/// The text in NFC and without white space around it, if it may stand as it is.
pub(super) fn readable(text: &str, allowed: RangeInclusive<usize>) -> Result<String, String> {
    let text = text.trim();
    // To look at all of it first would be to do whatever work is sent.
    if text.chars().nth(PARTS * *allowed.end()).is_some() {
        within(text, &(*allowed.start()..=*allowed.end()))?;
    }
    let text = Composed::new_nfc().normalize(text);
    within(&text, &allowed)?;
    let chars: Vec<char> = text.chars().collect();
    for at in 0..chars.len() {
        if let Some(why) = misplaced(&chars, at) {
            return Err(format!(
                "must not have {why}; character {} is U+{:04X}",
                at + 1,
                u32::from(chars[at])
            ));
        }
    }
    Ok(text.into_owned())
}

/// What is left of the text without what may not stand in it, and without what is beyond `most` characters.
pub(super) fn made_readable(text: &str, most: usize) -> String {
    let start: String = text.trim_start().chars().take(PARTS * most).collect();
    let mut text = start.replace("\r\n", " ").replace(['\t', '\n', '\r', '\u{2028}', '\u{2029}'], " ");
    // What is left out may have been what its neighbours needed, or what kept them apart: until nothing is wrong any more.
    loop {
        let mut chars: Vec<char> = Composed::new_nfc().normalize(text.trim()).chars().collect();
        if let Some(at) = (0..chars.len()).find(|at| misplaced(&chars, *at).is_some()) {
            chars.remove(at);
        } else if chars.len() > most {
            chars.truncate(most);
        } else {
            return chars.into_iter().collect();
        }
        text = chars.into_iter().collect();
    }
}

/// What the character at that place is that may not stand there.
fn misplaced(chars: &[char], at: usize) -> Option<&'static str> {
    let c = chars[at];
    if c.is_ascii() {
        return c.is_ascii_control().then_some("control characters");
    }
    let category = Map::<Category>::new().get(c);
    match category {
        Category::Control => Some("control characters"),
        Category::LineSeparator | Category::ParagraphSeparator => Some("line breaks"),
        Category::PrivateUse => Some("characters that mean something else to everybody (private use)"),
        // A sign that a later edition of Unicode may have for a picture is one already.
        Category::Unassigned if !Set::new::<ExtendedPictographic>().contains(c) => {
            Some("characters that Unicode does not know")
        }
        _ if joiners::is_conditional(c) => {
            (!joiners::belongs(chars, at)).then_some("joiners, selectors or tags where nothing needs them")
        }
        _ if SEEN.contains(&c) => None,
        Category::Format => Some("invisible characters, nor such as change the direction of writing"),
        _ if BLANK.contains(&c) || Set::new::<DefaultIgnorableCodePoint>().contains(c) => {
            Some("invisible characters")
        }
        Category::NonspacingMark | Category::EnclosingMark | Category::SpacingMark => mark(chars, at),
        _ => None,
    }
}

/// Marks need something to stand upon, and room.
fn mark(chars: &[char], at: usize) -> Option<&'static str> {
    let category = |c: &char| Map::<Category>::new().get(*c);
    let heaped = |c: &&char| {
        matches!(category(c), Category::NonspacingMark | Category::EnclosingMark)
            && !joiners::is_conditional(**c)
    };
    if at == 0 {
        Some("a mark before the first letter, where it has nothing to stand upon")
    } else if chars[..=at].iter().rev().take(MARKS + 1).take_while(heaped).count() > MARKS {
        Some("more than 6 marks upon one another")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: RangeInclusive<usize> = 1..=50;

    fn read(text: &str) -> Result<String, String> {
        readable(text, ANY)
    }

    #[test]
    fn text_comes_in_one_form() {
        for (sent, kept) in [
            ("Stalls", "Stalls"),
            (" \t\u{3000}Stalls\u{a0}\r\n", "Stalls"),
            ("Die A\u{308}rzte", "Die Ärzte"),
            ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "한글"),
            ("\u{212b}", "Å"),
            ("Opéra\u{202f}!", "Opéra\u{202f}!"),
            ("a  b", "a  b"),
        ] {
            assert_eq!(read(sent).as_deref(), Ok(kept), "{sent:?}");
        }
    }

    #[test]
    fn what_scripts_and_pictures_need_stays() {
        for text in [
            "می\u{200c}خواهم",
            "قرارداد\u{200c}ها",
            "क्\u{200d}ष",
            "ශ්\u{200d}රී",
            "র\u{200d}্যাব",
            "👩\u{200d}🚀",
            "👩🏽\u{200d}🚀",
            "👨\u{200d}👩\u{200d}👧\u{200d}👦",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}\u{200d}🔥",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "🇰🇷",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "葛\u{e0100}城",
            "שָׁלוֹם",
            "ภาษาไทย",
            "Đặng Thị Ngọc",
            "x\u{301}\u{302}\u{303}",
            "\u{600}١٢",
            "ᠮᠣᠩᠭ\u{180b}ᠣᠯ",
            "☃ № 5 – «ß»",
        ] {
            assert_eq!(read(text).as_deref(), Ok(text), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for text in [
            "\u{200b}",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{200c}b",
            "a\u{200d}",
            "\u{200d}",
            "\u{200c}\u{200d}",
            "👩\u{200d}",
            "\u{200d}👩",
            "👩\u{200d}\u{200d}🚀",
            "👩\u{200d}a",
            "می\u{200c}\u{200c}خ",
            "می\u{200c}",
            "a\u{fe0f}",
            "\u{fe0f}",
            "1\u{fe0f}",
            "❤\u{fe0f}\u{fe0f}",
            "a\u{fe00}",
            "a\u{e0100}",
            "a\u{180b}",
            "a\u{ad}b",
            "a\u{34f}b",
            "a\u{61c}b",
            "a\u{180e}b",
            "a\u{2060}b",
            "a\u{2063}b",
            "a\u{feff}b",
            "\u{115f}",
            "\u{1160}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{fffc}",
            "\u{1d159}",
            "\u{17b4}",
            "\u{202e}abc",
            "a\u{202a}b",
            "a\u{2066}b\u{2069}",
            "a\u{200e}",
            "a\u{200f}",
            "🏴\u{e0067}\u{e0062}",
            "🏴\u{e007f}",
            "a\u{e0061}\u{e0062}\u{e0063}\u{e007f}",
            "a\u{e0001}b",
            "a\u{fff9}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\nb",
            "a\tb",
            "a\0",
            "a\u{7f}",
            "a\u{9f}b",
            "\u{e000}",
            "\u{f8ff}",
            "\u{100000}",
            "\u{ffff}",
            "\u{fdd0}",
            "\u{1fffe}",
            "a\u{378}",
            "\u{301}a",
            "\u{20e3}",
        ] {
            assert!(read(text).unwrap_err().starts_with("must not have "), "{text:?}: {:?}", read(text));
        }
        let heap = format!("Z{}", "\u{31b}\u{327}\u{30d}\u{30e}\u{312}\u{313}\u{314}".repeat(3));
        assert!(read(&heap).unwrap_err().contains("more than 6 marks"));
        for text in ["", " ", "\u{3000}\u{a0}\u{2003}", "\r\n"] {
            assert!(read(text).unwrap_err().contains("shorter"), "{text:?}");
        }
    }

    #[test]
    fn characters_are_counted_as_they_are_kept() {
        let decomposed = "\u{1112}\u{1161}\u{11ab}".repeat(50);
        assert_eq!(read(&decomposed).unwrap(), "한".repeat(50));
        assert!(read(&format!("{decomposed}.")).unwrap_err().contains("longer"));
        assert!(read(&"\u{1f82}".repeat(51)).unwrap_err().contains("longer"));
        assert!(read(&"x".repeat(1 << 20)).unwrap_err().contains("1 to 50 characters; this one is longer"));
        assert_eq!(read(&format!("{}x", " ".repeat(1 << 20))).unwrap(), "x");
        let widest = "\u{3b1}\u{313}\u{300}\u{345}".repeat(50);
        assert_eq!(read(&widest).unwrap(), "\u{1f82}".repeat(50));
    }

    /// Text of what makes trouble, and of what does not.
    fn troubled() -> impl Strategy<Value = String> {
        let parts = prop::sample::select(vec![
            "a",
            "Ä",
            "e\u{301}",
            " ",
            "\u{3000}",
            "\u{200d}",
            "\u{200c}",
            "\u{fe0f}",
            "👩",
            "🚀",
            "क",
            "\u{94d}",
            "م",
            "\u{301}",
            "\u{202e}",
            "\0",
            "\n",
            "한",
            "\u{1112}\u{1161}",
            "\u{11ab}",
            "1",
            "\u{20e3}",
            "葛",
            "\u{e0100}",
            "🏴",
            "\u{e0067}",
            "\u{e007f}",
        ]);
        prop::collection::vec(
            prop_oneof![4 => parts.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)],
            0..12,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn what_is_kept_is_in_its_form_and_can_be_seen(text in troubled()) {
            if let Ok(kept) = read(&text) {
                prop_assert_eq!(read(&kept), Ok(kept.clone()), "to read it again changes nothing");
                prop_assert_eq!(kept.trim(), kept.as_str());
                prop_assert!(Composed::new_nfc().is_normalized(&kept));
                prop_assert!(kept.chars().any(|c| !c.is_whitespace() && !Set::new::<DefaultIgnorableCodePoint>().contains(c)));
            }
        }

        #[test]
        fn what_is_made_readable_is_readable(text in troubled()) {
            let made = made_readable(&text, 50);
            prop_assert_eq!(readable(&made, 0..=50), Ok(made.clone()), "of {:?}", text);
            if let Ok(kept) = read(&text) {
                prop_assert_eq!(made, kept, "what is fine stays");
            }
        }
    }
}
