//! What the arguments of an operation say, as far as a price depends on them.

use std::str::FromStr;

use async_graphql::parser::types::{Field, OperationDefinition};
use async_graphql_value::Value;

use crate::domain::id::{ConcertId, SeriesId};
use crate::graphql::request::selections::{self, Fragments};

/// The concerts and dates that an operation names at its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Concerts.
    pub concerts: Vec<ConcertId>,
    /// Dates.
    pub dates: Vec<SeriesId>,
}

impl Named {
    /// Those of `operation`, which is in its normal form.
    #[must_use]
    pub fn of(fragments: &Fragments, operation: &OperationDefinition) -> Self {
        let mut named = Self::default();
        for (_, field) in selections::fields(fragments, "", &operation.selection_set.node) {
            let field = &field.node;
            match field.name.node.as_str() {
                "concert" => named.concerts.extend(id::<ConcertId>(field, "id")),
                "series" => named.concerts.extend(id::<ConcertId>(field, "concertId")),
                "seriesById" => named.dates.extend(id::<SeriesId>(field, "id")),
                "seats" | "seatAvailability" => named.dates.extend(id::<SeriesId>(field, "seriesId")),
                _ => {}
            }
        }
        named
    }
}

/// An argument that reads as an id.
pub(super) fn id<T: FromStr>(field: &Field, argument: &str) -> Option<T> {
    match &field.get_argument(argument)?.node {
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whether an argument is there, and true.
pub(super) fn is_true(field: &Field, argument: &str) -> bool {
    field.get_argument(argument).is_some_and(|argument| argument.node == Value::Boolean(true))
}

/// An argument that is a number. What is below zero is taken for a very large one: the resolver will name it.
pub(super) fn int(field: &Field, argument: &str) -> Option<usize> {
    match &field.get_argument(argument)?.node {
        Value::Null => None,
        Value::Number(n) => Some(n.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)),
        _ => Some(usize::MAX),
    }
}
