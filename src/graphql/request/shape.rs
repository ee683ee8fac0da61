//! The types of the schema, for those who have to understand a document without executing it.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputObjectType, OperationType, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};

/// The field types of a schema, and how much there is to tell about it.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    types: HashMap<Name, HashMap<Name, Type>>,
    query: Option<Name>,
    mutation: Option<Name>,
    subscription: Option<Name>,
    /// What an introspection can list.
    pub(super) lists: Lists,
}

/// How many of something there are in the whole schema, and at most in one place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) all: usize,
    pub(super) most: usize,
}

impl Count {
    fn add(&mut self, n: usize) {
        self.all += n;
        self.most = self.most.max(n);
    }
}

/// What an introspection can list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lists {
    pub(super) types: usize,
    pub(super) directives: usize,
    pub(super) fields: Count,
    pub(super) arguments: Count,
    pub(super) input_fields: Count,
    pub(super) enum_values: Count,
    /// Interfaces of a type, and types of an interface or a union.
    pub(super) related: Count,
}

/// The types, directives and scalars that every schema has without saying so.
const BUILT_IN: usize = 20;

impl Shape {
    /// Reads the schema, as `Schema::sdl` prints it.
    ///
    /// # Errors
    ///
    /// The text is not a schema.
    pub fn parse(sdl: &str) -> Result<Self, String> {
        let mut shape = Self::default();
        shape.lists.types = BUILT_IN;
        shape.lists.directives = BUILT_IN;
        for definition in parse_schema(sdl).map_err(|error| error.to_string())?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    shape.query = schema.node.query.map(|name| name.node);
                    shape.mutation = schema.node.mutation.map(|name| name.node);
                    shape.subscription = schema.node.subscription.map(|name| name.node);
                }
                TypeSystemDefinition::Type(definition) => shape.add(definition.node),
                TypeSystemDefinition::Directive(_) => shape.lists.directives += 1,
            }
        }
        Ok(shape)
    }

    fn add(&mut self, definition: TypeDefinition) {
        self.lists.types += 1;
        let name = definition.name.node;
        match definition.kind {
            TypeKind::Object(object) => {
                self.lists.related.add(object.implements.len());
                self.add_fields(name, object.fields);
            }
            TypeKind::Interface(interface) => {
                self.lists.related.add(interface.implements.len());
                self.add_fields(name, interface.fields);
            }
            TypeKind::Union(union) => self.lists.related.add(union.members.len()),
            TypeKind::Enum(values) => self.lists.enum_values.add(values.values.len()),
            TypeKind::InputObject(InputObjectType { fields }) => self.lists.input_fields.add(fields.len()),
            TypeKind::Scalar => {}
        }
    }

    fn add_fields(&mut self, name: Name, fields: Vec<Positioned<FieldDefinition>>) {
        self.lists.fields.add(fields.len());
        for field in &fields {
            self.lists.arguments.add(field.node.arguments.len());
        }
        let fields = fields.into_iter().map(|field| (field.node.name.node, field.node.ty.node));
        self.types.entry(name).or_default().extend(fields);
    }

    /// The type of a field.
    #[must_use]
    pub fn field(&self, parent: &Name, field: &Name) -> Option<&Type> {
        self.types.get(parent)?.get(field)
    }

    /// The type whose fields an operation of this kind selects.
    #[must_use]
    pub fn root(&self, kind: OperationType) -> Option<&Name> {
        match kind {
            OperationType::Query => self.query.as_ref(),
            OperationType::Mutation => self.mutation.as_ref(),
            OperationType::Subscription => self.subscription.as_ref(),
        }
    }

    /// Every field that is a list, as `Type.field`.
    #[cfg(test)]
    pub(super) fn list_fields(&self) -> Vec<String> {
        let is_list = |ty: &Type| matches!(ty.base, BaseType::List(_));
        let of = |(parent, fields): (&Name, &HashMap<Name, Type>)| {
            let lists = fields.iter().filter(|(_, ty)| is_list(ty));
            lists.map(|(field, _)| format!("{parent}.{field}")).collect::<Vec<_>>()
        };
        self.types.iter().flat_map(of).collect()
    }
}

/// The named type inside all lists.
#[must_use]
pub fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => innermost(item),
    }
}
