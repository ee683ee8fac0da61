//! Relay connections over [`Page`]s.

use std::str::FromStr;

use async_graphql::{
    Error, OutputType,
    connection::{Connection, Edge, EmptyFields},
};

use crate::{
    domain::page::{MAX_PAGE, Page, Slice},
    graphql::error::bad_input,
};

/// Rows of a page when the client does not say.
const DEFAULT_PAGE: u64 = 20;

/// The four arguments of a connection.
#[derive(Clone, Debug, Default)]
pub struct PageArgs {
    /// How many from the newer end.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// How many from the older end.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

impl PageArgs {
    /// Reads the arguments.
    ///
    /// # Errors
    /// BAD_USER_INPUT that names the argument that is wrong.
    pub fn page<K: FromStr>(&self) -> Result<Page<K>, Error> {
        let count = |name, n: i32| match u64::try_from(n) {
            Ok(n @ 1..=MAX_PAGE) => Ok(n),
            _ => Err(bad_input(format!("{name} must be between 1 and {MAX_PAGE}, not {n}."))),
        };
        let (limit, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(bad_input("Use either first or last, not both.")),
            (Some(n), None) => (count("first", n)?, false),
            (None, Some(n)) => (count("last", n)?, true),
            (None, None) => (DEFAULT_PAGE, false),
        };
        let (after, before) =
            (cursor("after", self.after.as_deref())?, cursor("before", self.before.as_deref())?);
        Ok(Page { after, before, limit, from_end })
    }
}

fn cursor<K: FromStr>(name: &str, text: Option<&str>) -> Result<Option<K>, Error> {
    let read = |text: &str| {
        text.parse()
            .map_err(|_| bad_input(format!("{name} must be a cursor of this list; use pageInfo.endCursor.")))
    };
    text.map(read).transpose()
}

/// How much a connection costs: its rows times what each of them asks for.
#[must_use]
pub fn cost(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    let rows = first.or(last).and_then(|n| usize::try_from(n).ok()).unwrap_or(DEFAULT_PAGE as usize);
    rows.min(MAX_PAGE as usize) * child
}

/// A slice as a connection; `key` gives a row's cursor.
pub fn connection<T, N: OutputType>(
    slice: Slice<T>,
    key: impl Fn(&T) -> String,
    node: impl Fn(T) -> N,
) -> Connection<String, N, EmptyFields, EmptyFields> {
    let mut connection = Connection::new(slice.has_previous, slice.has_next);
    connection.edges.extend(slice.items.into_iter().map(|row| Edge::new(key(&row), node(row))));
    connection
}
