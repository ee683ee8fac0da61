//! Variables, literals, defaults, lists, input objects, enums and nulls.

use super::*;

const INT: &str = "must be an Int, a whole number from -2147483648 to 2147483647, not";

#[tokio::test]
async fn a_variable_is_what_its_type_makes_of_it() {
    let int = "query ($v: Int) { r: int(v: $v) }";
    let float = "query ($v: Float) { r: float(v: $v) }";
    let string = "query ($v: String) { r: string(v: $v) }";
    let boolean = "query ($v: Boolean) { r: boolean(v: $v) }";
    let id = "query ($v: ID) { r: id(v: $v) }";
    let color = "query ($v: Color) { r: color(v: $v) }";
    let date = "query ($v: DateTime) { r: date(v: $v) }";
    let table: Vec<_> = [
        (int, json!(7), json!(7)),
        (int, json!(-2_147_483_648_i64), json!(-2_147_483_648_i64)),
        (int, json!(2_147_483_647), json!(2_147_483_647)),
        (int, json!(1000.0), json!(1000)),
        (int, serde_json::from_str("1e3").unwrap(), json!(1000)),
        (int, serde_json::from_str("-0.0").unwrap(), json!(0)),
        (int, serde_json::from_str("2.147483647e9").unwrap(), json!(2_147_483_647)),
        (int, Value::Null, Value::Null),
        (float, json!(1), json!(1.0)),
        (float, json!(1.5), json!(1.5)),
        (float, json!(1e300), json!(1e300)),
        (float, json!(3_000_000_000_u64), json!(3e9)),
        (float, Value::Null, Value::Null),
        (string, json!(""), json!("")),
        (string, json!("\u{0}🎵\""), json!("\u{0}🎵\"")),
        (string, Value::Null, Value::Null),
        (boolean, json!(true), json!(true)),
        (boolean, json!(false), json!(false)),
        (id, json!("a"), json!("a")),
        (id, json!(""), json!("")),
        (id, json!(7), json!("7")),
        (id, json!(-7), json!("-7")),
        (id, json!(7.0), json!("7")),
        (id, json!(u64::MAX), json!(u64::MAX.to_string())),
        (color, json!("RED"), json!("red")),
        (color, json!("DEEP_BLUE"), json!("blue")),
        (color, Value::Null, Value::Null),
        (date, json!("1970-01-01T00:01:00Z"), json!(60)),
        (date, Value::Null, Value::Null),
    ]
    .map(|(query, v, seen)| (query, json!({ "v": v }), json!({ "r": seen })))
    .into();
    all_answered(&table).await;
}

#[tokio::test]
async fn a_variable_of_another_type_is_refused() {
    let of = |ty: &str, field: &str| format!("query ($v: {ty}) {{ {field}(v: $v) }}");
    let (float, string) = ("must be a Float, a number, not", "must be a String, not");
    let (boolean, id) =
        ("must be a Boolean, true or false, not", "must be an ID, a string or a whole number, not");
    let color = "must be a Color, one of RED, DEEP_BLUE, not";
    for (ty, field, expected, values) in [
        (
            "Int",
            "int",
            INT,
            vec![
                (json!(1.5), "1.5"),
                (json!(1_000.000_1), "1000.0001"),
                (json!(2_147_483_648_u64), "2147483648"),
                (json!(-2_147_483_649_i64), "-2147483649"),
                (json!(3e9), "3000000000"),
                (json!(1e10), "10000000000"),
                (json!(1e300), "1e"),
                (json!(-1e300), "-1e"),
                (json!(u64::MAX), "18446744073709551615"),
                (json!("1"), "\"1\""),
                (json!(""), "\"\""),
                (json!(true), "true"),
                (json!([1]), "a list"),
                (json!({ "a": 1 }), "an object"),
            ],
        ),
        (
            "Float",
            "float",
            float,
            vec![(json!("1.5"), "\"1.5\""), (json!(true), "true"), (json!([1.5]), "a list")],
        ),
        (
            "String",
            "string",
            string,
            vec![
                (json!(1), "1"),
                (json!(1.5), "1.5"),
                (json!(true), "true"),
                (json!(["a"]), "a list"),
                (json!({}), "an object"),
            ],
        ),
        (
            "Boolean",
            "boolean",
            boolean,
            vec![
                (json!(0), "0"),
                (json!(1), "1"),
                (json!("true"), "\"true\""),
                (json!(""), "\"\""),
                (json!([]), "a list"),
            ],
        ),
        (
            "ID",
            "id",
            id,
            vec![(json!(1.5), "1.5"), (json!(1e300), "1e"), (json!(true), "true"), (json!(["a"]), "a list")],
        ),
        (
            "Color",
            "color",
            color,
            vec![
                (json!("Red"), "\"Red\""),
                (json!("GREEN"), "\"GREEN\""),
                (json!(""), "\"\""),
                (json!(0), "0"),
                (json!(true), "true"),
                (json!({ "RED": 1 }), "an object"),
            ],
        ),
        (
            "DateTime",
            "date",
            "must be a DateTime, not",
            vec![
                (json!("yesterday"), "\"yesterday\""),
                (json!(0), "0"),
                (json!(""), "\"\""),
                (json!({}), "an object"),
            ],
        ),
    ] {
        for (value, shown) in values {
            let message = format!("v: {expected} {shown}");
            all_refused(&[(&of(ty, field), json!({ "v": value }), &[&message])]).await;
        }
    }
    all_refused(&[
        (&of("Int!", "mustInt"), json!({ "v": null }), &["v: must not be null"]),
        (&of("Int!", "mustInt"), json!({}), &["v: is required"]),
        (&of("Int!", "mustInt"), json!({ "w": 1 }), &["v: is required"]),
    ])
    .await;
}

