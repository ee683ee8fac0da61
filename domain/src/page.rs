//! Pages of lists that grow without bound, newest first.
//!
//! The order is that of the commits (rule 26): a row's key is given under a lock that is held until its commit. So what is
//! committed later stands in front of everything that could be read before, and a reader who goes on from a cursor, in
//! either direction, skips nothing. Ids cannot do that: they are made before the commit, and random within a millisecond.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::id::UserId;

/// Which part of a list: up to `limit` rows from its newer or its older end, between two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// Only rows that come after this one, which are older.
    pub after: Option<K>,
    /// Only rows that come before this one, which are newer.
    pub before: Option<K>,
    /// How many, 1 to [`MAX_PAGE`].
    pub limit: u64,
    /// Whether to take them from the older end.
    pub from_end: bool,
}

/// The most rows of one page.
pub const MAX_PAGE: u64 = 100;

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<K, T> {
    /// The rows, each with its key.
    pub items: Vec<(K, T)>,
    /// Whether there are newer ones.
    pub has_previous: bool,
    /// Whether there are older ones.
    pub has_next: bool,
}

impl<K, T> Slice<K, T> {
    /// The same slice of something made of the rows.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Slice<K, U> {
        let Self { items, has_previous, has_next } = self;
        let items = items.into_iter().map(|(key, row)| (key, f(row))).collect();
        Slice { items, has_previous, has_next }
    }
}

/// Where a concert stands: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcertKey(pub i64);

/// Where a payment or a line of a ledger stands: the number of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerKey(pub i32);

/// Where a ticket stands: the line that paid for it; its fellows of the same line are committed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketKey {
    /// See [`super::sale::Payment::line`].
    pub line: i32,
    /// Its id.
    pub id: Uuid,
}

macro_rules! printed_as_number {
    ($($key:ident),*) => {$(
        impl fmt::Display for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $key {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                text.parse().map(Self).map_err(drop)
            }
        }
    )*};
}

printed_as_number!(ConcertKey, LedgerKey);

impl fmt::Display for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.line, self.id.as_simple())
    }
}

impl FromStr for TicketKey {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (line, id) = text.split_once('.').ok_or(())?;
        Ok(Self { line: line.parse().map_err(drop)?, id: id.parse().map_err(drop)? })
    }
}

/// A list that is read in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List<'a> {
    /// All concerts, searched or not.
    Concerts,
    /// A user's tickets.
    Reservations(&'a UserId),
    /// A user's payments.
    Payments(&'a UserId),
    /// A user's ledger.
    History(&'a UserId),
}

impl List<'_> {
    /// The cursor of a row: opaque to clients, and of no use in another list.
    pub fn cursor(&self, key: &impl fmt::Display) -> String {
        format!("{}.{key}", self.mark())
    }

    /// The key in a cursor; `None` if it is not, byte for byte, one that this list gives (rule 23).
    #[must_use]
    pub fn key<K: FromStr + fmt::Display>(&self, cursor: &str) -> Option<K> {
        let key = cursor.split_once('.')?.1.parse().ok()?;
        (self.cursor(&key) == cursor).then_some(key)
    }

    /// Tells lists apart. Whose it is is not to be read from it, and nothing is allowed by it.
    fn mark(&self) -> String {
        let (name, owner) = match self {
            Self::Concerts => ("concerts", ""),
            Self::Reservations(user) => ("reservations", user.as_str()),
            Self::Payments(user) => ("payments", user.as_str()),
            Self::History(user) => ("history", user.as_str()),
        };
        hex::encode(&Sha256::digest(format!("{name} {owner}"))[..6])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_the_list_that_gave_it_and_by_no_other() {
        let (ann, bob) = (UserId::try_new("ann").unwrap(), UserId::try_new("bob").unwrap());
        let lists = [
            List::Concerts,
            List::Reservations(&ann),
            List::Payments(&ann),
            List::History(&ann),
            List::Payments(&bob),
        ];
        for list in lists {
            let cursor = list.cursor(&LedgerKey(17));
            let readers: Vec<_> =
                lists.into_iter().filter(|l| l.key::<LedgerKey>(&cursor).is_some()).collect();
            assert_eq!((readers, list.key(&cursor)), (vec![list], Some(LedgerKey(17))));
        }
        let ticket = TicketKey { line: 3, id: Uuid::from_u128(7) };
        let cursor = List::Reservations(&ann).cursor(&ticket);
        assert_eq!(List::Reservations(&ann).key(&cursor), Some(ticket));
    }

    #[test]
    fn what_only_looks_like_a_cursor_is_none() {
        let list = List::Concerts;
        let good = list.cursor(&ConcertKey(17));
        let mark = good.strip_suffix("17").unwrap().to_owned();
        let bad =
            ["", "17", ".", "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f", &format!("{good} "), &format!(" {good}")]
                .map(ToOwned::to_owned);
        let keys = ["", "+17", "017", "1e1", "17.0", "-", "9223372036854775808", "１７"];
        let keys = keys.map(|key| format!("{mark}{key}"));
        for cursor in bad.into_iter().chain(keys).chain([good.to_uppercase()]) {
            assert_eq!(list.key::<ConcertKey>(&cursor), None, "{cursor:?}");
        }
        assert_eq!(list.key(&good), Some(ConcertKey(17)));
    }
}
