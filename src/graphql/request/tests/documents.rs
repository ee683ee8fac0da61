//! What makes a document invalid, whoever sees it: this room or async-graphql.

use super::*;

/// Each of these is refused in words that hold these, and nothing is done.
async fn all_invalid(table: &[(&str, &str)]) {
    for (query, words) in table {
        let (answer, acts) = ask(query, json!({ "v": 1, "w": "x" })).await;
        assert_eq!((answer["data"].clone(), acts), (Value::Null, 0), "{query}: {answer}");
        let errors = answer["errors"].as_array().unwrap();
        assert!(
            errors.iter().all(|error| error["extensions"]["code"] == "BAD_USER_INPUT"),
            "{query}: {answer}"
        );
        let told: Vec<_> = errors.iter().map(|error| error["message"].as_str().unwrap()).collect();
        assert!(told.iter().any(|told| told.contains(words)), "{query}: {told:?}");
    }
}

#[tokio::test]
async fn variables_are_declared_used_and_fit() {
    all_invalid(&[
        ("query ($v: Int, $v: Int) { int(v: $v) }", "only one variable named \"$v\""),
        ("query ($v: Nothing) { int(v: $v) }", "Unknown type \"Nothing\""),
        ("query ($v: [Nothing!]!) { int(v: $v) }", "Unknown type \"Nothing\""),
        ("query ($v: Node) { int(v: $v) }", "which is no input"),
        ("query ($v: [Thing]) { int(v: $v) }", "which is no input"),
        ("query ($v: Either) { int(v: $v) }", "which is no input"),
        ("query ($v: Int @skip(if: true)) { int(v: $v) }", "may not be used on a variable"),
        ("{ int(v: $v) }", "\"$v\" is not defined"),
        ("{ ints(v: [1, $v]) }", "\"$v\" is not defined"),
        ("{ pair(v: { a: $v }) }", "\"$v\" is not defined"),
        ("{ ok @skip(if: $v) }", "\"$v\" is not defined"),
        ("{ ...F } fragment F on Query { int(v: $v) }", "\"$v\" is not defined"),
        (
            "query A($v: Int) { int(v: $v) ...F } query B { ...F } fragment F on Query { x: int(v: $v) }",
            "\"$v\" is not",
        ),
        ("query ($v: Int, $w: Int) { int(v: $v) }", "\"$w\" is never used"),
        ("query ($v: Int) { ok }", "\"$v\" is never used"),
        ("query A($v: Int) { ok } query B($v: Int) { int(v: $v) }", "\"$v\" is never used"),
        ("query ($v: Int) { ok } fragment F on Query { int(v: $v) }", "\"$v\" is never used"),
        // Other types.
        ("query ($v: String) { int(v: $v) }", "of type \"String\" is used where \"Int\" is expected"),
        ("query ($v: Int) { float(v: $v) }", "of type \"Int\" is used where \"Float\" is expected"),
        ("query ($v: ID) { string(v: $v) }", "is used where \"String\" is expected"),
        ("query ($v: String) { color(v: $v) }", "is used where \"Color\" is expected"),
        ("query ($v: Int) { ints(v: $v) }", "is used where \"[Int]\" is expected"),
        ("query ($v: [Int]) { int(v: $v) }", "is used where \"Int\" is expected"),
        ("query ($v: [Int]) { mustInts(v: $v) }", "is used where \"[Int!]!\" is expected"),
        ("query ($v: [Int]!) { mustInts(v: $v) }", "is used where \"[Int!]!\" is expected"),
        ("query ($v: [Int] = [1]) { mustInts(v: $v) }", "is used where \"[Int!]!\" is expected"),
        ("query ($v: [Int]) { grid(v: $v) }", "is used where \"[[Int]]\" is expected"),
        ("query ($v: Int) { mustInt(v: $v) }", "of type \"Int\" is used where \"Int!\" is expected"),
        ("query ($v: Int = null) { mustInt(v: $v) }", "is used where \"Int!\" is expected"),
        ("query ($v: Int) { mustInts(v: [$v]) }", "is used where \"Int!\" is expected"),
        ("query ($v: Int) { pair(v: { a: $v }) }", "is used where \"Int!\" is expected"),
        ("query ($v: String) { pair(v: { a: 1, b: $v }) }", "is used where \"Int!\" is expected"),
        ("query ($v: Boolean) { ok @include(if: $v) }", "is used where \"Boolean!\" is expected"),
        ("query ($v: Int) { ok @include(if: $v) }", "is used where \"Boolean!\" is expected"),
        (
            "query ($v: Int) { ...F } fragment F on Query { mustInt(v: $v) }",
            "is used where \"Int!\" is expected",
        ),
        ("query ($v: String) { way(v: { byId: $v }) }", "never null"),
    ])
    .await;
    let fine = [
        "query ($v: Int!) { int(v: $v) }",
        "query ($v: [Int!]!) { ints(v: $v) }",
        "query ($v: [[Int!]!]!) { grid(v: $v) }",
        "query ($v: [Int]) { ...F } fragment F on Query { ints(v: $v) }",
        "query ($v: Boolean!) { ok @skip(if: $v) ...F @include(if: $v) } fragment F on Query { ok }",
        "query A($v: Int) { ...F } query B($v: Int!) { ...F } fragment F on Query { int(v: $v) }",
    ];
    for query in fine {
        let intake = Intake::new(build(), |shape| shape).unwrap();
        let mut request = Request::new(query).variables(Variables::from_json(json!({ "v": [] })));
        request.operation_name = query.starts_with("query A").then(|| "B".to_owned());
        let refused = intake.prepare(request).err();
        // Only for what was sent.
        let told = |error: &ServerError| error.extensions.as_ref().unwrap().get("inputs").is_some();
        assert!(refused.iter().flatten().all(told), "{query}: {refused:?}");
    }
}