#[tokio::test]
async fn a_literal_is_what_its_type_makes_of_it() {
    let table: Vec<_> = [
        ("int(v: -0)", json!(0)),
        ("int(v: -2147483648)", json!(-2_147_483_648_i64)),
        ("int(v: null)", Value::Null),
        ("int", json!("absent")),
        ("float(v: 1)", json!(1.0)),
        ("float(v: 1e3)", json!(1000.0)),
        ("float(v: 99999999999999999999)", json!(1e20)),
        ("string(v: \"a\")", json!("a")),
        ("string(v: \"\"\"\n  a\n  b\n\"\"\")", json!("a\nb")),
        ("boolean(v: true)", json!(true)),
        ("id(v: 7)", json!("7")),
        ("id(v: \"7\")", json!("7")),
        ("color(v: RED)", json!("red")),
        ("color(v: null)", Value::Null),
        ("date(v: \"1970-01-01T00:01:00Z\")", json!(60)),
        ("ints(v: 1)", json!([1])),
        ("ints(v: [])", json!([])),
        ("ints(v: [1, null])", json!([1, null])),
        ("ints(v: null)", Value::Null),
        ("mustInts(v: 1)", json!([1])),
        ("grid(v: 1)", json!([[1]])),
        ("grid(v: [1, 2])", json!([[1], [2]])),
        ("grid(v: [[1], 2, null, [null]])", json!([[1], [2], null, [null]])),
        (
            "pair(v: { a: 1 })",
            json!({ "a": 1, "b": 7, "c": "absent", "color": null, "list": null, "inner": null }),
        ),
        (
            "pair(v: { c: null, inner: { a: 2, b: 3, c: \"x\" }, list: 4, color: DEEP_BLUE, a: 1 })",
            json!({ "a": 1, "b": 7, "c": null, "color": "blue", "list": [4], "inner":
                { "a": 2, "b": 3, "c": "x", "color": null, "list": null, "inner": null } }),
        ),
        ("pair(v: null)", Value::Null),
        ("way(v: { byId: \"x\" })", json!("x")),
        ("way(v: { byNumber: 1 })", json!(1)),
        ("defaulted", json!(5)),
        ("defaulted(v: 6)", json!(6)),
        ("mayDefault", json!(5)),
        ("mayDefault(v: null)", Value::Null),
        ("defaultList", json!([1, 2])),
        ("defaultList(v: 3)", json!([3])),
    ]
    .map(|(field, seen)| (format!("{{ r: {field} }}"), seen))
    .into();
    for (query, seen) in table {
        all_answered(&[(&query, json!({}), json!({ "r": seen }))]).await;
    }
}

