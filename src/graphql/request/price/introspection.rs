//! What it costs to tell about the schema.

use async_graphql::parser::types::Field;

use super::{TEXT, key};
use crate::graphql::request::selections::{self, Fragments};
use crate::graphql::request::shape::{Count, Lists, Shape};

/// Bytes of a description, about.
const DESCRIPTION: usize = 120;

/// Of how much is told.
#[derive(Debug, Clone, Copy)]
struct Told {
    objects: usize,
    /// Whether these are all types, or all fields, of the schema and not some that could be the largest.
    all: bool,
}

impl Told {
    fn each(self, count: Count) -> Self {
        let objects = if self.all { count.all } else { self.objects.saturating_mul(count.most) };
        Self { objects, all: false }
    }
}

/// Values and bytes of `__schema` or `__type`.
pub(super) fn cost(fragments: &Fragments, shape: &Shape, field: &Field) -> (usize, usize) {
    let mut walk = Walk { fragments, lists: shape.lists, values: 0, bytes: 0 };
    walk.field(field, Told { objects: 1, all: false });
    (walk.values, walk.bytes)
}

struct Walk<'a> {
    fragments: &'a Fragments,
    lists: Lists,
    values: usize,
    bytes: usize,
}

impl Walk<'_> {
    fn field(&mut self, field: &Field, told: Told) {
        let inside = match field.name.node.as_str() {
            "types" => Told { objects: self.lists.types, all: true },
            "directives" => Told { objects: self.lists.directives, all: false },
            "fields" => Told { all: told.all, ..told.each(self.lists.fields) },
            "args" => told.each(self.lists.arguments),
            "inputFields" => told.each(self.lists.input_fields),
            "enumValues" => told.each(self.lists.enum_values),
            "interfaces" | "possibleTypes" => told.each(self.lists.related),
            _ => Told { all: false, ..told },
        };
        let length = if field.name.node == "description" { DESCRIPTION } else { TEXT };
        self.values = self.values.saturating_add(inside.objects);
        self.bytes = self.bytes.saturating_add(inside.objects.saturating_mul(key(field) + length));
        let fields = selections::fields(self.fragments, "", &field.selection_set.node);
        for (_, field) in fields {
            self.field(&field.node, inside);
        }
    }
}