#[tokio::test]
async fn arguments_fields_and_fragments_exist_and_fit() {
    all_invalid(&[
        ("{ nothing }", "nothing"),
        ("{ node { nothing } }", "nothing"),
        ("{ thing { ok } }", "ok"),
        ("{ either { name } }", "name"),
        ("{ node }", "must have a selection"),
        ("{ ok { x } }", "must not have a selection"),
        ("{ __nothing: ok }", "No field can be called"),
        ("{ ...F } fragment F on Query { node { __nothing: ok } }", "No field can be called"),
        ("{ int(w: 1) }", "Unknown argument \"w\""),
        ("{ ok(v: 1) }", "Unknown argument \"v\""),
        ("{ ok @skip(if: true, unless: false) }", "Unknown argument \"unless\""),
        ("{ int(v: 1, v: 1) }", "be one argument named \"v\""),
        ("{ pair(v: { a: 1, a: 1 }) }", "only one input field named \"a\""),
        ("{ ok @nothing }", "Unknown directive \"nothing\""),
        ("query @skip(if: true) { ok }", "may not be used on"),
        ("{ ok @skip(if: false) @skip(if: false) }", "Duplicate directive"),
        ("{ ...F }", "F"),
        ("{ ok } fragment F on Query { ok }", "never used"),
        ("{ ...F } fragment F on Nothing { ok }", "Nothing"),
        ("{ ...F } fragment F on Int { ok }", "Int"),
        ("{ ... on Pair { a } }", "Pair"),
        ("{ node { ...F } } fragment F on Query { ok }", "F"),
        ("{ node { ... on Plain { name } } }", "Plain"),
        ("{ ...F } fragment F on Query { ...F }", "spreads itself"),
        ("{ ...F } fragment F on Query { ...G } fragment G on Query { ok ...F }", "spreads itself"),
        ("{ ok } { ok }", "operation"),
        ("{ ok } query A { ok }", "operation"),
        ("query A { ok } query A { ok }", "A"),
        ("{ ...F } fragment F on Query { ok } fragment F on Query { ok }", "F"),
        ("fragment F on Query { ok }", "operation"),
        ("type Query { ok: Int }", "expected"),
        ("subscription { ok }", "ubscription"),
        ("query A { ok } query B { nothing }", "nothing"),
        ("query A { ok } mutation B { act { acts } }", "operationName"),
        ("{ ok(v: \"\n\") }", "does not end"),
        ("", ""),
        ("{}", "expected"),
        ("{ }", "expected"),
    ])
    .await;
}

