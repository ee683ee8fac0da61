//! What the specification asks of the variables and values of a document, whatever is sent with it.
//!
//! async-graphql has rules of its own for this, which differ from the specification's: see
//! docs/decisions/0001-what-async-graphql-is-asked.md. It gets to see documents without variables only.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet, Type, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned, ServerError};
use async_graphql_value::Value;

use super::coerce::{self, Coercion, Crumb, Known, Mistakes, Place, Usage};
use super::normal::NOTHING;
use super::scalar::Source;
use super::shape::{Input, Kind, Shape, innermost};
use super::{MOST, coded};
use crate::graphql::code;

/// The field that tells the type of an object.
pub(super) const TYPENAME: &str = "__typename";

/// An operation or a fragment: what stands in it, fragments not expanded.
#[derive(Default)]
struct Scope<'a> {
    usages: Vec<Usage<'a>>,
    spreads: Vec<&'a Name>,
    errors: Vec<ServerError>,
}

/// Looks at every operation and every fragment once. Mistakes in literals are collected.
///
/// # Errors
/// What is wrong with the variables.
pub(super) fn check(
    document: &ExecutableDocument,
    shape: &Shape,
    mistakes: &mut Mistakes,
) -> Result<(), Vec<ServerError>> {
    let mut reader = Reader { shape, mistakes };
    let fragments = document.fragments.iter().map(|(name, fragment)| {
        let fragment = &fragment.node;
        let on = &fragment.type_condition.node.on.node;
        (name, reader.scope(Some(on), &fragment.directives, &fragment.selection_set.node))
    });
    let fragments: HashMap<&Name, Scope<'_>> = fragments.collect();
    let mut errors = Vec::new();
    errors.extend(fragments.values().flat_map(|scope| scope.errors.iter().cloned()));
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let root = shape.root(operation.ty);
        let scope = reader.scope(root, &operation.directives, &operation.selection_set.node);
        errors.extend(scope.errors.iter().cloned());
        let declared = reader.declared(operation, &mut errors);
        used(&declared, &scope, &fragments, shape, &mut errors);
    }
    errors.truncate(MOST);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// A subscription is a stream of one thing, which is none about the schema.
///
/// # Errors
/// If it is another number of them, as where all of its fields are skipped.
pub(super) fn check_normal(operation: &OperationDefinition) -> Result<(), Vec<ServerError>> {
    let set = &operation.selection_set;
    let is_one = match set.node.items.as_slice() {
        [Positioned { node: Selection::Field(field), .. }] => !field.node.name.node.starts_with("__"),
        _ => false,
    };
    if operation.ty == OperationType::Subscription && !is_one {
        return Err(vec![not_one_stream(set.pos)]);
    }
    Ok(())
}

/// For a subscription of another number of fields than one.
pub(super) fn not_one_stream(pos: Pos) -> ServerError {
    wrong(pos, "A subscription selects exactly one field, and none about the schema.".to_owned())
}

struct Reader<'m, 'a> {
    shape: &'a Shape,
    mistakes: &'m mut Mistakes,
}

impl<'a> Reader<'_, 'a> {
    fn scope(
        &mut self,
        parent: Option<&Name>,
        directives: &[Positioned<Directive>],
        set: &'a SelectionSet,
    ) -> Scope<'a> {
        let mut scope = Scope::default();
        self.directives(directives, &mut scope);
        self.set(parent, set, &mut scope);
        scope
    }

    fn set(&mut self, parent: Option<&Name>, set: &'a SelectionSet, scope: &mut Scope<'a>) {
        for selection in &set.items {
            self.directives(selection.node.directives(), scope);
            match &selection.node {
                Selection::Field(field) => {
                    let Positioned { pos, node: field } = field;
                    if field.response_key().node == NOTHING {
                        scope.errors.push(reserved(*pos));
                    }
                    if field.name.node == TYPENAME {
                        scope.errors.extend(type_name(field));
                    }
                    let output = parent.and_then(|parent| self.shape.output(parent, &field.name.node));
                    let inputs = output.map(|output| output.arguments.as_slice());
                    self.arguments(*pos, &field.arguments, inputs, scope);
                    let inner = output.map(|output| innermost(&output.ty));
                    self.set(inner, &field.selection_set.node, scope);
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |condition| Some(&condition.node.on.node));
                    self.set(on, &inline.node.selection_set.node, scope);
                }
                Selection::FragmentSpread(spread) => scope.spreads.push(&spread.node.fragment_name.node),
            }
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>], scope: &mut Scope<'a>) {
        for Positioned { pos, node: directive } in directives {
            let inputs = self.shape.directive(&directive.name.node);
            self.arguments(*pos, &directive.arguments, inputs, scope);
        }
    }

    /// `inputs`: what may be given; `None` where that is not known, which async-graphql's rules tell.
    fn arguments(
        &mut self,
        pos: Pos,
        given: &[(Positioned<Name>, Positioned<Value>)],
        inputs: Option<&'a [Input]>,
        scope: &mut Scope<'a>,
    ) {
        for (name, value) in given {
            let input = inputs.and_then(|inputs| inputs.iter().find(|input| input.name == name.node));
            let mut coercion = self.coercion(value.pos, &name.node, &mut scope.usages);
            match input {
                Some(input) => drop(coercion.placed(&value.node, Place::input(input))),
                None => coercion.unknown(&value.node),
            }
        }
        let is_given = |input: &&Input| given.iter().any(|(name, _)| name.node == input.name);
        for missing in inputs.unwrap_or_default().iter().filter(|input| input.is_required()) {
            if !is_given(&missing) {
                self.coercion(pos, &missing.name, &mut scope.usages).missing();
            }
        }
    }

    fn coercion<'v>(
        &'v mut self,
        pos: Pos,
        name: &'v Name,
        usages: &'v mut Vec<Usage<'a>>,
    ) -> Coercion<'v, 'a> {
        let (known, path) = (Known::Used(usages), vec![Crumb::Name(name)]);
        Coercion { shape: self.shape, source: Source::Document, known, mistakes: self.mistakes, pos, path }
    }

    /// The variables of an operation, each once.
    fn declared(
        &mut self,
        operation: &'a OperationDefinition,
        errors: &mut Vec<ServerError>,
    ) -> HashMap<&'a Name, (Pos, &'a VariableDefinition)> {
        let mut declared = HashMap::new();
        for Positioned { pos, node: definition } in &operation.variable_definitions {
            let name = &definition.name.node;
            if declared.insert(name, (*pos, definition)).is_some() {
                errors.push(wrong(*pos, format!("There can be only one variable named \"${name}\".")));
            }
            for directive in &definition.directives {
                let directive_name = &directive.node.name.node;
                let message = format!("Directive \"@{directive_name}\" may not be used on a variable.");
                errors.push(wrong(directive.pos, message));
            }
            let ty = &definition.var_type.node;
            let message = match self.shape.kind(innermost(ty)) {
                None => format!("Unknown type \"{}\".", innermost(ty)),
                Some(Kind::Object(_) | Kind::Interface(_) | Kind::Union(_)) => {
                    format!("Variable \"${name}\" cannot be of the type \"{ty}\", which is no input.")
                }
                Some(Kind::Scalar(_) | Kind::Enum(_) | Kind::Input(_)) => {
                    if let Some(default) = &definition.default_value {
                        coerce::default(default, name, ty, self.shape, self.mistakes);
                    }
                    continue;
                }
            };
            errors.push(wrong(*pos, message));
        }
        declared
    }
}

