//! What a parsed document costs with its fragments expanded, computed in one visit per written selection.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Pos, Positioned};

/// The cost of a whole document. Sums saturate: a fragment bomb is merely very large.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) depth: usize,
    pub(super) selections: usize,
    pub(super) aliases: usize,
    pub(super) root_fields: usize,
    pub(super) directives: usize,
    pub(super) introspection_lists: usize,
    /// How many written selections were looked at: the work done here.
    pub(super) visited: usize,
}

/// Why a document has no cost.
#[derive(Debug)]
pub(super) enum Fault {
    /// This fragment leads back to itself.
    Cycle { fragment: String, pos: Pos },
    /// Selection sets inside each other beyond the limit, which also bounds the recursion here.
    TooNested,
}

/// Measures every operation, and every fragment whether used or not (the validator walks those too).
pub(super) fn measure(document: &ExecutableDocument, nesting: usize) -> Result<Totals, Fault> {
    let mut meter = Meter { document, nesting, known: HashMap::new(), visited: 0 };
    let mut totals = Totals::default();
    for name in document.fragments.keys() {
        let cost = meter.fragment(name, 0)?;
        totals.directives = totals.directives.max(cost.directives);
    }
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let cost = meter.selection_set(&operation.selection_set.node, 0)?;
        totals.add(cost);
        let variables = operation.variable_definitions.iter().map(|variable| variable.node.directives.len());
        let most = variables.max().unwrap_or(0).max(operation.directives.len());
        totals.directives = totals.directives.max(most);
    }
    totals.visited = meter.visited;
    Ok(totals)
}

impl Totals {
    fn add(&mut self, cost: Cost) {
        self.root_fields = self.root_fields.max(cost.top_fields);
        self.depth = self.depth.max(cost.depth);
        self.selections = self.selections.saturating_add(cost.selections);
        self.aliases = self.aliases.saturating_add(cost.aliases);
        self.directives = self.directives.max(cost.directives);
        self.introspection_lists = self.introspection_lists.max(cost.introspection_lists);
    }
}

/// The cost of one selection set.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    selections: usize,
    aliases: usize,
    /// Fields that end up directly in this set.
    top_fields: usize,
    depth: usize,
    /// Selection sets inside each other, this one included.
    levels: usize,
    directives: usize,
    /// Fields named like lists of the type system, inside each other.
    lists: usize,
    /// The same, below `__schema` or `__type`.
    introspection_lists: usize,
}

impl Cost {
    fn join(&mut self, other: Cost) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.top_fields = self.top_fields.saturating_add(other.top_fields);
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.directives = self.directives.max(other.directives);
        self.lists = self.lists.max(other.lists);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
    }

    /// The cost of a field whose own selection set costs `inner`.
    fn of_field(field: &Field, inner: Cost) -> Cost {
        let name = field.name.node.as_str();
        let is_list = matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields");
        let is_introspection = matches!(name, "__schema" | "__type");
        Cost {
            aliases: inner.aliases.saturating_add(usize::from(field.alias.is_some())),
            top_fields: 1,
            depth: inner.depth + 1,
            lists: inner.lists + usize::from(is_list),
            introspection_lists: inner.introspection_lists.max(if is_introspection {
                inner.lists
            } else {
                0
            }),
            ..inner
        }
    }
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    nesting: usize,
    /// The fragments met so far; `None` while one is being measured.
    known: HashMap<&'a str, Option<Cost>>,
    visited: usize,
}

impl<'a> Meter<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Cost, Fault> {
        if set.items.is_empty() {
            return Ok(Cost::default());
        }
        if level > self.nesting {
            return Err(Fault::TooNested);
        }
        let mut sum = Cost::default();
        for selection in &set.items {
            sum.join(self.selection(selection, level)?);
        }
        sum.levels += 1;
        Ok(sum)
    }

    fn selection(&mut self, selection: &'a Positioned<Selection>, level: usize) -> Result<Cost, Fault> {
        self.visited += 1;
        let mut cost = match &selection.node {
            Selection::Field(field) => {
                let inner = self.selection_set(&field.node.selection_set.node, level + 1)?;
                Cost::of_field(&field.node, inner)
            }
            Selection::InlineFragment(inline) => {
                self.selection_set(&inline.node.selection_set.node, level + 1)?
            }
            Selection::FragmentSpread(spread) => {
                self.fragment(spread.node.fragment_name.node.as_str(), level + 1)?
            }
        };
        cost.selections = cost.selections.saturating_add(1);
        cost.directives = cost.directives.max(selection.node.directives().len());
        Ok(cost)
    }

    /// Measures a fragment once; later spreads only look it up. An unknown one costs nothing: validation names it.
    fn fragment(&mut self, name: &str, level: usize) -> Result<Cost, Fault> {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Cost::default());
        };
        match self.known.get(name.as_str()) {
            Some(Some(cost)) if level + cost.levels > self.nesting + 1 => return Err(Fault::TooNested),
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(Fault::Cycle { fragment: name.to_string(), pos: fragment.pos }),
            None => {}
        }
        self.known.insert(name.as_str(), None);
        let mut cost = self.selection_set(&fragment.node.selection_set.node, level)?;
        cost.directives = cost.directives.max(fragment.node.directives.len());
        self.known.insert(name.as_str(), Some(cost));
        Ok(cost)
    }
}