/// Its rules never see this field.
#[tokio::test]
async fn the_field_that_async_graphql_does_not_look_at_is_looked_at() {
    for (field, words) in [
        ("__typename(v: 1)", "Unknown argument \"v\""),
        ("__typename(v: 1, v: 1)", "Unknown argument \"v\""),
        ("t: __typename { x }", "must not have a selection"),
        ("__typename @nothing", "Unknown directive \"nothing\""),
        ("__typename @nothing(v: 1)", "Unknown directive \"nothing\""),
        ("__typename @deprecated", "may not be used"),
        ("__typename @specifiedBy(url: \"x\")", "may not be used"),
        ("__typename @skip(if: true) @nothing", "Unknown directive \"nothing\""),
        ("__typename @skip(if: false) @skip(if: false)", "Duplicate directive"),
        ("__typename @include(if: true, unless: false)", "Unknown argument \"unless\""),
        ("__typename @include(if: true, if: true)", "be one argument named \"if\""),
        ("__typename @include", "if is required"),
        ("__typename @include(if: null)", "if must not be null"),
    ] {
        let everywhere = [
            format!("{{ {field} }}"),
            format!("{{ ok node {{ {field} }} }}"),
            format!("{{ thing {{ ... on Node {{ {field} }} }} }}"),
            format!("{{ either {{ {field} }} }}"),
            format!("mutation {{ act {{ acts }} {field} }}"),
            format!("mutation {{ ...F }} fragment F on Mutation {{ act {{ acts {field} }} }}"),
            format!("{{ ok ...F }} fragment F on Query {{ node {{ {field} }} }}"),
        ];
        for query in &everywhere {
            all_invalid(&[(query, words)]).await;
        }
    }
    all_answered(&[
        (
            "{ __typename @include(if: true) @skip(if: false) ok }",
            json!({}),
            json!({ "__typename": "Query", "ok": 1 }),
        ),
        ("{ __typename @skip(if: true) ok }", json!({}), json!({ "ok": 1 })),
        (
            "query ($v: Boolean = false) { either { t: __typename @skip(if: $v) } }",
            json!({}),
            json!({ "either": { "t": "Plain" } }),
        ),
    ])
    .await;
}

#[tokio::test]
async fn fields_of_one_key_agree_wherever_they_stand() {
    all_invalid(&[
        ("{ r: ok r: slow }", "are different fields"),
        ("{ ok ... on Query { ok: slow } }", "are different fields"),
        ("{ ok ...F } fragment F on Query { ... { ok: slow } }", "are different fields"),
        ("{ node { r: ok } node { r: slow } }", "are different fields"),
        ("{ node { r: ok } ...F } fragment F on Query { node { r: slow } }", "are different fields"),
        ("{ int(v: 1) int(v: 2) }", "differing arguments"),
        ("{ int(v: 1) int }", "differing arguments"),
        ("{ int int(v: 1) }", "differing arguments"),
        ("query ($v: Int, $w: Int) { int(v: $v) int(v: $w) }", "differing arguments"),
        ("query ($v: Int) { int(v: $v) int(v: 1) }", "differing arguments"),
        ("{ two(a: 1) two(b: 1) }", "differing arguments"),
        ("{ pair(v: { a: 1 }) pair(v: { a: 1, b: 7 }) }", "differing arguments"),
        ("{ thing { ... on Node { name } ... on Other { name } } }", "conflicting types"),
        ("{ thing { ... on Node { label } ... on Other { label } } }", "conflicting types"),
        ("{ thing { ... on Node { r: ok } ... on Other { r: label } } }", "conflicting types"),
        ("{ thing { r: never ... on Node { r: ok } } }", "are different fields"),
        (
            "{ thing { ... on Node { n: node { r: ok } } } thing { ... on Node { n: node { r: slow } } } }",
            "are different fields",
        ),
    ])
    .await;
    all_answered(&[
        ("{ ok ok }", json!({}), json!({ "ok": 1 })),
        (
            "{ int(v: 1) int(v: 1) ...F ...F } fragment F on Query { int(v: 1) }",
            json!({}),
            json!({ "int": 1 }),
        ),
        ("{ two(a: 1, b: 2) two(b: 2, a: 1) }", json!({}), json!({ "two": [1, 2] })),
        (
            "{ thing { ... on Node { r: ok } ... on Other { r: never } } }",
            json!({}),
            json!({ "thing": { "r": 1 } }),
        ),
        ("query ($v: Int) { int(v: $v) int(v: $v) }", json!({ "v": 1 }), json!({ "int": 1 })),
    ])
    .await;
}

/// Each of the inner ones has to agree with two at once, which have to agree with two each.
#[tokio::test]
async fn what_would_take_long_to_compare_is_refused() {
    let inside = |deep: usize| {
        (0..deep).fold("name".to_owned(), |inner, _| {
            format!("node {{ {inner} }} ... on Thing {{ ... on Node {{ node {{ name }} }} ... on Other {{ label }} }}")
        })
    };
    let (answer, _) = ask(&format!("{{ node {{ {} }} }}", inside(8)), json!({})).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let wide = |deep: usize| {
        (0..deep).fold("__typename".to_owned(), |inner, _| {
            format!("t: me {{ {inner} }} ... on Node {{ t: me {{ __typename }} }} ... on Other {{ t: me {{ __typename }} }}")
        })
    };
    let (answer, _) = ask(&format!("{{ thing {{ {} }} }}", wide(4)), json!({})).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let (answer, _) = ask(&format!("{{ thing {{ {} }} }}", wide(14)), json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["limit"]["of"], "fields to be compared", "{answer}");
}

/// Has the streams that the specification's rule is about.
struct Streams;

