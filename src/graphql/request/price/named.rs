//! What the arguments of an operation say, as far as a price depends on them.

use std::str::FromStr;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};

use crate::domain::id::{ConcertId, SeriesId};

/// The concerts and dates that an operation names at its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Concerts.
    pub concerts: Vec<ConcertId>,
    /// Dates.
    pub dates: Vec<SeriesId>,
}

impl Named {
    /// Those of `operation`.
    #[must_use]
    pub fn of(document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> Self {
        let mut named = Self::default();
        let arguments = Arguments { operation, variables };
        named.collect(document, &operation.selection_set.node, arguments);
        named
    }

    fn collect(&mut self, document: &ExecutableDocument, set: &SelectionSet, arguments: Arguments<'_>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    match field.name.node.as_str() {
                        "concert" => self.concerts.extend(arguments.id::<ConcertId>(field, "id")),
                        "series" => self.concerts.extend(arguments.id::<ConcertId>(field, "concertId")),
                        "seats" | "seatAvailability" => {
                            self.dates.extend(arguments.id::<SeriesId>(field, "seriesId"));
                        }
                        _ => {}
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.collect(document, &inline.node.selection_set.node, arguments);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.collect(document, &fragment.node.selection_set.node, arguments);
                    }
                }
            }
        }
    }
}

/// Reads the arguments of an operation's fields, by way of its variables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) operation: &'a OperationDefinition,
    pub(super) variables: &'a Variables,
}

impl Arguments<'_> {
    /// An id that reads as one.
    pub(super) fn id<T: FromStr>(self, field: &Field, argument: &str) -> Option<T> {
        match self.value(field, argument)? {
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A number. What is none is taken for a very large one: validation will name it.
    pub(super) fn int(self, field: &Field, argument: &str) -> Option<usize> {
        match self.value(field, argument)? {
            Value::Null => None,
            Value::Number(n) => Some(n.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)),
            _ => Some(usize::MAX),
        }
    }

    fn value(self, field: &Field, argument: &str) -> Option<Value> {
        let (_, value) = field.arguments.iter().find(|(name, _)| name.node == argument)?;
        value.node.clone().into_const_with(|name| self.variable(&name).ok_or(())).ok()
    }

    fn variable(self, name: &Name) -> Option<Value> {
        if let Some(value) = self.variables.get(name) {
            return Some(value.clone());
        }
        let definitions = &self.operation.variable_definitions;
        let definition = definitions.iter().find(|definition| definition.node.name.node == *name)?;
        definition.node.default_value.as_ref().map(|value| value.node.clone())
    }
}
