//! An operation as it is executed: without variables, fragments and directives, each response key once.
//!
//! async-graphql resolves a field once for each time that it is selected, so that a mutation in two fragments acts
//! twice; it takes an omitted variable for null; and what selects nothing from an object is answered with null. In an
//! operation of this form there is none of that to get wrong.

use async_graphql::parser::types::{
    Directive, Field, InlineFragment, OperationDefinition, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::{Value, indexmap::IndexMap};

use super::coerce::{Coerced, Coercion, Crumb, Known, Mistakes, Place, Variables};
use super::scalar::Source;
use super::selections::Fragments;
use super::shape::{Input, Shape, innermost};
use crate::graphql::over_limit::OverLimit;

/// The response key of a field that is added where otherwise nothing might be selected from an object; it is taken out
/// of the answer. No document may use it.
pub(in crate::graphql) const NOTHING: &str = "__nothing";

/// Bytes of all arguments together: a variable that is used often stands in each of them.
const ARGUMENT_BYTES: usize = 1 << 20;

/// What a value takes beside its text.
const VALUE_BYTES: usize = 64;

/// The form of `operation` in which it is executed. Mistakes that its variables make in their places are collected.
///
/// # Errors
/// If its arguments are too long.
pub(super) fn normal(
    operation: &OperationDefinition,
    fragments: &Fragments,
    shape: &Shape,
    variables: &Variables,
    mistakes: &mut Mistakes,
) -> Result<OperationDefinition, OverLimit> {
    Writer::new(fragments, shape, variables, mistakes).operation(operation)
}

/// An operation in its normal form but for the arguments that have variables in them.
#[derive(Debug)]
pub(super) struct Draft {
    /// With nulls where those are to be.
    pub(super) operation: OperationDefinition,
    /// In the order of the operation.
    pub(super) open: Box<[Open]>,
    /// Bytes of the other arguments.
    pub(super) argument_bytes: usize,
}

/// An argument whose value is not known yet.
#[derive(Debug)]
pub(super) struct Open {
    /// Where its field is: its place in the outermost set, its place in the set of what is there, and so on.
    pub(super) field: Box<[usize]>,
    /// Its place among the arguments of the field.
    pub(super) argument: usize,
    pub(super) input: Input,
    /// As it was written.
    pub(super) value: Positioned<Value>,
}

/// The same as far as the text says; `None` if what is selected depends on a variable, or the arguments are too long
/// without any. `operation` has no mistakes.
pub(super) fn draft(operation: &OperationDefinition, fragments: &Fragments, shape: &Shape) -> Option<Draft> {
    let (variables, mut mistakes) = (Variables::new(), Mistakes::default());
    let mut writer = Writer::new(fragments, shape, &variables, &mut mistakes);
    writer.leaves_open = true;
    let operation = writer.operation(operation).ok()?;
    let Writer { open, argument_bytes, depends, .. } = writer;
    (!depends && mistakes.none().is_ok()).then(|| Draft { operation, open: open.into(), argument_bytes })
}

struct Writer<'a, 'm> {
    fragments: &'a Fragments,
    shape: &'a Shape,
    variables: &'a Variables,
    mistakes: &'m mut Mistakes,
    argument_bytes: usize,
    /// Whether arguments that have variables in them are left open.
    leaves_open: bool,
    open: Vec<Open>,
    /// Where the writer is, as [`Open::field`] says it.
    path: Vec<usize>,
    /// Whether what is selected depends on a variable that is not known.
    depends: bool,
}

/// What stands in a set.
enum Line<'a> {
    /// All fields of one response key, of which the first one says what it is.
    Field { first: &'a Positioned<Field>, sets: Vec<&'a SelectionSet> },
    /// What is selected if the object is of a type.
    On { condition: &'a Name, pos: Pos, set: &'a SelectionSet },
}

/// The lines of a set, and where the field of a response key is among them.
#[derive(Default)]
struct Lines<'a> {
    lines: Vec<Line<'a>>,
    keys: IndexMap<&'a Name, usize>,
}

