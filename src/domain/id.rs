//! What things are called: one type an identifier, so that a seat is never taken for a hold.

use std::{fmt, str::FromStr, sync::Arc};

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
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

/// Who somebody is, as the identity provider says (`sub`): 1 to 255 characters of any kind but control characters, opaque
/// to us and compared byte for byte. Real ones read `auth0|5f7c8ec7`, `ann@example.com` or `CN=Ann Lee`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The longest user id, in characters: that of OpenID Connect, which counts ASCII.
    pub const MAX_LEN: usize = 255;

    /// Checks the form of a user id.
    ///
    /// # Errors
    /// A sentence that says what a user id looks like.
    pub fn try_new(text: &str) -> Result<Self, String> {
        let fine = !text.is_empty()
            && text.chars().take(Self::MAX_LEN + 1).count() <= Self::MAX_LEN
            && !text.chars().any(char::is_control);
        if fine {
            Ok(Self(text.into()))
        } else {
            Err(format!("a user id is 1 to {} characters without control characters", Self::MAX_LEN))
        }
    }

    /// A user id that was checked when it was stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
