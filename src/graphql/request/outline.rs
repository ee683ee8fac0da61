//! The response as the specification wants it: fields in the order of the query, and nulls where the types put them.
//!
//! async-graphql 7 puts fields in the order in which they were ready, leaves the key of a failed field out, whatever its
//! type, and makes null of an object that has no field left. An error says where it happened; the types say what may be
//! null there.

use std::sync::Arc;

use async_graphql::parser::types::{BaseType, OperationDefinition, SelectionSet, Type};
use async_graphql::{Name, PathSegment, Response, Value};
use async_graphql_value::indexmap::IndexMap;

use super::normal::NOTHING;
use super::selections::{self, Fragments};
use super::shape::{Shape, innermost};

/// What the objects of one selection set have, in order. A subscription keeps it for as long as it lives; its clones are
/// one in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    lines: Arc<[Line]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    key: Name,
    nulls: Nulls,
    below: Outline,
}

/// What may be null of a type: the lowest bit of the field itself, the next one of its items, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Nulls(u8);

impl Nulls {
    const NEVER: Self = Self(0);

    fn of(ty: &Type) -> Self {
        let inner = match &ty.base {
            BaseType::Named(_) => 0,
            BaseType::List(item) => Self::of(item).0,
        };
        Self(inner << 1 | u8::from(ty.nullable))
    }

    fn is_nullable(self) -> bool {
        self.0 & 1 == 1
    }

    fn item(self) -> Self {
        Self(self.0 >> 1)
    }
}

impl Outline {
    /// Of an operation in its normal form.
    pub(super) fn of_operation(shape: &Shape, operation: &OperationDefinition) -> Self {
        let root = shape.root(operation.ty).map_or("", Name::as_str);
        Self::of(shape, &Fragments::default(), root, &operation.selection_set.node)
    }

    /// Of what is selected from `parent`.
    fn of(shape: &Shape, fragments: &Fragments, parent: &str, set: &SelectionSet) -> Self {
        Self::of_sets(shape, fragments, &[(parent, set)])
    }

    /// The same where only the order of fields is asked for.
    pub(crate) fn untyped(fragments: &Fragments, set: &SelectionSet) -> Self {
        Self::of(&Shape::default(), fragments, "", set)
    }

    fn of_sets(shape: &Shape, fragments: &Fragments, sets: &[(&str, &SelectionSet)]) -> Self {
        /// The fields of one key: what may be null of them, and what they select.
        type Keyed<'a> = (Nulls, Vec<(&'a str, &'a SelectionSet)>);
        // Of what selects nothing there is one for all.
        if sets.is_empty() {
            return Self::default();
        }
        let mut keys = IndexMap::<&Name, Keyed<'_>>::new();
        for &(parent, set) in sets {
            for (on, field) in selections::fields(fragments, parent, set) {
                let ty = shape.field(on, &field.node.name.node);
                let new = || (ty.map_or(Nulls::NEVER, Nulls::of), Vec::new());
                let (_, inner) = keys.entry(&field.node.response_key().node).or_insert_with(new);
                if !field.node.selection_set.node.items.is_empty() {
                    inner.push((ty.map_or("", |ty| innermost(ty).as_str()), &field.node.selection_set.node));
                }
            }
        }
        let line = |(key, (nulls, inner)): (&Name, Keyed<'_>)| Line {
            key: key.clone(),
            nulls,
            below: Self::of_sets(shape, fragments, &inner),
        };
        Self { lines: keys.into_iter().map(line).collect() }
    }

    /// Puts everything of `response` where it belongs.
    pub(crate) fn repair(&self, response: &mut Response) {
        let mut nulls: Vec<&[PathSegment]> = Vec::new();
        for path in response.errors.iter().map(|error| &error.path).filter(|path| !path.is_empty()) {
            match self.place(path) {
                Some(place) => nulls.push(place),
                None => {
                    response.data = Value::Null;
                    return;
                }
            }
        }
        // What is null has nothing inside: the outermost of several counts.
        nulls.sort_by_key(|path| path.len());
        for (at, path) in nulls.iter().enumerate() {
            if !nulls[..at].iter().any(|outer| path.starts_with(outer)) {
                set_null(&mut response.data, path);
            }
        }
        self.tidy(&mut response.data);
    }

    /// The beginning of an error's path at which a null belongs; `None` if nothing around it may be null but `data` as
    /// a whole. What cannot be followed gets its null at the very end.
    fn place<'p>(&self, path: &'p [PathSegment]) -> Option<&'p [PathSegment]> {
        let (mut outline, mut nulls, mut place) = (self, Nulls::NEVER, None);
        for (index, segment) in path.iter().enumerate() {
            nulls = match segment {
                PathSegment::Field(key) => {
                    let Some(line) = outline.lines.iter().find(|line| line.key == *key) else {
                        return Some(path);
                    };
                    outline = &line.below;
                    line.nulls
                }
                PathSegment::Index(_) => nulls.item(),
            };
            if nulls.is_nullable() {
                place = Some(&path[..=index]);
            }
        }
        place
    }

    /// Puts the fields of every object into their order, and takes out what was added.
    pub(crate) fn tidy(&self, value: &mut Value) {
        match value {
            Value::List(items) => items.iter_mut().for_each(|item| self.tidy(item)),
            Value::Object(fields) => {
                fields.shift_remove(NOTHING);
                self.order(fields);
                // In their order now, but not all of them: those on other types are not there.
                let mut lines = self.lines.iter();
                for (key, value) in fields {
                    if let Some(line) = lines.find(|line| line.key == *key)
                        && !line.below.lines.is_empty()
                    {
                        line.below.tidy(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn order(&self, fields: &mut IndexMap<Name, Value>) {
        let mut lines = self.lines.iter();
        if fields.keys().all(|key| lines.any(|line| line.key == *key)) {
            return;
        }
        let places: IndexMap<&Name, usize> =
            self.lines.iter().enumerate().map(|(at, line)| (&line.key, at)).collect();
        fields.sort_by_cached_key(|key, _| places.get(key).copied().unwrap_or(usize::MAX));
    }
}

/// Sets the value at `path` to null; its key may be missing, and so may the object around it if nothing else is left in
/// that.
fn set_null(data: &mut Value, path: &[PathSegment]) {
    match path {
        [] => *data = Value::Null,
        [PathSegment::Field(name), rest @ ..] => {
            if *data == Value::Null {
                *data = Value::Object(IndexMap::new());
            }
            if let Value::Object(fields) = data {
                set_null(fields.entry(Name::new(name)).or_default(), rest);
            }
        }
        [PathSegment::Index(index), rest @ ..] => {
            if let Value::List(items) = data
                && let Some(item) = items.get_mut(*index)
            {
                set_null(item, rest);
            }
        }
    }
}
