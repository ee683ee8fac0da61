//! What a mutation is asked to answer with, looked at before it acts: who may not read the answer is refused then, and
//! nothing has been done. Every mutation that acts upon what may be another user's begins with [`acting_on`].

use async_graphql::{
    Context, Error, Result,
    parser::types::{Field, SelectionSet},
    registry::{MetaTypeName, Registry},
};

use crate::{
    domain::{id::UserId, identity::Caller},
    graphql::{
        error::{caller, error},
        request::selections::{self, Fragments},
    },
    service::Failure,
};

/// The fields that only their owner and an ADMIN may read, although others are given the object that they are of: a
/// cashier gets the wallet that was charged. Each of their resolvers begins with [`reading`].
const OWNERS_ONLY: [(&str, &str); 1] = [("Points", "history")];

/// Who acts upon what is `owner`'s, left out: their own.
///
/// # Errors
/// UNAUTHENTICATED if nobody has said who they are; FORBIDDEN if the answer is to have a field that they may not read.
pub(super) fn acting_on<'a>(ctx: &Context<'a>, owner: Option<&UserId>) -> Result<&'a Caller> {
    let caller = caller(ctx)?;
    if owner.is_none_or(|owner| caller.may_read_of(owner)) {
        return Ok(caller);
    }
    let document = Document { registry: &ctx.schema_env.registry, fragments: &ctx.query_env.fragments };
    let root = document.registry.mutation_type.as_deref().unwrap_or_default();
    // Of the whole operation: the fields of a mutation act one after the other, and what the second is refused for must
    // not have been done in part by the first.
    match document.owners_only_of(root, &ctx.query_env.operation.node.selection_set.node) {
        None => Ok(caller),
        Some((parent, field)) => Err(forbidden(&format!(
            "{parent}.{field} of another user is for an ADMIN to read; nothing was done. Leave {field} out."
        ))),
    }
}

/// Who reads such a field of what is `owner`'s.
///
/// # Errors
/// UNAUTHENTICATED if nobody has said who they are; FORBIDDEN unless they may.
pub(super) fn reading<'a>(
    ctx: &Context<'a>,
    field: (&'static str, &'static str),
    owner: &UserId,
) -> Result<&'a Caller> {
    debug_assert!(OWNERS_ONLY.contains(&field), "{field:?} is not among those that mutations look for");
    let caller = caller(ctx)?;
    if caller.may_read_of(owner) {
        Ok(caller)
    } else {
        Err(forbidden("Only an ADMIN may read another user's."))
    }
}

fn forbidden(message: &str) -> Error {
    error(Failure::Forbidden(message.to_owned()))
}

/// The types and the fragments by which selections are understood. What `@skip` and `@include` leave out is not in
/// them any more when something is executed.
struct Document<'a> {
    registry: &'a Registry,
    fragments: &'a Fragments,
}

impl<'a> Document<'a> {
    /// The first field below `field`, which is one of `parent`, that is its owner's only. The guard has bounded how
    /// much there is to walk.
    fn owners_only(&self, parent: &'a str, field: &'a Field) -> Option<(&'a str, &'a str)> {
        let name = field.name.node.as_str();
        if OWNERS_ONLY.contains(&(parent, name)) {
            return Some((parent, name));
        }
        let ty = &self.registry.types.get(parent)?.field_by_name(name)?.ty;
        self.owners_only_of(MetaTypeName::concrete_typename(ty), &field.selection_set.node)
    }

    fn owners_only_of(&self, parent: &'a str, set: &'a SelectionSet) -> Option<(&'a str, &'a str)> {
        selections::fields(self.fragments, parent, set)
            .find_map(|(on, field)| self.owners_only(on, &field.node))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use async_graphql::parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    };

    use super::*;

    /// The schema as pairs of a type and one of its fields (or of the input's types, in the end), with what that is of.
    fn types() -> HashMap<String, Vec<(String, String, Vec<String>)>> {
        let mut types = HashMap::new();
        for definition in parse_schema(crate::graphql::sdl()).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                TypeKind::InputObject(input) => {
                    let names = input.fields.into_iter().map(|field| field.node);
                    let names = names.map(|field| {
                        let ty = field.ty.node.to_string();
                        (field.name.node.to_string(), bare(&ty), Vec::new())
                    });
                    types.insert(definition.node.name.node.to_string(), names.collect());
                    continue;
                }
                _ => continue,
            };
            let fields = fields.into_iter().map(|field| {
                let field = field.node;
                let arguments = field.arguments.iter().map(|argument| {
                    format!("{} {}", argument.node.name.node, bare(&argument.node.ty.node.to_string()))
                });
                let arguments = arguments.collect();
                (field.name.node.to_string(), bare(&field.ty.node.to_string()), arguments)
            });
            types.insert(definition.node.name.node.to_string(), fields.collect());
        }
        types
    }

    fn bare(ty: &str) -> String {
        ty.trim_matches(['[', ']', '!']).to_owned()
    }

    /// Every mutation that is told whose things to act upon, and whose answer has a field that is its owner's only, has
    /// to begin with [`acting_on`]; one that is new here needs that, and a line in the test of the roles.
    #[test]
    fn whoever_acts_for_another_and_is_shown_an_owners_field_is_known() {
        let types = types();
        let shows = |payload: &str| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![payload.to_owned()]);
            while let Some(ty) = open.pop() {
                for (field, of, _) in types.get(&ty).into_iter().flatten() {
                    if OWNERS_ONLY.contains(&(ty.as_str(), field.as_str())) {
                        return true;
                    }
                    if seen.insert(of.clone()) {
                        open.push(of.clone());
                    }
                }
            }
            false
        };
        let names_a_user = |arguments: &[String]| {
            arguments.iter().any(|argument| {
                let (name, ty) = argument.split_once(' ').unwrap();
                let inner = types.get(ty).into_iter().flatten();
                name == "userId" || inner.into_iter().any(|(name, ..)| name == "userId")
            })
        };
        assert!(shows("PointsPayload") && shows("PayPayload") && !shows("ReleaseHoldPayload"));
        let found: Vec<_> = types["Mutation"]
            .iter()
            .filter(|(_, payload, arguments)| names_a_user(arguments) && shows(payload))
            .map(|(name, ..)| name.as_str())
            .collect();
        assert_eq!(found, ["charge"]);
    }
}
