//! Fields of one response key must agree, wherever they are selected: FieldsInSetCanMerge of the specification.
//!
//! async-graphql compares those alone that stand on the same type in the same set. What it lets through it executes
//! twice, and answers with one of the two.

use std::collections::HashSet;

use async_graphql::parser::types::{BaseType, ExecutableDocument, Field, OperationType, Type};
use async_graphql::{Name, Positioned, ServerError};
use async_graphql_value::indexmap::IndexMap;

use super::rules;
use super::selections::{self, Fragments};
use super::shape::{Kind, Shape, innermost};
use super::{MOST, coded};
use crate::graphql::{code, over_limit::OverLimit};

/// Fields that are looked at, those that have to agree with several others more than once.
const LOOKS: usize = 50_000;

/// Compares the fields of every operation.
///
/// # Errors
/// Those that do not agree, or that there are too many to compare.
pub(super) fn check(document: &ExecutableDocument, shape: &Shape) -> Result<(), Vec<ServerError>> {
    let mut comparison = Comparison { fragments: &document.fragments, shape, looks: 0, errors: Vec::new() };
    for (_, operation) in document.operations.iter() {
        let root = shape.root(operation.node.ty).map_or("", Name::as_str);
        let set = &operation.node.selection_set;
        let fields: Vec<_> = selections::fields(&document.fragments, root, &set.node).collect();
        if operation.node.ty == OperationType::Subscription && !is_one_stream(&fields) {
            comparison.errors.push(rules::not_one_stream(set.pos));
        }
        comparison.set(fields, false).map_err(|over| vec![over.into()])?;
    }
    if comparison.errors.is_empty() { Ok(()) } else { Err(comparison.errors) }
}

/// Whether these are the same field of the root, however often it is selected, and not one about the schema.
fn is_one_stream(fields: &[On<'_>]) -> bool {
    let keys: HashSet<_> = fields.iter().map(|(_, field)| &field.node.response_key().node).collect();
    keys.len() == 1 && fields.iter().all(|(_, field)| !field.node.name.node.starts_with("__"))
}

/// A field, with the type that it is selected on.
type On<'a> = (&'a str, &'a Positioned<Field>);

struct Comparison<'a> {
    fragments: &'a Fragments,
    shape: &'a Shape,
    looks: usize,
    errors: Vec<ServerError>,
}

impl<'a> Comparison<'a> {
    /// `shape_only`: these are never of the same object, and have to be of the same form only.
    fn set(&mut self, fields: Vec<On<'a>>, shape_only: bool) -> Result<(), OverLimit> {
        self.looks += fields.len();
        OverLimit::check("fields to be compared", self.looks, LOOKS)?;
        let mut groups = IndexMap::<&Name, Vec<On<'a>>>::new();
        for on in fields {
            groups.entry(&on.1.node.response_key().node).or_default().push(on);
        }
        for (key, group) in groups {
            self.group(key, &group, shape_only)?;
        }
        Ok(())
    }

    fn group(&mut self, key: &Name, group: &[On<'a>], shape_only: bool) -> Result<(), OverLimit> {
        // A fragment that is spread twice agrees with itself.
        let mut seen = HashSet::new();
        let written: Vec<On<'a>> = group
            .iter()
            .copied()
            .filter(|(on, field)| seen.insert((*on, std::ptr::from_ref(*field))))
            .collect();
        for (at, one) in written.iter().enumerate() {
            for other in &written[at + 1..] {
                if let Some(why) = self.conflict(*one, *other, shape_only) {
                    let message = format!(
                        "Fields \"{key}\" conflict because {why}. Use different aliases on the fields to fetch both."
                    );
                    let mut error = coded(ServerError::new(message, Some(one.1.pos)), code::BAD_USER_INPUT);
                    error.locations.push(other.1.pos);
                    if self.errors.len() < MOST {
                        self.errors.push(error);
                    }
                    return Ok(());
                }
            }
        }
        let is_object = |on: &&str| self.shape.is_object(on);
        let objects: HashSet<&str> = written.iter().map(|(on, _)| *on).filter(is_object).collect();
        if objects.len() < 2 {
            return self.set(self.below(written.iter().copied()), shape_only);
        }
        self.set(self.below(written.iter().copied()), true)?;
        if !shape_only {
            for object in objects {
                let may_be = |(on, _): &On<'a>| *on == object || !self.shape.is_object(on);
                self.set(self.below(written.iter().copied().filter(may_be)), false)?;
            }
        }
        Ok(())
    }

    fn below(&self, fields: impl Iterator<Item = On<'a>>) -> Vec<On<'a>> {
        let inner = fields.flat_map(|(on, field)| {
            let ty = self.shape.field(on, &field.node.name.node);
            let parent = ty.map_or("", |ty| innermost(ty).as_str());
            selections::fields(self.fragments, parent, &field.node.selection_set.node)
        });
        inner.collect()
    }

    fn conflict(&self, one: On<'a>, other: On<'a>, shape_only: bool) -> Option<String> {
        let never_meet = one.0 != other.0 && self.shape.is_object(one.0) && self.shape.is_object(other.0);
        let (a, b) = (&one.1.node, &other.1.node);
        if !shape_only && !never_meet {
            if a.name.node != b.name.node {
                return Some(format!("\"{}\" and \"{}\" are different fields", a.name.node, b.name.node));
            }
            let same = |(name, value): &(Positioned<Name>, _)| {
                b.get_argument(&name.node).is_some_and(|other| other == value)
            };
            if a.arguments.len() != b.arguments.len() || !a.arguments.iter().all(same) {
                return Some("they have differing arguments".to_owned());
            }
        }
        let types = (self.shape.field(one.0, &a.name.node)?, self.shape.field(other.0, &b.name.node)?);
        (!self.same_form(types.0, types.1))
            .then(|| format!("they return the conflicting types \"{}\" and \"{}\"", types.0, types.1))
    }

    fn same_form(&self, one: &Type, other: &Type) -> bool {
        one.nullable == other.nullable
            && match (&one.base, &other.base) {
                (BaseType::List(one), BaseType::List(other)) => self.same_form(one, other),
                (BaseType::Named(one), BaseType::Named(other)) => {
                    one == other || !(self.is_leaf(one) || self.is_leaf(other))
                }
                _ => false,
            }
    }

    fn is_leaf(&self, name: &Name) -> bool {
        matches!(self.shape.kind(name), Some(Kind::Scalar(_) | Kind::Enum(_)))
    }
}
