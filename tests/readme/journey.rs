//! The steps of docs/api.md, in their order, against a demo server.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::{parse_query, types::Selection};
use frontrow::{clock::Clock, demo};
use serde_json::{Value, json};

use test_support::{Options, Server, Watch};

use crate::steps::{Step, at, name, steps};

#[tokio::test]
async fn every_step_does_what_it_says() {
    let server = Server::with(Options { demo: true, clock: Clock::system(), ..Options::default() }).await;
    let who = demo::organizer();
    let organizer = server.with_roles(who.user.as_str(), &who.roles);
    let mut kept = HashMap::from([("organizerToken".to_owned(), json!(organizer.bearer))]);
    let mut ledger = None;
    for step in steps() {
        let answer = run(&server, &step, &kept).await;
        let mut problems = Vec::new();
        find_problems(&answer, &mut problems);
        assert_eq!(problems, Vec::from_iter(step.problem.clone()), "{}: {answer}", step.title);
        for (name, path) in &step.keep {
            let value = at(&answer, path);
            assert!(value.is_string() || value.is_number(), "{}: {name} is {value}", step.title);
            kept.insert(name.clone(), value.clone());
        }
        if answer.get("points").is_some() {
            ledger = Some(answer);
        }
    }
    // Charged 50,000; three seats at 10,000, one of them given back; 500 spent on something else.
    let ledger = ledger.expect("a step that reads the ledger");
    let lines = at(&ledger, "points.history.nodes").as_array().unwrap();
    let sum: i64 = lines.iter().map(|line| line["amount"].as_i64().unwrap()).sum();
    assert_eq!((sum, at(&ledger, "points.balance")), (29_500, &json!(29_500)));
    assert_eq!(at(&ledger, "token.status"), "COMPLETED");
    server.stop().await;
}

async fn run(server: &Server, step: &Step, kept: &HashMap<String, Value>) -> Value {
    let variables = filled(&step.variables, kept);
    let token = step.token.as_ref().map(|name| kept[name].as_str().unwrap());
    match &step.until {
        None => {
            let caller = token.map_or_else(|| server.stranger(), |token| server.bearer(&step.title, token));
            caller.ask(&step.document, variables).await.data().clone()
        }
        Some((path, value)) => {
            let reached = |answer: &Value| {
                let found = at(answer, path);
                found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned) == *value
            };
            let mut watch = Watch::open(server.address, token, &step.document, variables).await;
            loop {
                let answer = watch.next_data().await.expect("the stream goes on until what is waited for");
                if reached(&answer) {
                    return answer;
                }
            }
        }
    }
}

/// The variables with what was kept in the place of `<name>`.
fn filled(variables: &Value, kept: &HashMap<String, Value>) -> Value {
    match variables {
        Value::String(text) => match name(text) {
            Some(name) => kept.get(name).unwrap_or_else(|| panic!("no step keeps {name}")).clone(),
            None => variables.clone(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, kept)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, kept))).collect()
        }
        _ => variables.clone(),
    }
}

fn find_problems(answer: &Value, found: &mut Vec<String>) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| find_problems(item, found)),
        Value::Object(fields) => {
            if let Some(problem) = fields.get("problem").filter(|problem| !problem.is_null()) {
                found.push(problem["code"].as_str().unwrap().to_owned());
            }
            fields.values().for_each(|value| find_problems(value, found));
        }
        _ => {}
    }
}

#[test]
fn the_journey_has_every_operation() {
    let schema = parse_root_fields(&frontrow::graphql::sdl());
    let mut shown = BTreeSet::new();
    for step in steps() {
        let document = parse_query(&step.document).unwrap();
        for (_, operation) in document.operations.iter() {
            for selection in &operation.node.selection_set.node.items {
                let Selection::Field(field) = &selection.node else { panic!("{}", step.title) };
                shown.insert(format!("{} {}", operation.node.ty, field.node.name.node));
            }
        }
    }
    assert_eq!(schema.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(schema.len() >= 30, "{schema:?}");
}

/// `query concerts`, `mutation pay`, …
fn parse_root_fields(sdl: &str) -> BTreeSet<String> {
    use async_graphql::parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    };
    let mut fields = BTreeSet::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(root) = definition else { continue };
        let kind = root.node.name.node.to_lowercase();
        if let (TypeKind::Object(object), "query" | "mutation" | "subscription") =
            (root.node.kind, kind.as_str())
        {
            fields.extend(object.fields.iter().map(|field| format!("{kind} {}", field.node.name.node)));
        }
    }
    fields
}