#[tokio::test]
async fn a_literal_of_another_type_is_refused() {
    for (field, expected) in [
        ("int(v: 1.0)", vec![format!("v: {INT} 1.0")]),
        ("int(v: 1e3)", vec![format!("v: {INT} 1000.0")]),
        ("int(v: 3000000000)", vec![format!("v: {INT} 3000000000")]),
        ("int(v: -2147483649)", vec![format!("v: {INT} -2147483649")]),
        ("int(v: 99999999999999999999)", vec![format!("v: {INT} 1e+20")]),
        ("int(v: \"1\")", vec![format!("v: {INT} \"1\"")]),
        ("int(v: true)", vec![format!("v: {INT} true")]),
        ("int(v: ONE)", vec![format!("v: {INT} ONE")]),
        ("int(v: [1])", vec![format!("v: {INT} a list")]),
        ("int(v: {})", vec![format!("v: {INT} an object")]),
        ("mustInt(v: null)", vec!["v: must not be null".to_owned()]),
        ("mustInt", vec!["v: is required".to_owned()]),
        ("float(v: \"1\")", vec!["v: must be a Float".to_owned()]),
        ("float(v: true)", vec!["v: must be a Float".to_owned()]),
        ("string(v: 1)", vec!["v: must be a String, not 1".to_owned()]),
        ("string(v: a)", vec!["v: must be a String, not a".to_owned()]),
        ("boolean(v: 1)", vec!["v: must be a Boolean".to_owned()]),
        ("boolean(v: \"true\")", vec!["v: must be a Boolean".to_owned()]),
        ("boolean(v: TRUE)", vec!["v: must be a Boolean".to_owned()]),
        ("id(v: 1.0)", vec!["v: must be an ID".to_owned()]),
        ("id(v: true)", vec!["v: must be an ID".to_owned()]),
        ("id(v: abc)", vec!["v: must be an ID".to_owned()]),
        ("color(v: GREEN)", vec!["v: must be a Color, one of RED, DEEP_BLUE, not GREEN".to_owned()]),
        ("color(v: \"RED\")", vec!["v: must be a Color, one of RED, DEEP_BLUE, not \"RED\"".to_owned()]),
        ("color(v: red)", vec!["v: must be a Color".to_owned()]),
        ("date(v: \"tomorrow\")", vec!["v: must be a DateTime, not \"tomorrow\"".to_owned()]),
        ("ints(v: [1, \"2\", 3.0])", vec![format!("v.1: {INT} \"2\""), format!("v.2: {INT} 3.0")]),
        ("mustInts(v: [1, null])", vec!["v.1: must not be null".to_owned()]),
        ("mustInts(v: null)", vec!["v: must not be null".to_owned()]),
        ("mustInts", vec!["v: is required".to_owned()]),
        ("grid(v: [[1], [\"a\"], \"b\"])", vec![format!("v.1.0: {INT} \"a\""), format!("v.2: {INT} \"b\"")]),
        ("pair(v: 1)", vec!["v: must be an object, Pair, not 1".to_owned()]),
        ("pair(v: [{ a: 1 }])", vec!["v: must be an object, Pair, not a list".to_owned()]),
        ("pair(v: {})", vec!["v.a: is required".to_owned()]),
        ("pair(v: { a: null })", vec!["v.a: must not be null".to_owned()]),
        ("pair(v: { a: 1, b: null })", vec!["v.b: must not be null".to_owned()]),
        ("pair(v: { a: 1, z: 1 })", vec!["v.z: is not a field of Pair".to_owned()]),
        (
            "pair(v: { a: \"1\", b: 2.0, inner: { z: 1 }, list: [1, X] })",
            vec![
                format!("v.a: {INT} \"1\""),
                format!("v.b: {INT} 2.0"),
                format!("v.list.1: {INT} X"),
                "v.inner.a: is required".to_owned(),
                "v.inner.z: is not a field".to_owned(),
            ],
        ),
        (
            "pairs(v: [{ a: 1 }, {}, 3])",
            vec!["v.1.a: is required".to_owned(), "v.2: must be an object".to_owned()],
        ),
        ("way(v: {})", vec!["v: must have exactly one field of Way".to_owned()]),
        ("way(v: { byId: null })", vec!["v".to_owned()]),
        ("way(v: { byId: \"a\", byNumber: 1 })", vec!["v: must have exactly one field of Way".to_owned()]),
        ("way(v: { other: 1 })", vec!["v.other: is not a field of Way".to_owned()]),
        ("ok @skip(if: 1)", vec!["if: must be a Boolean".to_owned()]),
        ("ok @include", vec!["if: is required".to_owned()]),
        ("ok @include(if: null)", vec!["if: must not be null".to_owned()]),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let here = format!("{{ {field} }}");
        all_refused(&[(&here, json!({}), &expected)]).await;
        // Wherever it stands, and also where it is not what is executed.
        let there = format!(
            "mutation A {{ act {{ acts }} }} query B {{ ...F }} fragment F on Query {{ ... {{ {field} }} }}"
        );
        let (answer, acts) = ask_named(&there, Some("A"), json!({})).await;
        assert_eq!((answer["data"].clone(), acts), (Value::Null, 0), "{there}: {answer}");
        assert!(answer["errors"][0]["extensions"]["inputs"].is_array(), "{there}: {answer}");
    }
}

