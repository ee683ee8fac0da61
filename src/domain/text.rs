//! Text that somebody types: how long it may be, and of which characters.

use std::ops::RangeInclusive;

/// A title of a concert.
pub const TITLE: RangeInclusive<usize> = 1..=200;

/// The name of a section of a house.
pub const SECTION: RangeInclusive<usize> = 1..=50;

/// The name of a fan.
pub const NAME: RangeInclusive<usize> = 0..=100;

/// What concerts are searched for: as long as the longest title.
pub const SEARCH: RangeInclusive<usize> = 0..=200;

/// An idempotency key (rule 17).
pub const KEY: RangeInclusive<usize> = 1..=64;

/// Checks that `text` has so many characters, none of them a control character: no database and no log takes those
/// as they are. It is looked at no further than its longest allowed length, and not shown again.
///
/// # Errors
/// A sentence that names the input, says what is allowed, and what was wrong.
pub fn check(input: &str, text: &str, allowed: RangeInclusive<usize>) -> Result<(), String> {
    let (least, most) = (*allowed.start(), *allowed.end());
    let length = match least {
        0 => format!("at most {most} characters"),
        least => format!("{least} to {most} characters"),
    };
    let rule = format!("{input} must have {length}, none of them a control character");
    if text.chars().nth(most).is_some() {
        return Err(format!("{rule}; this one is longer"));
    }
    if text.chars().count() < least {
        return Err(format!("{rule}; this one is shorter"));
    }
    match text.chars().position(char::is_control) {
        Some(at) => Err(format!("{rule}; this one has one at character {}", at + 1)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(check("x", &"표".repeat(50), SECTION), Ok(()));
        let longer = check("x", &"표".repeat(51), SECTION).unwrap_err();
        assert_eq!(
            longer,
            "x must have 1 to 50 characters, none of them a control character; this one is longer"
        );
        assert!(check("x", "", SECTION).unwrap_err().ends_with("shorter"));
        assert_eq!(check("x", "", NAME), Ok(()));
    }

    #[test]
    fn control_characters_are_named_by_their_place() {
        for control in ['\0', '\n', '\u{1b}', '\u{85}'] {
            let refused = check("search", &format!("ab{control}"), SEARCH).unwrap_err();
            assert!(refused.ends_with("has one at character 3"), "{refused}");
        }
    }
}
