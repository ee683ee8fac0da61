//! Relay connections over [`Page`]s.

use std::{fmt::Display, str::FromStr};

use async_graphql::{
    Context, Error, OutputType,
    connection::{Connection, Edge, EmptyFields},
};

use crate::{
    domain::{
        mistake::Mistake,
        page::{List, MAX_PAGE, Page, Slice},
    },
    graphql::{budget::take_rows, error::bad_inputs},
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
    /// BAD_USER_INPUT that names every argument that is wrong.
    pub fn page<K: FromStr + Display>(&self, list: &List<'_>) -> Result<Page<K>, Error> {
        let mut mistakes = Vec::new();
        let (mut limit, from_end) = (DEFAULT_PAGE, self.last.is_some());
        for (name, count) in [("first", self.first), ("last", self.last)] {
            match count.map(|n| u64::try_from(n).unwrap_or_default()) {
                None => {}
                Some(n @ 1..=MAX_PAGE) => limit = n,
                Some(_) => mistakes.push(Mistake::at(
                    [name.into()],
                    format!("must be between 1 and {MAX_PAGE}, not {}", count.unwrap_or_default()),
                )),
            }
        }
        if self.first.is_some() && self.last.is_some() {
            mistakes.push(Mistake::at(["last".into()], "must be left out where there is first"));
        }
        let mut key = |name: &'static str, cursor: &Option<String>| {
            let cursor = cursor.as_deref()?;
            let key = list.key(cursor);
            if key.is_none() {
                mistakes.push(Mistake::at([name.into()], NOT_A_CURSOR));
            }
            key
        };
        let (after, before) = (key("after", &self.after), key("before", &self.before));
        if mistakes.is_empty() {
            Ok(Page { after, before, limit, from_end })
        } else {
            Err(bad_inputs(&mistakes))
        }
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
