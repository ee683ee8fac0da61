//! The fields of a selection set with its fragments expanded: the one way in which this room reads selections.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Field, FragmentDefinition, Selection, SelectionSet},
};

/// The fragments of a document by their names.
pub type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// The fields that end up directly in `set`, in their order, each with the type that it is selected on; `parent` is that
/// of the set. A field that is spread twice comes twice. The document must be within its limits, which also means that
/// no fragment spreads itself.
pub fn fields<'a>(fragments: &'a Fragments, parent: &'a str, set: &'a SelectionSet) -> Fields<'a> {
    Fields { fragments, open: vec![(parent, set.items.iter())] }
}

/// See [`fields`].
#[derive(Debug)]
pub struct Fields<'a> {
    fragments: &'a Fragments,
    open: Vec<(&'a str, std::slice::Iter<'a, Positioned<Selection>>)>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a Positioned<Field>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (parent, items) = self.open.last_mut()?;
            let parent = *parent;
            match items.next().map(|item| &item.node) {
                None => {
                    self.open.pop();
                }
                Some(Selection::Field(field)) => return Some((parent, field)),
                Some(Selection::InlineFragment(inline)) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.open.push((on, inline.node.selection_set.node.items.iter()));
                }
                // One that is not known is for validation to name.
                Some(Selection::FragmentSpread(spread)) => {
                    if let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) {
                        let fragment = &fragment.node;
                        let on = fragment.type_condition.node.on.node.as_str();
                        self.open.push((on, fragment.selection_set.node.items.iter()));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};

    use super::*;

    #[test]
    fn fields_come_in_their_order_with_the_type_that_they_are_on() {
        let text = "{ a ...F ... on B { b { x } ... { c } } ...None d } fragment F on F { e ...G } fragment G on G { f }";
        let document = parse_query(text).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { unreachable!() };
        let found = fields(&document.fragments, "Query", &operation.node.selection_set.node);
        let found: Vec<_> =
            found.map(|(parent, field)| format!("{parent}.{}", field.node.name.node)).collect();
        assert_eq!(found, ["Query.a", "F.e", "G.f", "B.b", "B.c", "Query.d"]);
    }
}
