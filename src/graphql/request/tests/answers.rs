//! Nulls, and the order of fields.

use super::*;

/// The text of `data`, in which order counts.
async fn data(query: &str) -> String {
    let (response, _) = respond(query, None, json!({})).await;
    serde_json::to_string(&response.data).unwrap()
}

#[tokio::test]
async fn a_null_goes_where_the_types_let_it() {
    for (query, expected) in [
        ("{ ok plain { name } }", r#"{"ok":1,"plain":{"name":"a"}}"#),
        ("{ ok may }", r#"{"ok":1,"may":null}"#),
        ("{ may ok }", r#"{"may":null,"ok":1}"#),
        ("{ may slow ok }", r#"{"may":null,"slow":2,"ok":1}"#),
        ("{ ok other: may }", r#"{"ok":1,"other":null}"#),
        // Nothing else is left of the object.
        ("{ may }", r#"{"may":null}"#),
        ("{ a: may b: may mayNode { ok } }", r#"{"a":null,"b":null,"mayNode":null}"#),
        ("{ node { may } }", r#"{"node":{"may":null}}"#),
        ("{ nodes { may } }", r#"{"nodes":[{"may":null},{"may":null}]}"#),
        ("{ node { maybe { may } } }", r#"{"node":{"maybe":{"may":null}}}"#),
        // Up to what may be null.
        ("{ ok must }", "null"),
        ("{ may must }", "null"),
        ("{ must may }", "null"),
        ("{ ok node { ok may } }", r#"{"ok":1,"node":{"ok":1,"may":null}}"#),
        ("{ ok node { ok never } }", r#"{"ok":1,"node":null}"#),
        ("{ ok node { never may } }", r#"{"ok":1,"node":null}"#),
        ("{ ok node { node { node { ok never } } } }", r#"{"ok":1,"node":null}"#),
        ("{ ok node { ok maybe { node { never } } } }", r#"{"ok":1,"node":{"ok":1,"maybe":null}}"#),
        ("{ ok mustNode { ok never } }", "null"),
        ("{ ok nodes { ok never } }", r#"{"ok":1,"nodes":[null,null]}"#),
        ("{ ok strict { ok never } }", r#"{"ok":1,"strict":null}"#),
        ("{ ok veryStrict { ok never } }", "null"),
        ("{ rows { ok never } }", r#"{"rows":[null,[]]}"#),
        ("{ ok thing { never } }", r#"{"ok":1,"thing":null}"#),
        ("{ ok thing { ... on Node { ok x: never } } }", r#"{"ok":1,"thing":null}"#),
        (
            "{ ok ...A } fragment A on Query { node { ...B } } fragment B on Node { ok never }",
            r#"{"ok":1,"node":null}"#,
        ),
        ("{ node { ok } node { never } }", r#"{"node":null}"#),
        ("query A { ok may }", r#"{"ok":1,"may":null}"#),
        ("mutation { fail }", r#"{"fail":null}"#),
        ("mutation { a: fail act { acts } b: fail }", r#"{"a":null,"act":{"acts":1},"b":null}"#),
    ] {
        assert_eq!(data(query).await, expected, "{query}");
    }
}

/// An object of which nothing is selected is one all the same: a client takes null for "there is none".
#[tokio::test]
async fn nothing_of_an_object_is_an_empty_object() {
    for (query, expected) in [
        ("{ ok @skip(if: true) }", "{}"),
        ("{ ...F @skip(if: true) } fragment F on Query { ok }", "{}"),
        ("{ node { ok @skip(if: true) } }", r#"{"node":{}}"#),
        ("{ nodes { ok @include(if: false) } }", r#"{"nodes":[{},{}]}"#),
        ("{ thing { ... on Other { never } } }", r#"{"thing":{}}"#),
        ("{ thing { ...O ... on Other { label } } } fragment O on Other { never }", r#"{"thing":{}}"#),
        ("{ either { ... on Node { ok } } }", r#"{"either":{}}"#),
        ("{ either { ... on Node { ok } ... on Plain { name @skip(if: true) } } }", r#"{"either":{}}"#),
        ("{ thing { ... on Thing { ... on Other { never } } } }", r#"{"thing":{}}"#),
        ("{ node { ... on Thing { ... on Other { never } } } }", r#"{"node":{}}"#),
        ("{ __schema { queryType @skip(if: true) { name } } }", r#"{"__schema":{}}"#),
        ("mutation { act @skip(if: true) { acts } }", "{}"),
        ("mutation { act { acts @skip(if: true) } }", r#"{"act":{}}"#),
    ] {
        assert_eq!(data(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn fields_stand_in_the_order_of_the_query() {
    for (query, expected) in [
        ("{ slow ok }", r#"{"slow":2,"ok":1}"#),
        ("{ ok slow }", r#"{"ok":1,"slow":2}"#),
        ("{ ...F ok } fragment F on Query { slow }", r#"{"slow":2,"ok":1}"#),
        ("{ node { slow ok } ok }", r#"{"node":{"slow":2,"ok":1},"ok":1}"#),
        ("{ nodes { slow ok } }", r#"{"nodes":[{"slow":2,"ok":1},{"slow":2,"ok":1}]}"#),
        ("{ rows { slow ok } }", r#"{"rows":[[{"slow":2,"ok":1},{"slow":2,"ok":1}],[]]}"#),
        ("{ node { ok } ok node { slow } }", r#"{"node":{"ok":1,"slow":2},"ok":1}"#),
        (
            "{ thing { ... on Node { slow } __typename ... on Node { ok } } }",
            r#"{"thing":{"slow":2,"__typename":"Node","ok":1}}"#,
        ),
        (
            "{ either { ... on Plain { name } __typename } }",
            r#"{"either":{"name":"a","__typename":"Plain"}}"#,
        ),
        ("{ b: slow a: ok c: slow }", r#"{"b":2,"a":1,"c":2}"#),
    ] {
        assert_eq!(data(query).await, expected, "{query}");
    }
}

/// A mutation in two fragments is one.
#[tokio::test]
async fn what_is_selected_twice_is_done_once() {
    for query in [
        "mutation { act(v: 1) { acts } act(v: 1) { v } }",
        "mutation { ...A ...B } fragment A on Mutation { act(v: 1) { acts } } fragment B on Mutation { act(v: 1) { v } }",
        "mutation { act(v: 1) { acts } ... { act(v: 1) { v } ... on Mutation { act(v: 1) { v } } } }",
    ] {
        let (answer, acts) = ask(query, json!({})).await;
        assert_eq!((answer, acts), (json!({ "data": { "act": { "acts": 1, "v": 1 } } }), 1), "{query}");
    }
    let (_, acts) = ask("mutation { a: act { acts } b: act { acts } }", json!({})).await;
    assert_eq!(acts, 2);
    let (answer, _) = ask("{ may may }", json!({})).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_followed_gets_its_null_at_the_end() {
    let mut error = ServerError::new("x", None);
    let field = |name: &str| async_graphql::PathSegment::Field(name.to_owned());
    error.path = vec![field("a"), field("b")];
    let mut response = async_graphql::Response::new(async_graphql::value!({ "a": { "c": 1 } }));
    response.errors.push(error);
    Outline::default().repair(&mut response);
    assert_eq!(response.data, async_graphql::value!({ "a": { "c": 1, "b": null } }));
}
