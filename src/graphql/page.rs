//! Relay connections over [`Page`]s.

use std::str::FromStr;

use async_graphql::{
    Context, Error, OutputType,
    connection::{Connection, Edge, EmptyFields},
};

use crate::{
    domain::{
        mistake::{Mistake, Mistakes},
        page::{MAX_PAGE, Page, Slice},
    },
    graphql::budget::take_rows,
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
    /// Each of them that is wrong.
    pub fn page<K: FromStr>(&self) -> Result<Page<K>, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        let first = self.first.map(|n| wrong.take(["first".into()], count(n)).unwrap_or_default());
        let last = self.last.map(|n| wrong.take(["last".into()], count(n)).unwrap_or_default());
        if first.is_some() && last.is_some() {
            wrong.add(Mistake::at(["last".into()], "must be left out beside first: use either of them"));
        }
        let after = self.after.as_deref().and_then(|text| wrong.take(["after".into()], cursor(text)));
        let before = self.before.as_deref().and_then(|text| wrong.take(["before".into()], cursor(text)));
        let limit = first.or(last).unwrap_or(DEFAULT_PAGE);
        wrong.none_or(Page { after, before, limit, from_end: last.is_some() })
    }
}

fn count(n: i32) -> Result<u64, String> {
    match u64::try_from(n) {
        Ok(n @ 1..=MAX_PAGE) => Ok(n),
        _ => Err(format!("must be between 1 and {MAX_PAGE}, not {n}")),
    }
}

fn cursor<K: FromStr>(text: &str) -> Result<K, String> {
    text.parse().map_err(|_| "must be a cursor of this list: take it from pageInfo".to_owned())
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