impl<'a, 'm> Writer<'a, 'm> {
    fn new(
        fragments: &'a Fragments,
        shape: &'a Shape,
        variables: &'a Variables,
        mistakes: &'m mut Mistakes,
    ) -> Self {
        let (argument_bytes, leaves_open, depends) = (0, false, false);
        let (open, path) = (Vec::new(), Vec::new());
        Self { fragments, shape, variables, mistakes, argument_bytes, leaves_open, open, path, depends }
    }

    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<OperationDefinition, OverLimit> {
        let root = self.shape.root(operation.ty).map_or("", Name::as_str);
        let set = &operation.selection_set;
        let normal = self.set(root, &[&set.node], set.pos)?;
        Ok(OperationDefinition {
            ty: operation.ty,
            variable_definitions: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::new(normal, set.pos),
        })
    }

    /// What `sets` select together from `parent`.
    fn set(&mut self, parent: &str, sets: &[&'a SelectionSet], pos: Pos) -> Result<SelectionSet, OverLimit> {
        let mut lines = Lines::default();
        for set in sets {
            self.gather(parent, set, &mut lines);
        }
        // A subscription keeps it for as long as it lives: no room for more.
        let mut items = Vec::with_capacity(lines.lines.len() + usize::from(lines.keys.is_empty()));
        for line in lines.lines {
            self.path.push(items.len());
            match line {
                Line::Field { first, sets } => items.push(self.field(parent, first, &sets)?),
                Line::On { condition, pos, set } => {
                    let inner = self.set(condition, &[set], pos)?;
                    items.push(on(condition, inner, pos));
                }
            }
            self.path.pop();
        }
        if lines.keys.is_empty() {
            items.push(nothing(pos));
        }
        Ok(SelectionSet { items })
    }

    fn gather(&mut self, parent: &str, set: &'a SelectionSet, lines: &mut Lines<'a>) {
        for selection in &set.items {
            if !self.is_included(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let (at, inner) = (lines.lines.len(), &field.node.selection_set.node);
                    match lines.keys.entry(&field.node.response_key().node) {
                        async_graphql_value::indexmap::map::Entry::Vacant(key) => {
                            key.insert(at);
                            lines.lines.push(Line::Field { first: field, sets: vec![inner] });
                        }
                        async_graphql_value::indexmap::map::Entry::Occupied(key) => {
                            if let Some(Line::Field { sets, .. }) = lines.lines.get_mut(*key.get()) {
                                sets.push(inner);
                            }
                        }
                    }
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let condition = condition.map(|condition| &condition.node.on.node);
                    self.fragment(parent, condition, &inline.node.selection_set, lines);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) {
                        let condition = &fragment.node.type_condition.node.on.node;
                        self.fragment(parent, Some(condition), &fragment.node.selection_set, lines);
                    }
                }
            }
        }
    }

    fn fragment(
        &mut self,
        parent: &str,
        condition: Option<&'a Name>,
        set: &'a Positioned<SelectionSet>,
        lines: &mut Lines<'a>,
    ) {
        match condition {
            Some(condition) if condition != parent && !self.shape.is_object(parent) => {
                lines.lines.push(Line::On { condition, pos: set.pos, set: &set.node });
            }
            Some(condition) if !self.shape.applies(condition, parent) => {}
            _ => self.gather(parent, &set.node, lines),
        }
    }

    fn is_included(&mut self, directives: &[Positioned<Directive>]) -> bool {
        let mut is_included = true;
        for Positioned { pos, node: directive } in directives {
            let name = directive.name.node.as_str();
            let Some(value) = directive.get_argument("if").filter(|_| matches!(name, "skip" | "include"))
            else {
                continue;
            };
            let Some(input) = self.shape.directive(name).and_then(|inputs| inputs.first()) else { continue };
            if self.leaves_open && has_variable(&value.node) {
                self.depends = true;
                continue;
            }
            if let Coerced::Value(value) = self.placed(*pos, input, &value.node) {
                is_included &= (value == Value::Boolean(true)) == (name == "include");
            }
        }
        is_included
    }

    fn field(
        &mut self,
        parent: &str,
        field: &'a Positioned<Field>,
        sets: &[&'a SelectionSet],
    ) -> Result<Positioned<Selection>, OverLimit> {
        let Positioned { pos, node } = field;
        let output = self.shape.output(parent, &node.name.node);
        let mut arguments = Vec::with_capacity(node.arguments.len());
        for (name, value) in &node.arguments {
            let inputs = output.map(|output| output.arguments.as_slice()).unwrap_or_default();
            let Some(input) = inputs.iter().find(|input| input.name == name.node) else { continue };
            if self.leaves_open && has_variable(&value.node) {
                let (field, argument) = (self.path.as_slice().into(), arguments.len());
                self.open.push(Open { field, argument, input: input.clone(), value: value.clone() });
                arguments.push((name.clone(), Positioned::new(Value::Null, value.pos)));
                continue;
            }
            if let Coerced::Value(coerced) = self.placed(value.pos, input, &value.node) {
                add_bytes(&mut self.argument_bytes, &coerced)?;
                arguments.push((name.clone(), Positioned::new(coerced, value.pos)));
            }
        }
        let set = &node.selection_set;
        let selected = if sets.iter().all(|set| set.items.is_empty()) {
            SelectionSet::default()
        } else {
            let inner = output.map_or("", |output| innermost(&output.ty).as_str());
            self.set(inner, sets, set.pos)?
        };
        let written = Field {
            alias: node.alias.clone(),
            name: node.name.clone(),
            arguments,
            directives: Vec::new(),
            selection_set: Positioned::new(selected, set.pos),
        };
        Ok(Positioned::new(Selection::Field(Positioned::new(written, *pos)), *pos))
    }

    fn placed(&mut self, pos: Pos, input: &'a Input, value: &Value) -> Coerced {
        placed(self.shape, self.variables, self.mistakes, Positioned::new(value, pos), input)
    }
}

