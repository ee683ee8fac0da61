//! Whatever is sent: it is refused with its place, or the resolvers can read it.

use proptest::prelude::*;

use super::*;

/// A field for each kind of type, with that type.
const FIELDS: [(&str, &str); 12] = [
    ("int", "Int"),
    ("mustInt", "Int!"),
    ("float", "Float"),
    ("string", "String"),
    ("boolean", "Boolean"),
    ("id", "ID"),
    ("color", "Color"),
    ("date", "DateTime"),
    ("mustInts", "[Int!]!"),
    ("grid", "[[Int]]"),
    ("pairs", "[Pair!]!"),
    ("way", "Way"),
];

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3_i64..3).prop_map(|n| json!(n)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        (-3_i32..3).prop_map(|n| json!(f64::from(n))),
        any::<f64>().prop_map(|n| json!(n)),
        prop_oneof![Just(i32::MIN), Just(i32::MAX)].prop_map(|n| json!(f64::from(n))),
    ]
}

pub(super) fn json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[ -~]{0,3}",
        Just("RED".to_owned()),
        Just("2030-01-01T00:00:00Z".to_owned()),
        Just("é\u{1F3B5}\n".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        word.prop_map(Value::from)
    ];
    let key = prop_oneof!["a|b|c|color|list|inner|byId|byNumber", "[a-c]{2}"];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The same as a literal; words that could be those of an enum as such, now and then.
fn literal(value: &Value, words: bool) -> String {
    match value {
        Value::String(text) if words && text == "RED" => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| literal(item, words)).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", literal(value, words)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

/// Whether it was taken.
fn refused_or_read(query: &str, variables: Value) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (answer, _) = runtime.block_on(ask(query, variables));
    let Some(errors) = answer["errors"].as_array() else { return true };
    assert!(answer["data"].is_null(), "{query}: {answer}");
    for error in errors {
        assert!(error["extensions"]["inputs"][0]["path"][0].is_string(), "{query}: {answer}");
    }
    false
}

proptest! {
    #[test]
    fn variables(value in json(), at in 0..FIELDS.len()) {
        let (field, ty) = FIELDS[at];
        let query = format!("query ($v: {ty}) {{ r: {field}(v: $v) }}");
        let taken = refused_or_read(&query, json!({ "v": value }));
        // A default is the nearest thing to it.
        let inside = format!("query ($v: {ty} = {}) {{ r: {field}(v: $v) }}", literal(&value, true));
        let other = refused_or_read(&inside, json!({ "v": value }));
        prop_assert!(taken || !other, "refused as a variable, and taken with a default");
    }

    #[test]
    fn literals(value in json(), at in 0..FIELDS.len(), words in any::<bool>()) {
        let (field, _) = FIELDS[at];
        refused_or_read(&format!("{{ r: {field}(v: {}) }}", literal(&value, words)), json!({}));
    }

    /// A literal in the place of a variable is the same, but for numbers and enums.
    #[test]
    fn a_variable_inside_is_as_good_as_what_it_stands_for(a in -3_i32..3, c in "[a-z]{0,3}", list in prop::collection::vec(0_i32..9, 0..4)) {
        let whole = format!("{{ r: pair(v: {{ a: {a}, c: {}, list: {} }}) }}", json!(c), json!(list));
        let parts = "query ($a: Int!, $c: String, $list: [Int!]) { r: pair(v: { a: $a, c: $c, list: $list }) }";
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (whole, _) = runtime.block_on(ask(&whole, json!({})));
        let (parts, _) = runtime.block_on(ask(parts, json!({ "a": a, "c": c, "list": list })));
        prop_assert_eq!(&whole["errors"], &Value::Null);
        prop_assert_eq!(whole, parts);
    }
}