/// Compares the variables that are declared with those that are used, in the fragments too.
fn used(
    declared: &HashMap<&Name, (Pos, &VariableDefinition)>,
    scope: &Scope<'_>,
    fragments: &HashMap<&Name, Scope<'_>>,
    shape: &Shape,
    errors: &mut Vec<ServerError>,
) {
    let (mut open, mut seen, mut unused) = (vec![scope], HashSet::new(), declared.clone());
    while let Some(scope) = open.pop() {
        for usage in &scope.usages {
            // Each of many operations may use the same of many variables.
            if errors.len() >= MOST {
                return;
            }
            unused.remove(&usage.name);
            match declared.get(&usage.name) {
                None => {
                    errors.push(wrong(usage.pos, format!("Variable \"${}\" is not defined.", usage.name)));
                }
                Some((_, definition)) => errors.extend(misplaced(definition, usage, shape)),
            }
        }
        let spread = scope.spreads.iter().filter(|name| seen.insert(**name));
        open.extend(spread.filter_map(|name| fragments.get(*name)));
    }
    let mut unused: Vec<_> = unused.into_iter().collect();
    unused.sort_by_key(|(_, (pos, _))| *pos);
    for (name, (pos, _)) in unused {
        errors.push(wrong(pos, format!("Variable \"${name}\" is never used.")));
    }
}

/// IsVariableUsageAllowed of the specification.
fn misplaced(definition: &VariableDefinition, usage: &Usage<'_>, shape: &Shape) -> Option<ServerError> {
    let (place, ty) = (usage.place?, &definition.var_type.node);
    // A type that is not known is told of already.
    shape.kind(innermost(ty))?;
    let has_default =
        definition.default_value.as_ref().is_some_and(|default| default.node != async_graphql::Value::Null);
    let is_allowed = if place.is_one_of && ty.nullable {
        false
    } else if !place.ty.nullable && ty.nullable {
        (has_default || place.has_default) && fits(&ty.base, &place.ty.base)
    } else {
        fits(&ty.base, &place.ty.base)
    };
    (!is_allowed).then(|| {
        let (name, wanted) = (&usage.name, place.ty);
        let but = if place.is_one_of { ", and never null" } else { "" };
        let message =
            format!("Variable \"${name}\" of type \"{ty}\" is used where \"{wanted}\" is expected{but}.");
        wrong(usage.pos, message)
    })
}

/// AreTypesCompatible, below the question of null, which the caller has answered.
fn fits(ty: &BaseType, wanted: &BaseType) -> bool {
    match (ty, wanted) {
        (BaseType::Named(ty), BaseType::Named(wanted)) => ty == wanted,
        (BaseType::List(ty), BaseType::List(wanted)) => items_fit(ty, wanted),
        _ => false,
    }
}

fn items_fit(ty: &Type, wanted: &Type) -> bool {
    (wanted.nullable || !ty.nullable) && fits(&ty.base, &wanted.base)
}

/// What is wrong with a field that every object has and no schema lists: async-graphql does not look at it.
fn type_name(field: &Field) -> impl Iterator<Item = ServerError> {
    let arguments = field.arguments.iter().map(|(name, _)| {
        wrong(name.pos, format!("Unknown argument \"{}\" on field \"{TYPENAME}\".", name.node))
    });
    let set = &field.selection_set;
    let message = format!("Field \"{TYPENAME}\" must not have a selection: it is a String.");
    arguments.chain((!set.node.items.is_empty()).then(|| wrong(set.pos, message)))
}

fn reserved(pos: Pos) -> ServerError {
    wrong(pos, format!("No field can be called \"{NOTHING}\" in an answer of this server."))
}

fn wrong(pos: Pos, message: String) -> ServerError {
    coded(ServerError::new(message, Some(pos)), code::BAD_USER_INPUT)
}