/// The fault that this room was made for.
#[tokio::test]
async fn a_bad_input_anywhere_does_nothing_at_all() {
    let two = "mutation ($v: Int) { a: act(v: 1) { acts } b: act(v: $v) { acts } }";
    for bad in [json!("x"), json!(1.5), json!(3e9), json!([1])] {
        let message = format!("v: {INT}");
        all_refused(&[(two, json!({ "v": bad }), &[&message])]).await;
    }
    for query in [
        "mutation { a: act(v: 1) { acts } b: act(v: 3000000000) { acts } }",
        "mutation { a: act(v: 1) { acts } ...B } fragment B on Mutation { b: act(v: \"1\") { acts } }",
        "mutation { a: act(v: 1) { acts } b: act(v: 1) { acts @include(if: 1) } }",
    ] {
        let (answer, acts) = ask(query, json!({})).await;
        assert_eq!((answer["data"].clone(), acts), (Value::Null, 0), "{query}: {answer}");
    }
    let (answer, acts) = ask(two, json!({ "v": 2.0 })).await;
    assert_eq!((answer["data"].clone(), acts), (json!({ "a": { "acts": 1 }, "b": { "acts": 2 } }), 2));
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let query = "query ($a: Int!, $b: [Pair!]!, $c: Color, $d: Int = 1) \
                 { mustInt(v: $a) pairs(v: $b) color(v: $c) int(v: $d) x: int(v: 1.5) y: ints(v: [$d, true]) }";
    let variables =
        json!({ "a": null, "b": [{ "a": 1 }, { "b": "x", "y": 0 }, null], "c": "PINK", "d": "1" });
    let expected = [
        &*format!("v: {INT} 1.5"),
        &format!("v.1: {INT} true"),
        "a: must not be null",
        "b.1.a: is required",
        &format!("b.1.b: {INT} \"x\""),
        "b.1.y: is not a field of Pair",
        "b.2: must not be null",
        "c: must be a Color",
        &format!("d: {INT} \"1\""),
    ];
    all_refused(&[(query, variables, &expected)]).await;
    // As many as anybody reads.
    let (answer, _) = ask("query ($v: [Int]) { ints(v: $v) }", json!({ "v": vec!["x"; 3_000] })).await;
    assert_eq!(answer["errors"][0]["extensions"]["inputs"].as_array().unwrap().len(), 100);
    let (answer, _) = ask("query ($v: Int) { int(v: $v) }", json!({ "v": "x".repeat(100_000) })).await;
    assert!(answer.to_string().len() < 1_000);
    let (answer, _) =
        ask("query ($v: Pair) { pair(v: $v) }", json!({ "v": { "a": 1, "x".repeat(100_000): 1 } })).await;
    assert!(answer.to_string().len() < 1_000);
}