/// The value of an argument with its variables in it.
pub(super) fn placed(
    shape: &Shape,
    variables: &Variables,
    mistakes: &mut Mistakes,
    Positioned { pos, node: value }: Positioned<&Value>,
    input: &Input,
) -> Coerced {
    let (known, path) = (Known::Values(variables), vec![Crumb::Name(&input.name)]);
    Coercion { shape, source: Source::Document, known, mistakes, pos, path }
        .placed(value, Place::input(input))
}

/// Counts an argument with those before it.
///
/// # Errors
/// If they are too long.
pub(super) fn add_bytes(bytes: &mut usize, value: &Value) -> Result<(), OverLimit> {
    *bytes += bytes_of(value);
    OverLimit::check("bytes of arguments", *bytes, ARGUMENT_BYTES)
}

fn has_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(has_variable),
        Value::Object(fields) => fields.values().any(has_variable),
        _ => false,
    }
}

fn on(condition: &Name, set: SelectionSet, pos: Pos) -> Positioned<Selection> {
    let fragment = InlineFragment {
        type_condition: Some(Positioned::new(
            TypeCondition { on: Positioned::new(condition.clone(), pos) },
            pos,
        )),
        directives: Vec::new(),
        selection_set: Positioned::new(set, pos),
    };
    Positioned::new(Selection::InlineFragment(Positioned::new(fragment, pos)), pos)
}

/// A field that every object has.
fn nothing(pos: Pos) -> Positioned<Selection> {
    let field = Field {
        alias: Some(Positioned::new(Name::new(NOTHING), pos)),
        name: Positioned::new(Name::new("__typename"), pos),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    Positioned::new(Selection::Field(Positioned::new(field, pos)), pos)
}

fn bytes_of(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(bytes_of).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + bytes_of(value)).sum(),
        _ => 0,
    };
    inside + VALUE_BYTES
}
