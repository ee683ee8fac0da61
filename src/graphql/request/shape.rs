//! The types of the schema, for those who have to understand a document without executing it.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, DirectiveDefinition, FieldDefinition, InputValueDefinition, OperationType, Type,
    TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::{InputType, Name, Pos, Positioned, Value};

/// The types of a schema, and how much there is to tell about it.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    types: HashMap<Name, Kind>,
    directives: HashMap<Name, Vec<Input>>,
    query: Option<Name>,
    mutation: Option<Name>,
    subscription: Option<Name>,
    /// What an introspection can list.
    pub(super) lists: Lists,
}

/// Reads a value of a scalar, and says what is wrong with it.
pub type ScalarParser = fn(Value) -> Result<(), String>;

/// One named type.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// With its parser; one of the specification's has none.
    Scalar(Option<ScalarParser>),
    Enum(Vec<Name>),
    Input(InputObject),
    Object(Fields),
    Interface(Fields),
    Union(Vec<Name>),
}

/// What an object or an interface has.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    fields: HashMap<Name, Output>,
    implements: Vec<Name>,
}

/// A field of an object or of an interface.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) ty: Type,
    pub(super) arguments: Vec<Input>,
}

/// An input object.
#[derive(Debug, Clone)]
pub(super) struct InputObject {
    pub(super) fields: Vec<Input>,
    pub(super) one_of: bool,
}

/// An argument, or a field of an input object.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: Name,
    pub(super) ty: Type,
    pub(super) has_default: bool,
}

impl Input {
    /// Whether it cannot be left out.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
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

/// What async-graphql does not print: the type system about itself, with the arguments that its fields take there.
const INTROSPECTION: &str = "
    scalar Int scalar Float scalar String scalar Boolean scalar ID
    directive @skip(if: Boolean!) on FIELD
    directive @include(if: Boolean!) on FIELD
    type __Schema { description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type
      directives: [__Directive!]! }
    type __Type { kind: __TypeKind! name: String description: String fields(includeDeprecated: Boolean! = false): [__Field!]
      interfaces: [__Type!] possibleTypes: [__Type!] enumValues(includeDeprecated: Boolean! = false): [__EnumValue!]
      inputFields(includeDeprecated: Boolean! = false): [__InputValue!] ofType: __Type specifiedByURL: String
      isOneOf: Boolean }
    type __Field { name: String! description: String args(includeDeprecated: Boolean! = false): [__InputValue!]! type: __Type!
      isDeprecated: Boolean! deprecationReason: String }
    type __InputValue { name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean!
      deprecationReason: String }
    type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
    type __Directive { name: String! description: String locations: [__DirectiveLocation!]!
      args(includeDeprecated: Boolean! = false): [__InputValue!]! isRepeatable: Boolean! }
    enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
    scalar __DirectiveLocation
    type __Root { __schema: __Schema! __type(name: String!): __Type }";

/// Has the fields of the root of queries that are about the schema.
const INTROSPECTION_ROOT: &str = "__Root";

impl Shape {
    /// Reads the schema, as `Schema::sdl` prints it.
    ///
    /// # Errors
    ///
    /// The text is not a schema.
    pub fn parse(sdl: &str) -> Result<Self, String> {
        let mut shape = Self::default();
        shape.read(INTROSPECTION)?;
        shape.lists = Lists { types: BUILT_IN, directives: BUILT_IN, ..Lists::default() };
        shape.read(sdl)?;
        let root = shape.query.clone();
        if let Some(Kind::Object(about)) = shape.types.remove(INTROSPECTION_ROOT)
            && let Some(Kind::Object(root)) = root.and_then(|name| shape.types.get_mut(&name))
        {
            root.fields.extend(about.fields);
        }
        Ok(shape)
    }

    /// The same, with values of the scalar of that type read before anything is executed, as its resolvers will.
    #[must_use]
    pub fn with_scalar<T: InputType>(mut self) -> Self {
        let parser: ScalarParser = |value| {
            // Their words begin with the name of the type, which is said already.
            let told = |message: String| {
                let why = message.strip_prefix("Failed to parse ").and_then(|named| named.split_once(": "));
                why.map_or(message.clone(), |(_, why)| why.to_owned())
            };
            T::parse(Some(value))
                .map(drop)
                .map_err(|error| told(error.into_server_error(Pos::default()).message))
        };
        if let Some(kind @ Kind::Scalar(_)) = self.types.get_mut(&*T::type_name()) {
            *kind = Kind::Scalar(Some(parser));
        }
        self
    }