#[tokio::test]
async fn what_is_left_out_takes_the_default_that_is_nearest() {
    let none = json!({});
    let null = json!({ "v": null });
    let (absent, nothing) = (json!({ "r": "absent" }), json!({ "r": null }));
    let r = |value: Value| json!({ "r": value });
    all_answered(&[
        // No default anywhere: as if the argument were not there.
        ("query ($v: Int) { r: int(v: $v) }", none.clone(), absent.clone()),
        ("query ($v: Int) { r: int(v: $v) }", null.clone(), nothing.clone()),
        // The variable's own.
        ("query ($v: Int = 3) { r: int(v: $v) }", none.clone(), r(json!(3))),
        ("query ($v: Int = 3) { r: int(v: $v) }", null.clone(), nothing.clone()),
        ("query ($v: Int = 3) { r: mustInt(v: $v) }", none.clone(), r(json!(3))),
        ("query ($v: Int! = 3) { r: mustInt(v: $v) }", none.clone(), r(json!(3))),
        ("query ($v: Int = null) { r: int(v: $v) }", none.clone(), nothing.clone()),
        ("query ($v: [Int] = 3) { r: ints(v: $v) }", none.clone(), r(json!([3]))),
        ("query ($v: Color = DEEP_BLUE) { r: color(v: $v) }", none.clone(), r(json!("blue"))),
        ("query ($v: ID = 3) { r: id(v: $v) }", none.clone(), r(json!("3"))),
        // The argument's.
        ("query ($v: Int) { r: defaulted(v: $v) }", none.clone(), r(json!(5))),
        ("query ($v: Int) { r: defaulted(v: $v) }", json!({ "v": 6 }), r(json!(6))),
        ("query ($v: Int!) { r: defaulted(v: $v) }", json!({ "v": 6 }), r(json!(6))),
        ("query ($v: Int = 4) { r: defaulted(v: $v) }", none.clone(), r(json!(4))),
        ("query ($v: Int) { r: mayDefault(v: $v) }", none.clone(), r(json!(5))),
        ("query ($v: Int) { r: mayDefault(v: $v) }", null.clone(), nothing.clone()),
        ("query ($v: Boolean) { r: flag(v: $v) }", none.clone(), r(json!(false))),
        ("query ($v: Boolean) { r: flag(v: $v) }", json!({ "v": true }), r(json!(true))),
        ("query ($v: [Int!]) { r: defaultList(v: $v) }", none.clone(), r(json!([1, 2]))),
        // Two of them, one of which is there.
        ("query ($a: Int, $b: Int) { r: two(a: $a, b: $b) }", json!({ "b": 1 }), r(json!([null, 1]))),
        // In a list nothing is null, in an object it is nothing.
        ("query ($v: Int) { r: ints(v: [1, $v]) }", none.clone(), r(json!([1, null]))),
        ("query ($v: Int!) { r: mustInts(v: [$v, 2]) }", json!({ "v": 1 }), r(json!([1, 2]))),
        ("query ($v: Int) { r: grid(v: [[$v], [2]]) }", none.clone(), r(json!([[null], [2]]))),
    ])
    .await;
    let pair = |b: Value, c: Value| json!({ "r": { "a": 1, "b": b, "c": c, "color": null, "list": null, "inner": null } });
    all_answered(&[
        ("query ($v: String) { r: pair(v: { a: 1, c: $v }) }", none.clone(), pair(json!(7), json!("absent"))),
        ("query ($v: String) { r: pair(v: { a: 1, c: $v }) }", null.clone(), pair(json!(7), Value::Null)),
        ("query ($v: Int) { r: pair(v: { a: 1, b: $v }) }", none.clone(), pair(json!(7), json!("absent"))),
        (
            "query ($v: Int = 2) { r: pair(v: { a: 1, b: $v }) }",
            none.clone(),
            pair(json!(2), json!("absent")),
        ),
        ("query ($v: Int = 1) { r: pair(v: { a: $v }) }", none.clone(), pair(json!(7), json!("absent"))),
        ("query ($v: Pair = { a: 1 }) { r: pair(v: $v) }", none.clone(), pair(json!(7), json!("absent"))),
        (
            "query ($v: Pair) { r: pair(v: $v) }",
            json!({ "v": { "a": 1.0, "c": "x" } }),
            pair(json!(7), json!("x")),
        ),
        ("query ($v: Pair) { r: pair(v: $v) }", none.clone(), nothing.clone()),
        ("query ($v: Pair) { r: pair(v: $v) }", null.clone(), nothing),
    ])
    .await;
    all_refused(&[
        // A null that was sent is none that was left out.
        ("query ($v: Int) { defaulted(v: $v) }", null.clone(), &["v: must not be null"]),
        ("query ($v: Boolean) { flag(v: $v) }", null.clone(), &["v: must not be null"]),
        ("query ($v: Int = 3) { mustInt(v: $v) }", null.clone(), &["v: must not be null"]),
        ("query ($v: Int) { pair(v: { a: 1, b: $v }) }", null.clone(), &["v.b: must not be null"]),
        ("query ($v: Int = 1) { pair(v: { a: $v }) }", null.clone(), &["v.a: must not be null"]),
        ("query ($v: Int! = 3) { mustInt(v: $v) }", null.clone(), &["v: must not be null"]),
        ("mutation ($v: Boolean = true) { act { acts @include(if: $v) } }", null, &["if: must not be null"]),
        // Defaults are literals.
        ("query ($v: Int = 1.0) { int(v: $v) }", none.clone(), &["v: must be an Int"]),
        ("query ($v: Int = \"1\") { int(v: $v) }", json!({ "v": 1 }), &["v: must be an Int"]),
        ("query ($v: Color = \"RED\") { color(v: $v) }", none.clone(), &["v: must be a Color"]),
        ("query ($v: Int! = null) { mustInt(v: $v) }", json!({ "v": 1 }), &["v: must not be null"]),
        ("query ($v: [Int!] = [1, null]) { mustInts(v: $v) }", none.clone(), &["v.1: must not be null"]),
        (
            "query ($v: Pair = { b: 1, z: 2 }) { pair(v: $v) }",
            none,
            &["v.a: is required", "v.z: is not a field"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn lists_and_objects_of_variables() {
    let strict = "query ($v: [Int!]!) { r: mustInts(v: $v) }";
    let ints = "query ($v: [Int]) { r: ints(v: $v) }";
    let grid = "query ($v: [[Int]]) { r: grid(v: $v) }";
    let pairs = "query ($v: [Pair!]!) { r: pairs(v: $v) }";
    let way = "query ($v: Way) { r: way(v: $v) }";
    let v = |v: Value| json!({ "v": v });
    let r = |r: Value| json!({ "r": r });
    all_answered(&[
        (strict, v(json!([1, 2.0])), r(json!([1, 2]))),
        (strict, v(json!(1)), r(json!([1]))),
        (strict, v(json!([])), r(json!([]))),
        (ints, v(json!([1, null])), r(json!([1, null]))),
        (ints, v(Value::Null), r(Value::Null)),
        (grid, v(json!([[1, null], null, 3])), r(json!([[1, null], null, [3]]))),
        (grid, v(json!(1)), r(json!([[1]]))),
        (pairs, v(json!([])), r(json!([]))),
        (way, v(json!({ "byId": "x" })), r(json!("x"))),
        (way, v(json!({ "byNumber": 2.0 })), r(json!(2))),
        ("query ($v: String!) { r: way(v: { byId: $v }) }", v(json!("x")), r(json!("x"))),
    ])
    .await;
    all_refused(&[
        (strict, v(json!([1, null])), &["v.1: must not be null"]),
        (strict, v(Value::Null), &["v: must not be null"]),
        (strict, json!({}), &["v: is required"]),
        (strict, v(json!(["1", 2, 2.5])), &["v.0: must be an Int", "v.2: must be an Int"]),
        (strict, v(json!([[1]])), &["v.0: must be an Int"]),
        (ints, v(json!("x")), &["v: must be an Int"]),
        (ints, v(json!({ "0": 1 })), &["v: must be an Int"]),
        (grid, v(json!([[1], ["x"], [[1]]])), &["v.1.0: must be an Int", "v.2.0: must be an Int"]),
        (
            pairs,
            v(json!([{ "a": 1, "inner": { "inner": {} } }])),
            &["v.0.inner.a: is required", "v.0.inner.inner.a: is"],
        ),
        (
            pairs,
            v(json!([{ "a": 1, "list": ["x"], "color": "RED " }])),
            &["v.0.color: must be", "v.0.list.0: must be"],
        ),
        (way, v(json!({})), &["v: must have exactly one field"]),
        (way, v(json!({ "byId": null })), &["v: must have exactly one field"]),
        (way, v(json!({ "byId": "x", "byNumber": 1 })), &["v: must have exactly one field"]),
        (way, v(json!({ "byId": "x", "byNumber": null })), &["v: must have exactly one field"]),
        (way, v(json!({ "byNumber": "x" })), &["v.byNumber: must be an Int"]),
    ])
    .await;
}

#[tokio::test]
async fn directives_know_defaults_too() {
    let include = "query ($v: Boolean = true) { ok r: int(v: 1) @include(if: $v) }";
    let skip = "query ($v: Boolean = true) { ok r: int(v: 1) @skip(if: $v) }";
    let strict = "query ($v: Boolean!) { ok r: int(v: 1) @skip(if: $v) }";
    let (all, rest) = (json!({ "ok": 1, "r": 1 }), json!({ "ok": 1 }));
    all_answered(&[
        (include, json!({}), all.clone()),
        (include, json!({ "v": true }), all.clone()),
        (include, json!({ "v": false }), rest.clone()),
        (skip, json!({}), rest.clone()),
        (skip, json!({ "v": false }), all.clone()),
        (strict, json!({ "v": false }), all.clone()),
        ("{ ok r: int(v: 1) @include(if: true) @skip(if: false) }", json!({}), all.clone()),
        ("{ ok r: int(v: 1) @include(if: false) @skip(if: false) }", json!({}), rest.clone()),
        ("{ ok r: int(v: 1) @include(if: true) @skip(if: true) }", json!({}), rest.clone()),
        (
            "query ($v: Boolean = false) { ok ...F @include(if: $v) } fragment F on Query { r: int(v: 1) }",
            json!({}),
            rest,
        ),
        ("query ($v: Boolean = false) { ok ... @skip(if: $v) { r: int(v: 1) } }", json!({}), all),
    ])
    .await;
    all_refused(&[
        (strict, json!({}), &["v: is required"]),
        (strict, json!({ "v": null }), &["v: must not be null"]),
        (strict, json!({ "v": "true" }), &["v: must be a Boolean"]),
    ])
    .await;
}

/// Which is also why a variable that is used a hundred times does not stand in memory a hundred times.
#[tokio::test]
async fn the_arguments_of_an_operation_are_bounded_together() {
    let uses = |n: usize| (0..n).map(|n| format!("a{n}: string(v: $v) ")).collect::<String>();
    let long = json!({ "v": "x".repeat(100 << 10) });
    let (answer, _) = ask(&format!("query ($v: String) {{ {} }}", uses(10)), long.clone()).await;
    assert_eq!(answer["data"]["a9"].as_str().map(str::len), Some(100 << 10));
    let (answer, _) = ask(&format!("query ($v: String) {{ {} }}", uses(11)), long).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX", "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["limit"]["of"], "bytes of arguments");
}

/// However much it is: what somebody sends is not to come back to others as long as it was.
#[tokio::test]
async fn a_value_that_is_refused_is_not_shown_at_length() {
    let long = "x".repeat(10_000);
    let values = [
        json!(vec![&long; 20]),
        json!({ "a": long, long.clone(): { "b": [long] } }),
        json!(long),
        json!(1e300),
        json!([[[1, 2, 3]]]),
    ];
    for (ty, field) in [
        ("Int", "int"),
        ("Float", "float"),
        ("Boolean", "boolean"),
        ("ID", "id"),
        ("String", "string"),
        ("Color", "color"),
        ("DateTime", "date"),
        ("Pair", "pair"),
        ("Way", "way"),
        ("[[Int]]", "grid"),
    ] {
        for value in &values {
            let query = format!("query ($v: {ty}) {{ r: {field}(v: $v) }}");
            let (answer, _) = ask(&query, json!({ "v": value })).await;
            let inputs = answer["errors"][0]["extensions"]["inputs"].as_array().cloned().unwrap_or_default();
            for input in inputs {
                assert!(line(&input).len() < 250, "{ty}: {}", line(&input));
                assert!(!line(&input).contains("Expected"), "{ty}: {}", line(&input));
            }
        }
    }
}
