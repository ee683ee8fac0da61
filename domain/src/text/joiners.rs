//! Characters that are invisible by themselves and belong to what stands beside them: joiners in pictures and in scripts
//! that need them, selectors of a variant, the tags of a flag. Where nothing needs them they may not be.
//!
//! The model is CONTEXTJ of RFC 5892, and the sequences of UTS 51.

use icu_properties::{
    CodePointMapData as Map, CodePointSetData as Set,
    props::{
        CanonicalCombiningClass, Emoji, EmojiModifier, ExtendedPictographic, JoiningType, Script,
        UnifiedIdeograph,
    },
};

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const BLACK_FLAG: char = '\u{1f3f4}';
const KEYCAP: char = '\u{20e3}';
const TAG_END: char = '\u{e007f}';

/// Tags that name a part of a country: `gbsct`, `usca`.
const REGION: std::ops::RangeInclusive<usize> = 3..=6;

/// Whether the character may be in a text only where something beside it needs it.
pub(super) fn is_conditional(c: char) -> bool {
    c == NON_JOINER || c == JOINER || is_selector(c) || is_mongolian(c) || is_tag(c)
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Selectors of variants of Mongolian letters, and what parts a vowel from its word.
fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180f}')
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007f}')
}

/// Whether something beside it needs the character at that place.
pub(super) fn belongs(chars: &[char], at: usize) -> bool {
    let (before, after) = (&chars[..at], &chars[at + 1..]);
    match chars[at] {
        NON_JOINER => after_virama(before) || between_joining(before, after),
        JOINER => {
            after_virama(before)
                || before_virama(before, after)
                || between_pictures(before, after)
                || before.last().is_some_and(|c| joins(*c))
        }
        c if is_tag(c) => in_flag(chars, at),
        c if is_mongolian(c) => {
            before.last().is_some_and(|c| Map::<Script>::new().get(*c) == Script::Mongolian)
        }
        c => before.last().is_some_and(|base| takes(*base, c, after)),
    }
}

fn is_virama(c: char) -> bool {
    Map::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}

fn after_virama(before: &[char]) -> bool {
    before.last().is_some_and(|c| is_virama(*c))
}

/// As in Bengali, where it keeps a letter whole that the virama would turn into a sign.
fn before_virama(before: &[char], after: &[char]) -> bool {
    before.last().is_some_and(|c| c.is_alphabetic()) && after.first().is_some_and(|c| is_virama(*c))
}

/// Whether the letter is written joined to its neighbours.
fn joins(c: char) -> bool {
    use JoiningType as T;
    matches!(Map::<T>::new().get(c), T::DualJoining | T::LeftJoining | T::RightJoining)
}

/// RFC 5892 asks for letters that would really be joined; people also write it where they would not be.
fn between_joining(before: &[char], after: &[char]) -> bool {
    let marks =
        |c: &&char| Map::<JoiningType>::new().get(**c) == JoiningType::Transparent && !is_conditional(**c);
    let (before, after) = (before.iter().rev().find(|c| !marks(c)), after.iter().find(|c| !marks(c)));
    before.is_some_and(|c| joins(*c)) && after.is_some_and(|c| joins(*c))
}

fn between_pictures(before: &[char], after: &[char]) -> bool {
    let picture = |c: &char| Set::new::<ExtendedPictographic>().contains(*c);
    let dress = |c: &&char| **c == '\u{fe0f}' || Set::new::<EmojiModifier>().contains(**c);
    before.iter().rev().find(|c| !dress(c)).is_some_and(picture) && after.first().is_some_and(picture)
}

/// Whether there are variants of `base` that the selector chooses from.
fn takes(base: char, selector: char, after: &[char]) -> bool {
    match selector {
        // A digit is a picture only as a key.
        '\u{fe0e}' | '\u{fe0f}' if base.is_ascii() => {
            Set::new::<Emoji>().contains(base) && after.first() == Some(&KEYCAP)
        }
        '\u{fe0e}' | '\u{fe0f}' => Set::new::<Emoji>().contains(base),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            let myanmar = selector == '\u{fe00}' && Map::<Script>::new().get(base) == Script::Myanmar;
            myanmar || Set::new::<UnifiedIdeograph>().contains(base)
        }
        _ => false,
    }
}

/// Whether the tag is part of a flag: a black one, and the name of a part of a country in tags.
fn in_flag(chars: &[char], at: usize) -> bool {
    let Some(flag) = chars[..at].iter().rposition(|c| !is_tag(*c)) else { return false };
    let tags: Vec<char> =
        chars[flag + 1..].iter().copied().take_while(|c| is_tag(*c)).take(REGION.end() + 2).collect();
    let named = |c: &char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    match tags.split_last() {
        Some((&TAG_END, name)) => {
            chars[flag] == BLACK_FLAG && REGION.contains(&name.len()) && name.iter().all(named)
        }
        _ => false,
    }
}