#[async_graphql::Subscription]
impl Streams {
    async fn places(&self) -> impl futures_util::Stream<Item = Plain> {
        futures_util::stream::empty()
    }
    async fn numbers(&self, #[graphql(default)] v: i32) -> impl futures_util::Stream<Item = i32> {
        futures_util::stream::iter([v])
    }
}

#[test]
fn a_subscription_is_of_one_field_however_often_it_is_selected() {
    let intake = Intake::new(Schema::build(Query, Mutation, Streams), |shape| shape).unwrap();
    let refused = |query: &str, name: Option<&str>| {
        let mut request = Request::new(query);
        request.operation_name = name.map(str::to_owned);
        let errors = intake.prepare(request).err()?;
        Some(errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("; "))
    };
    for query in [
        "subscription { places { name } }",
        "subscription { places { name } places { __typename } }",
        "subscription { ... { places { name } } ... on Streams { places { t: __typename } } }",
        "subscription { ...A ...B } fragment A on Streams { places { name } } fragment B on Streams { ...A places { __typename } }",
        "subscription { n: numbers(v: 1) n: numbers(v: 1) }",
        "subscription { numbers numbers @skip(if: true) }",
    ] {
        assert_eq!(refused(query, None), None, "{query}");
    }
    for (query, words) in [
        ("subscription { places { name } numbers }", "exactly one field"),
        ("subscription { a: numbers b: numbers }", "exactly one field"),
        ("subscription { ...A numbers } fragment A on Streams { places { name } }", "exactly one field"),
        ("subscription { numbers places { name } @include(if: false) }", ""),
        ("subscription { numbers places @include(if: false) { name } }", "exactly one field"),
        ("subscription { __typename }", ""),
        ("subscription { numbers __schema { __typename } }", ""),
        ("subscription { numbers @skip(if: true) }", "exactly one field"),
        ("subscription { numbers(v: 1) numbers(v: 2) }", "differing arguments"),
    ] {
        assert!(
            refused(query, None).is_some_and(|told| told.contains(words)),
            "{query}: {:?}",
            refused(query, None)
        );
    }
    // One that is not executed is looked at too.
    let two = "query A { ok } subscription B { places { name } numbers }";
    assert!(refused(two, Some("A")).is_some_and(|told| told.contains("exactly one field")));
}

#[tokio::test]
async fn the_operation_is_chosen_by_its_name() {
    let two = "query A { r: int(v: 1) } mutation B { act { acts } }";
    let (answer, acts) = ask_named(two, Some("A"), json!({})).await;
    assert_eq!((answer, acts), (json!({ "data": { "r": 1 } }), 0));
    let (answer, acts) = ask_named(two, Some("B"), json!({})).await;
    assert_eq!((answer, acts), (json!({ "data": { "act": { "acts": 1 } } }), 1));
    let (answer, _) = ask_named("query A { ok }", None, json!({})).await;
    assert_eq!(answer, json!({ "data": { "ok": 1 } }));
    for (query, name) in [(two, Some("C")), (two, Some("a")), (two, None), ("{ ok }", Some("A"))] {
        let (answer, acts) = ask_named(query, name, json!({})).await;
        assert_eq!((answer["data"].clone(), acts), (Value::Null, 0), "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    // The variables are those of the operation that was chosen.
    let other = "query A($v: Int!) { mustInt(v: $v) } query B($v: String) { r: string(v: $v) }";
    let (answer, _) = ask_named(other, Some("B"), json!({ "v": "x" })).await;
    assert_eq!(answer, json!({ "data": { "r": "x" } }));
}

#[tokio::test]
async fn introspection_is_an_operation_like_any_other() {
    all_answered(&[
        ("{ __typename }", json!({}), json!({ "__typename": "Query" })),
        (
            "query ($n: String!) { __type(name: $n) { name } }",
            json!({ "n": "Pair" }),
            json!({ "__type": { "name": "Pair" } }),
        ),
        ("{ __type(name: \"None\") { name } }", json!({}), json!({ "__type": null })),
        (
            "query ($d: Boolean) { __type(name: \"Color\") { enumValues(includeDeprecated: $d) { name } } }",
            json!({}),
            json!({ "__type": { "enumValues": [{ "name": "RED" }, { "name": "DEEP_BLUE" }] } }),
        ),
        (
            "{ __schema { queryType { n: name } } }",
            json!({}),
            json!({ "__schema": { "queryType": { "n": "Query" } } }),
        ),
    ])
    .await;
    all_refused(&[
        ("{ __type { name } }", json!({}), &["name: is required"]),
        ("{ __type(name: 1) { name } }", json!({}), &["name: must be a String"]),
        (
            "{ __type(name: \"Node\") { fields(includeDeprecated: 1) { name } } }",
            json!({}),
            &["includeDeprecated: must be"],
        ),
    ])
    .await;
}