    fn read(&mut self, sdl: &str) -> Result<(), String> {
        for definition in parse_schema(sdl).map_err(|error| error.to_string())?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    self.query = schema.node.query.map(|name| name.node);
                    self.mutation = schema.node.mutation.map(|name| name.node);
                    self.subscription = schema.node.subscription.map(|name| name.node);
                }
                TypeSystemDefinition::Type(definition) => self.add(definition.node),
                TypeSystemDefinition::Directive(directive) => {
                    self.lists.directives += 1;
                    let DirectiveDefinition { name, arguments, .. } = directive.node;
                    self.directives.insert(name.node, inputs(arguments));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, definition: TypeDefinition) {
        self.lists.types += 1;
        let one_of = definition.directives.iter().any(|directive| directive.node.name.node == "oneOf");
        let kind = match definition.kind {
            TypeKind::Object(object) => Kind::Object(self.fields(object.fields, object.implements)),
            TypeKind::Interface(interface) => {
                Kind::Interface(self.fields(interface.fields, interface.implements))
            }
            TypeKind::Union(union) => {
                self.lists.related.add(union.members.len());
                Kind::Union(union.members.into_iter().map(|name| name.node).collect())
            }
            TypeKind::Enum(values) => {
                self.lists.enum_values.add(values.values.len());
                Kind::Enum(values.values.into_iter().map(|value| value.node.value.node).collect())
            }
            TypeKind::InputObject(input) => {
                self.lists.input_fields.add(input.fields.len());
                Kind::Input(InputObject { fields: inputs(input.fields), one_of })
            }
            TypeKind::Scalar => Kind::Scalar(None),
        };
        self.types.insert(definition.name.node, kind);
    }

    fn fields(
        &mut self,
        fields: Vec<Positioned<FieldDefinition>>,
        implements: Vec<Positioned<Name>>,
    ) -> Fields {
        self.lists.related.add(implements.len());
        self.lists.fields.add(fields.len());
        for field in &fields {
            self.lists.arguments.add(field.node.arguments.len());
        }
        let fields = fields.into_iter().map(|field| {
            let FieldDefinition { name, arguments, ty, .. } = field.node;
            (name.node, Output { ty: ty.node, arguments: inputs(arguments) })
        });
        let implements = implements.into_iter().map(|name| name.node);
        Fields { fields: fields.collect(), implements: implements.collect() }
    }

    /// The named type.
    pub(super) fn kind(&self, name: &str) -> Option<&Kind> {
        self.types.get(name)
    }

    /// A field with its arguments.
    pub(super) fn output(&self, parent: &str, field: &str) -> Option<&Output> {
        match self.types.get(parent)? {
            Kind::Object(ty) | Kind::Interface(ty) => ty.fields.get(field),
            _ => None,
        }
    }

    /// The type of a field.
    #[must_use]
    pub fn field(&self, parent: &str, field: &str) -> Option<&Type> {
        self.output(parent, field).map(|field| &field.ty)
    }

    /// The arguments of a directive.
    pub(super) fn directive(&self, name: &str) -> Option<&[Input]> {
        self.directives.get(name).map(Vec::as_slice)
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

    /// Whether every object of this type is an object: of an interface or a union it may be one of several.
    pub(super) fn is_object(&self, name: &str) -> bool {
        matches!(self.types.get(name), Some(Kind::Object(_)))
    }

    /// Whether an object of type `object` is what a fragment on `condition` is about.
    pub(super) fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object
            || match (self.types.get(condition), self.types.get(object)) {
                (Some(Kind::Union(members)), _) => members.iter().any(|member| member == object),
                (_, Some(Kind::Object(object))) => object.implements.iter().any(|name| name == condition),
                _ => false,
            }
    }

    /// Every field that is a list, as `Type.field`; those about the schema itself left out.
    #[cfg(test)]
    pub(super) fn list_fields(&self) -> Vec<String> {
        let of = |(parent, kind): (&Name, &Kind)| {
            let (Kind::Object(ty) | Kind::Interface(ty)) = kind else { return Vec::new() };
            let lists = ty.fields.iter().filter(|(_, field)| matches!(field.ty.base, BaseType::List(_)));
            lists.map(|(field, _)| format!("{parent}.{field}")).collect()
        };
        self.types.iter().filter(|(name, _)| !name.starts_with("__")).flat_map(of).collect()
    }
}

fn inputs(definitions: Vec<Positioned<InputValueDefinition>>) -> Vec<Input> {
    let input = |definition: Positioned<InputValueDefinition>| {
        let InputValueDefinition { name, ty, default_value, .. } = definition.node;
        Input { name: name.node, ty: ty.node, has_default: default_value.is_some() }
    };
    definitions.into_iter().map(input).collect()
}

/// The named type inside all lists.
#[must_use]
pub fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => innermost(item),
    }
}
