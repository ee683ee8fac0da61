//! Text that somebody sends, one type for each kind of it: whoever has one of these has text that was checked (rule 23).
//!
//! Text that people read ([`Title`], [`SectionName`], [`PersonName`]) is brought into one form and then looked at.
//! Identifiers ([`IdempotencyKey`], and [`UserId`](crate::id::UserId)) are taken byte for byte, or refused.

mod alike;
mod joiners;
mod readable;
mod search;

use std::{fmt, ops::RangeInclusive, sync::Arc};

pub use alike::Looks;
pub use search::{SearchWords, folded};

macro_rules! readable_text {
    ($(#[$doc:meta])* $name:ident, $length:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// How many characters it may have, counted in the form in which it is kept.
            pub const LENGTH: RangeInclusive<usize> = $length;

            /// Brings text into the form in which it is kept (NFC, without white space around it), and checks it.
            ///
            /// # Errors
            /// A sentence, without the name of the input, that says what is wrong and what would be right.
            pub fn try_new(text: &str) -> Result<Self, String> {
                readable::readable(text, Self::LENGTH).map(|text| Self(text.into()))
            }
        }

        kept_text!($name);
    };
}

/// What is the same for all kinds of text.
macro_rules! kept_text {
    ($name:ident) => {
        impl $name {
            /// Text that was checked when it was stored.
            #[must_use]
            pub fn from_stored(text: &str) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        /// As [`Self::from_stored`]: what is read was written by one of us.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)
                    .map(|text| Self::from_stored(&text))
            }
        }
    };
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $length:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// How many characters it may have.
            pub const LENGTH: RangeInclusive<usize> = $length;

            /// Checks it, and does not change it.
            ///
            /// # Errors
            /// A sentence, without the name of the input, that says what is wrong and what would be right.
            pub fn try_new(text: &str) -> Result<Self, String> {
                $crate::text::check_identifier(text, Self::LENGTH).map(|()| Self(text.into()))
            }
        }

        $crate::text::kept_text!($name);
    };
}

pub(crate) use {identifier, kept_text};

readable_text! {
    /// A title of a concert.
    Title, 1..=200
}

readable_text! {
    /// The name of a section of a house.
    SectionName, 1..=50
}

readable_text! {
    /// What a fan wants to be called; may be empty.
    PersonName, 0..=100
}

impl PersonName {
    /// No name at all.
    #[must_use]
    pub fn none() -> Self {
        Self("".into())
    }

    /// The name in a token of the identity provider. Whether the provider's idea of a name is ours says nothing about the
    /// token: what cannot stand in a name is left out of it, and a long one is cut.
    #[must_use]
    pub fn of_claim(text: &str) -> Self {
        Self(readable::made_readable(text, *Self::LENGTH.end()).into())
    }
}

identifier! {
    /// What makes sure that something is done once (rule 17): opaque, and compared byte for byte.
    IdempotencyKey, 1..=64
}

/// Checks an identifier: its length, and that it has no control characters, which no database and no log takes as they
/// are. Looked at no further than its longest allowed length, and not shown again.
///
/// # Errors
/// A sentence, without the name of the input, that says what is wrong and what would be right.
pub(crate) fn check_identifier(text: &str, allowed: RangeInclusive<usize>) -> Result<(), String> {
    within(text, &allowed)?;
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("must not have control characters; this one has U+{:04X}", u32::from(c))),
        None => Ok(()),
    }
}

/// Checks how many characters there are.
fn within(text: &str, allowed: &RangeInclusive<usize>) -> Result<(), String> {
    let (least, most) = (*allowed.start(), *allowed.end());
    let wrong = if text.chars().nth(most).is_some() {
        "longer"
    } else if text.chars().count() < least {
        "shorter"
    } else {
        return Ok(());
    };
    let length = match least {
        0 => format!("at most {most} characters"),
        least => format!("{least} to {most} characters"),
    };
    Err(format!("must have {length}; this one is {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_taken_as_it_is_or_refused() {
        for key in ["k", " k ", "e\u{301}", "\u{200b}", &"표".repeat(64)] {
            assert_eq!(IdempotencyKey::try_new(key).unwrap().as_str(), key);
        }
        for (key, why) in [
            ("", "1 to 64 characters; this one is shorter"),
            (&*"표".repeat(65), "longer"),
            ("a\0", "U+0000"),
            ("a\nb", "U+000A"),
            ("\u{85}", "U+0085"),
        ] {
            let refused = IdempotencyKey::try_new(key).unwrap_err();
            assert!(refused.contains(why), "{key:?}: {refused}");
        }
    }

    #[test]
    fn a_name_of_a_token_is_made_fit_and_never_refused() {
        let long = "x".repeat(150);
        for (claim, name) in [
            ("  Ann\u{202e}\0 Lee ", "Ann Lee"),
            ("a\r\nb", "a b"),
            ("\u{301}\u{200b}", ""),
            (&*long, &long[..100]),
            ("👩\u{200d}🚀", "👩\u{200d}🚀"),
            ("Zoe\u{308}", "Zoë"),
        ] {
            assert_eq!(PersonName::of_claim(claim).as_str(), name, "{claim:?}");
            assert_eq!(PersonName::try_new(name).unwrap().as_str(), name);
        }
    }
}
