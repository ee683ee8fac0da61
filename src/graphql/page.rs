//! Relay connections over [`Page`]s.

use std::str::FromStr;

use async_graphql::{
    Context, Error, OutputType,
    connection::{Connection, Edge, EmptyFields},
};

use crate::{
    domain::page::{MAX_PAGE, Page, Slice},
    graphql::{budget::take_rows, error::bad_input},
};

/// Rows of a page when the client does not say.
pub(super) const DEFAULT_PAGE: u64 = 20;

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

/// A slice as a connection; `key` gives a row's cursor.
///
/// # Errors
/// QUERY_TOO_COMPLEX if the request has no budget for so many rows any more.
pub fn connection<T, N: OutputType>(
    ctx: &Context<'_>,
    slice: Slice<T>,
    key: impl Fn(&T) -> String,
    node: impl Fn(T) -> N,
) -> Result<Connection<String, N, EmptyFields, EmptyFields>, Error> {
    take_rows(ctx, slice.items.len())?;
    let mut connection = Connection::new(slice.has_previous, slice.has_next);
    connection.edges.extend(slice.items.into_iter().map(|row| Edge::new(key(&row), node(row))));
    Ok(connection)
}
