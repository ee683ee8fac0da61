//! Descriptions of what means the same wherever it stands: the ends of a page, a token's date, who something is of. What
//! means something of its own is described where it is written; the schema has nothing without a description.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
};

/// Fields, of any type.
const FIELDS: [(&str, &str); 11] = [
    ("id", "Its id, a UUID: it stays the same for ever."),
    ("createdAt", "When it was made."),
    ("userId", "Whose it is: the `sub` of the token that they showed."),
    ("status", "How it stands right now."),
    ("kind", "What it is about."),
    ("seat", "The seat that it is for."),
    ("series", "The date that it belongs to."),
    ("concert", "The concert that it is a date of."),
    ("position", "Where it stands in line."),
    ("code", "What went wrong, for the program."),
    ("message", "What went wrong, for the fan."),
];

/// Arguments, of any field.
const ARGUMENTS: [(&str, &str); 16] = [
    ("id", "The id of what is asked for."),
    ("ids", "The ids of what is asked for; how many at most says the field."),
    ("concertId", "The id of the concert."),
    ("seriesId", "The id of the date."),
    ("tokenId", "The id of the place; left out, that of the queue token in the Authorization header."),
    ("userId", "Whose: left out, the caller's own."),
    ("input", "What is to be done; see the fields of its type."),
    (
        "first",
        "How many from the beginning of the list, 1 to 100; 20 if neither `first` nor `last` is there.",
    ),
    ("last", "How many from the end of the list, 1 to 100; not together with `first`."),
    ("after", "Only what comes after this cursor, such as `pageInfo.endCursor` of the page before."),
    ("before", "Only what comes before this cursor, such as `pageInfo.startCursor` of the page behind."),
    ("search", "Only those whose title has each of these words; at most 200 characters, blank for all."),
    ("onlyChanged", "Leave the seats of a snapshot out: `states` tells of them."),
    ("availableOnly", "Only the seats that can be held right now."),
    ("bookableOnly", "Only the dates that are ON_SALE right now."),
    ("sinceVersion", "The `version` that the client has; left out, it is told of every seat first."),
];

/// No type of the schema. Registered last, it finds all others there, and gives them the words that they lack: the library
/// has no other place for that.
pub(super) struct Descriptions;

impl OutputType for Descriptions {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("String")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        for (name, of) in &mut registry.types {
            if !name.starts_with("__") {
                describe(name, of);
            }
        }
        Self::type_name().into_owned()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

fn describe(name: &str, of: &mut MetaType) {
    let (MetaType::Object { fields, description, .. } | MetaType::Interface { fields, description, .. }) = of
    else {
        return;
    };
    if description.is_none() && name.ends_with("Connection") {
        *description = Some("A page of a list, and where the next one begins.".to_owned());
    }
    for (name, field) in fields {
        add(&mut field.description, name, &FIELDS);
        for (name, argument) in &mut field.args {
            add(&mut argument.description, name, &ARGUMENTS);
        }
    }
}

fn add(description: &mut Option<String>, name: &str, known: &[(&str, &str)]) {
    if description.is_none() {
        let words = known.iter().find(|(known, _)| *known == name);
        *description = words.map(|(_, words)| (*words).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{
        parse_schema,
        types::{InputValueDefinition, TypeKind, TypeSystemDefinition},
    };

    use crate::graphql::sdl;

    type Found = Option<async_graphql::Positioned<String>>;

    /// A line for each thing in the schema, with whether it is described.
    fn described() -> Vec<(String, bool)> {
        let mut all = Vec::new();
        let mut see = |name: String, words: &Found| {
            all.push((name, words.as_ref().is_some_and(|words| !words.node.trim().is_empty())));
        };
        let inputs = |see: &mut dyn FnMut(String, &Found),
                      of: &str,
                      inputs: &[async_graphql::Positioned<InputValueDefinition>]| {
            for input in inputs {
                see(format!("{of}({})", input.node.name.node), &input.node.description);
            }
        };
        for definition in parse_schema(sdl()).unwrap().definitions {
            let TypeSystemDefinition::Type(of) = definition else { continue };
            let name = of.node.name.node.to_string();
            see(name.clone(), &of.node.description);
            let fields = match &of.node.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                TypeKind::InputObject(input) => {
                    inputs(&mut see, &name, &input.fields);
                    continue;
                }
                TypeKind::Enum(of) => {
                    for value in &of.values {
                        see(format!("{name}.{}", value.node.value.node), &value.node.description);
                    }
                    continue;
                }
                TypeKind::Scalar | TypeKind::Union(_) => continue,
            };
            for field in fields {
                let name = format!("{name}.{}", field.node.name.node);
                see(name.clone(), &field.node.description);
                inputs(&mut see, &name, &field.node.arguments);
            }
        }
        all
    }

    #[test]
    fn everything_in_the_schema_has_a_description() {
        let all = described();
        for seen in [
            "Concert",
            "Concert.title",
            "Query.seats(availableOnly)",
            "SeatStatus.HELD",
            "ChargeInput(amount)",
            "Problem.code",
        ] {
            assert!(all.iter().any(|(name, _)| name == seen), "{seen} was not looked at");
        }
        let without: Vec<_> = all.iter().filter(|(_, is)| !is).map(|(name, _)| name).collect();
        assert!(without.is_empty(), "{without:?}");
    }

    #[test]
    fn what_a_point_is_worth_is_said() {
        assert!(sdl().contains("1 point = 1 KRW"));
    }
}
