//! Relay connections over [`Page`]s.

use std::{fmt::Display, str::FromStr};

use async_graphql::{
    Context, Error, OutputType,
    connection::{Connection, Edge, EmptyFields},
};

use crate::{
    domain::{
        mistake::{Mistake, Mistakes},
        page::{List, MAX_PAGE, Page, Slice},
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
    /// Reads the arguments, for that list.
    ///
    /// # Errors
    /// Each of them that is wrong.
    pub fn page<K: FromStr + Display>(&self, list: &List<'_>) -> Result<Page<K>, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        let first = self.first.map(|n| wrong.take(["first".into()], count(n)).unwrap_or_default());
        let last = self.last.map(|n| wrong.take(["last".into()], count(n)).unwrap_or_default());
        if first.is_some() && last.is_some() {
            wrong.add(Mistake::at(["last".into()], "must be left out beside first: use either of them"));
        }
        let key = |cursor: &String| list.key(cursor).ok_or_else(|| NOT_A_CURSOR.to_owned());
        let after = self.after.as_ref().and_then(|cursor| wrong.take(["after".into()], key(cursor)));
        let before = self.before.as_ref().and_then(|cursor| wrong.take(["before".into()], key(cursor)));
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

/// Also what becomes of cursors that an older version gave.
const NOT_A_CURSOR: &str =
    "must be a cursor of this very list, as its pageInfo gives it; or begin anew without one";

/// A slice of that list as a connection.
///
/// # Errors
/// QUERY_TOO_COMPLEX if the request has no budget for so many rows any more.
pub fn connection<K: Display, T, N: OutputType>(
    ctx: &Context<'_>,
    list: &List<'_>,
    slice: Slice<K, T>,
    node: impl Fn(T) -> N,
) -> Result<Connection<String, N, EmptyFields, EmptyFields>, Error> {
    take_rows(ctx, slice.items.len())?;
    let mut connection = Connection::new(slice.has_previous, slice.has_next);
    let edges = slice.items.into_iter().map(|(key, row)| Edge::new(list.cursor(&key), node(row)));
    connection.edges.extend(edges);
    Ok(connection)
}
