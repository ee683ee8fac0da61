//! What things are called: one type an identifier, so that a seat is never taken for a hold.

use std::{fmt, ops::RangeInclusive, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

/// Reads an id as it is printed, in either case. Other ways to write a UUID are not taken.
fn uuid(text: &str) -> Result<Uuid, uuid::Error> {
    // What is longer or shorter is written in another way, or not at all.
    let as_printed = text.len() == Uuid::nil().hyphenated().encode_lower(&mut Uuid::encode_buffer()).len();
    Uuid::parse_str(if as_printed { text } else { "" })
}

ids! {
    /// A concert.
    ConcertId,
    /// One date of a concert.
    SeriesId,
    /// A seat of one date.
    SeatId,
    /// A place in a waiting room, and the pass that it turns into.
    TokenId,
    /// A temporary reservation.
    HoldId,
    /// A ticket.
    ReservationId,
    /// A payment.
    PaymentId,
    /// A line of the ledger.
    EntryId,
}

text::identifier! {
    /// Who somebody is, as the identity provider says (`sub`): opaque to us, compared byte for byte, and never changed. Real
    /// ones read `auth0|5f7c8ec7`, `ann@example.com` or `CN=Ann Lee`. OpenID Connect allows no longer ones.
    UserId, 1..=255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_printed() {
        let id = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";
        assert_eq!(id.parse::<SeatId>().unwrap().to_string(), id);
        assert_eq!(id.to_uppercase().parse::<SeatId>().unwrap().to_string(), id);
        for other in [
            &id.replace('-', ""),
            &format!("{{{id}}}"),
            &format!("urn:uuid:{id}"),
            &format!(" {id}"),
            &id[1..],
            "",
            "\0",
            &"0".repeat(36),
        ] {
            assert!(other.parse::<SeatId>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_user_id_is_whatever_a_provider_makes_of_one() {
        for id in [
            "ann",
            "auth0|5f7c",
            "a b",
            " ",
            "ann@example.org",
            "CN=Ann,O=Band",
            "안",
            &"x".repeat(255),
            &"표".repeat(255),
        ] {
            assert_eq!(UserId::try_new(id).unwrap().as_str(), id);
        }
        for id in ["", "a\0", "a\n", "\u{7f}", "\u{9b}", &*"x".repeat(256), &*"표".repeat(256)] {
            assert!(UserId::try_new(id).is_err(), "{id:?}");
        }
    }
}
