//! The schema holds all of the public contract, and `schema.graphql` is the schema.

use std::collections::BTreeMap;

use async_graphql::Positioned;
use async_graphql::parser::{
    parse_schema,
    types::{FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition},
};

const CONTRACT: &str = include_str!("../contract.graphql");
const COMMITTED: &str = include_str!("../../schema.graphql");

/// What Relay says of the connections that the contract only names.
const RELAY: &str =
    "type PageInfo { hasPreviousPage: Boolean! hasNextPage: Boolean! startCursor: String endCursor: String }";

/// A schema as facts: what there is, and of which type.
type Facts = BTreeMap<String, String>;

fn facts(sdl: &str) -> Facts {
    let mut facts = Facts::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            facts_of(&definition.node, &mut facts);
        }
    }
    facts
}

fn facts_of(definition: &TypeDefinition, facts: &mut Facts) {
    let name = definition.name.node.as_str();
    let kind = match &definition.kind {
        TypeKind::Scalar => "scalar",
        TypeKind::Object(object) => {
            for interface in &object.implements {
                facts.insert(format!("{name} implements {}", interface.node), String::new());
            }
            fields(name, &object.fields, facts);
            "type"
        }
        TypeKind::Interface(interface) => {
            fields(name, &interface.fields, facts);
            "interface"
        }
        TypeKind::Enum(values) => {
            for value in &values.values {
                facts.insert(format!("{name}.{}", value.node.value.node), String::new());
            }
            "enum"
        }
        TypeKind::InputObject(input) => {
            for field in &input.fields {
                facts.insert(format!("{name}.{}", field.node.name.node), input_value(&field.node));
            }
            "input"
        }
        TypeKind::Union(_) => "union",
    };
    facts.insert(name.to_owned(), kind.to_owned());
}

fn fields(owner: &str, fields: &[Positioned<FieldDefinition>], facts: &mut Facts) {
    for field in fields.iter().map(|field| &field.node) {
        let name = format!("{owner}.{}", field.name.node);
        for argument in &field.arguments {
            facts.insert(format!("{name}({})", argument.node.name.node), input_value(&argument.node));
        }
        facts.insert(name, field.ty.node.to_string());
    }
}

fn input_value(value: &InputValueDefinition) -> String {
    match &value.default_value {
        Some(default) => format!("{} = {}", value.ty.node, default.node),
        None => value.ty.node.to_string(),
    }
}

/// The contract with what it leaves to the Relay specification.
fn contract() -> Facts {
    let mut sdl = CONTRACT.to_owned() + RELAY;
    for node in ["Concert", "Reservation", "Payment", "PointHistory"] {
        sdl += &format!(
            "type {node}Connection {{ edges: [{node}Edge!]! nodes: [{node}!]! pageInfo: PageInfo! }} \
             type {node}Edge {{ cursor: String! node: {node}! }}"
        );
    }
    facts(&sdl)
}

/// What a front end that was built on the contract would stumble over.
fn breaks(contract: &Facts, served: &Facts) -> Vec<String> {
    let mut breaks = Vec::new();
    for (name, promised) in contract {
        match served.get(name) {
            None => breaks.push(format!("{name} is missing")),
            Some(found) if found != promised => breaks.push(format!("{name}: {found}, not {promised}")),
            Some(_) => {}
        }
    }
    for (name, found) in served.iter().filter(|(name, _)| !contract.contains_key(*name)) {
        let owner = name.split(['.', '(']).next().unwrap_or_default();
        let field = name.split('(').next().unwrap_or_default();
        let asked_of_the_old = match name.ends_with(')') {
            true => contract.contains_key(field),
            false => contract.get(owner).is_some_and(|kind| kind == "input"),
        };
        if asked_of_the_old && found.ends_with('!') {
            breaks.push(format!("{name} is required and new"));
        }
    }
    breaks
}

#[test]
fn the_schema_holds_the_contract() {
    assert_eq!(breaks(&contract(), &facts(&frontrow::graphql::sdl())), Vec::<String>::new());
}

#[test]
fn the_committed_schema_is_the_one_served() {
    assert_eq!(COMMITTED, frontrow::graphql::sdl(), "run `frontrow schema > schema.graphql`");
}

/// The comparison can fail: each of these changes to the schema is found.
#[test]
fn a_doctored_schema_is_found_out() {
    let found = |from: &str, to: &str| {
        let sdl = frontrow::graphql::sdl();
        let doctored = sdl.replace(from, to);
        assert_ne!(sdl, doctored, "{from} is not in the schema");
        breaks(&contract(), &facts(&doctored))
    };
    assert_eq!(
        found("\tdrawSecret: String\n", "\tsecretOfTheDraw: String\n"),
        ["Series.drawSecret is missing"]
    );
    assert_eq!(found("\tseatCount: Int!\n", "\tseatCount: Int\n"), ["Series.seatCount: Int, not Int!"]);
    assert_eq!(found("\tHELD\n", "\tKEPT\n"), ["SeatStatus.HELD is missing"]);
    let defaults = found("availableOnly: Boolean! = false", "availableOnly: Boolean! = true");
    assert_eq!(defaults.len(), 2, "{defaults:?}");
    let nodes = found("nodes: [Payment!]!", "nodes: [Payment!]");
    assert_eq!(nodes, ["PaymentConnection.nodes: [Payment!], not [Payment!]!"]);
    let required = found("input HoldSeatInput {", "input HoldSeatInput {\n\treason: String!\n");
    assert_eq!(required, ["HoldSeatInput.reason is required and new"]);
    let interface = found("type SeatTaken implements Problem", "type SeatTaken");
    assert_eq!(interface, ["SeatTaken implements Problem is missing"]);
}
