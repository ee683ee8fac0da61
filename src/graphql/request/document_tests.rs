use async_graphql::parser::{parse_query, types::Selection};
use async_graphql::{ServerError, Value};

use super::*;

fn checked(query: impl AsRef<str>) -> Result<Document, ServerError> {
    read(query.as_ref(), &DocumentLimits::default())
}

/// The limit that refused a document.
#[track_caller]
fn refused_for(query: impl AsRef<str>) -> String {
    let error = checked(query).expect_err("over a limit");
    let extensions = error.extensions.expect("extensions");
    assert_eq!(extensions.get("code"), Some(&Value::from("QUERY_TOO_COMPLEX")), "{}", error.message);
    let limit = extensions.get("limit").expect("limit").clone().into_json().unwrap();
    assert!(limit["asked"].as_u64() > limit["allowed"].as_u64(), "{limit}");
    let of = limit["of"].as_str().expect("what").to_owned();
    assert!(error.message.contains(&of), "{}", error.message);
    of
}

#[track_caller]
fn malformed(query: impl AsRef<str>) -> ServerError {
    let error = checked(query).expect_err("malformed");
    let extensions = error.extensions.as_ref().expect("extensions");
    assert_eq!(extensions.get("code"), Some(&Value::from("BAD_USER_INPUT")), "{}", error.message);
    error
}

/// A chain of fragments, each of which spreads the next one twice.
fn bomb(fragments: usize) -> String {
    let chain: String =
        (0..fragments).map(|n| format!("fragment F{n} on Q{{...F{m} ...F{m}}}", m = n + 1)).collect();
    format!("{{...F0}}{chain}fragment F{fragments} on Q{{a}}")
}

#[test]
fn a_fragment_bomb_is_refused_after_one_look_at_each_selection() {
    let query = bomb(24);
    assert!(query.len() < 850);
    let document = parse_query(&query).unwrap();
    let totals = cost::measure(&document, 32).unwrap();
    assert_eq!(totals.visited, 1 + 2 * 24 + 1);
    // 2^n spreads at level n, the field behind each of the last ones, and the spread that starts it.
    assert_eq!(totals.selections, 1 + ((1 << 25) - 2) + (1 << 24));
    assert_eq!(refused_for(query), "selections");
}

#[test]
fn a_bomb_of_any_length_saturates_or_is_too_nested() {
    let wide: String =
        (0..20).map(|n| format!("fragment F{n} on Q{{{}}}", format!("...F{} ", n + 1).repeat(15))).collect();
    let query = format!("{{...F0}}{wide}fragment F20 on Q{{a}}");
    let document = parse_query(&query).unwrap();
    assert_eq!(cost::measure(&document, 32).unwrap().selections, usize::MAX);
    assert_eq!(refused_for(query), "selections");
    assert_eq!(refused_for(bomb(100)), "nesting");
}

#[test]
fn fragments_that_spread_themselves_are_named() {
    for query in [
        "{ a } fragment A on Q { ...A }",
        "{ ...A } fragment A on Q { x { ...B } } fragment B on Q { y { ... { ...A } } }",
    ] {
        let message = malformed(query).message;
        assert!(message.contains("spreads itself"), "{message}");
    }
}

#[test]
fn raw_nesting_is_refused_before_the_parser_recurses() {
    for (open, close) in [("{a", "}"), ("{a(b:[", "])}"), ("{...on A", "}")] {
        assert_eq!(refused_for(format!("{}{}", open.repeat(300), close.repeat(300))), "nesting");
    }
    // Values and types nest as well, and nothing has to be closed or even to make sense.
    for bracket in ["[", "{", "("] {
        assert_eq!(refused_for(format!("query($v: {}", bracket.repeat(3_000))), "nesting");
    }
}

#[test]
fn ten_thousand_braces_are_refused_whatever_the_other_limits() {
    let limits = DocumentLimits { bytes: usize::MAX, tokens: usize::MAX, ..DocumentLimits::default() };
    let query = format!("{}a{}", "{a".repeat(10_000), "}".repeat(10_000));
    let error = read(&query, &limits).unwrap_err();
    assert!(error.message.contains("nesting: 32 allowed, 10000 asked for"), "{}", error.message);
}

#[test]
fn what_the_nesting_limit_lets_through_the_parser_survives() {
    let selections = format!("{}a{}", "{a".repeat(32), "}".repeat(32));
    let values = format!("{{a(b:{}1{})}}", "[".repeat(30), "]".repeat(30));
    for query in [selections, values] {
        // A small stack, as a debug build on a worker thread may have left.
        let handle =
            std::thread::Builder::new().stack_size(512 << 10).spawn(move || checked(query).map(|_| ()));
        let verdict = handle.unwrap().join().expect("no overflow");
        assert!(verdict.is_ok() || verdict.unwrap_err().message.contains("depth"));
    }
}

#[test]
fn brackets_in_strings_and_comments_do_not_nest() {
    let brackets = "[".repeat(100);
    assert!(checked(format!("{{a(b:\"{brackets}\\\"{brackets}\")}} # {brackets}\n")).is_ok());
    assert!(checked(format!("{{a(b:\"\"\"{brackets}\\\"\"\"{brackets}\n\"{brackets}\"\"\")}}")).is_ok());
    assert!(checked(format!("#{brackets}\r{{a}}")).is_ok());
}

#[test]
fn brackets_cannot_hide_behind_a_string_that_does_not_end() {
    // One parser's unfinished block string is another's empty string and then brackets.
    let hidden = format!("{{a(b:[\"\"\" \"{}", "[".repeat(5_000));
    let error = malformed(hidden);
    assert_eq!((error.locations[0].line, error.locations[0].column), (1, 7));
    malformed("{a(b:\"x\n\")}");
    malformed("{a(b:\"x\\");
    malformed("\n{a(b:\"\"\"x\"\")}");
}

#[test]
fn tokens_are_counted() {
    let tokens = |text| scan::scan(text).unwrap().tokens;
    assert_eq!(tokens(""), 0);
    assert_eq!(tokens("query Q($a: Int! = -1) { b: c(d: $a, e: \"x y\") @f ...G }"), 30);
    assert_eq!(tokens("{ a \u{feff} \"\"\" x \"\"\" }"), 4);
    assert_eq!(tokens("표표 \u{1F980}"), 2);
}

#[test]
fn each_limit_refuses_one_more_than_it_allows() {
    let fields = |count: usize| "b ".repeat(count);
    let numbered = |count: usize, field: &str| (0..count).map(|n| format!("{field}{n} ")).collect::<String>();
    assert!(checked(format!("{{ a {{ {} }} }}", fields(999))).is_ok());
    assert_eq!(refused_for(format!("{{ a {{ {} }} }}", fields(1_000))), "selections");

    assert!(checked(format!("{{ {} }}", numbered(20, "a"))).is_ok());
    assert_eq!(refused_for(format!("{{ {} }}", numbered(21, "a"))), "root fields");
    assert_eq!(
        refused_for(format!("{{ ...A ...A }} fragment A on Q {{ {} }}", numbered(11, "a"))),
        "root fields"
    );

    let aliases = |count: usize| (0..count).map(|n| format!("a{n}: b ")).collect::<String>();
    assert!(checked(format!("{{ a {{ {} }} }}", aliases(50))).is_ok());
    assert_eq!(refused_for(format!("{{ a {{ {} }} }}", aliases(51))), "aliases");

    let deep = |depth: usize| {
        format!("{}a{}", "{a".repeat(depth - 1), "}".repeat(depth - 1)).replacen("{a", "{ a", 1)
    };
    assert!(checked(format!("{{ b {} }}", deep(20))).is_ok());
    assert_eq!(refused_for(format!("{{ b {} }}", deep(21))), "depth");

    assert!(checked("subscription { a { b c } }").is_ok());
    let sub = |count: usize| format!("subscription {{ {} }}", "a { b } ".repeat(count));
    assert!(checked(sub(20)).is_ok());
    assert_eq!(refused_for(sub(21)), "root fields");

    let places = [
        "{ a D }",
        "{ ... D { a } }",
        "query Q D { a }",
        "query Q($v: Int D) { a }",
        "{ ...A D } fragment A on Q { a }",
    ];
    for place in places {
        assert!(checked(place.replace('D', &"@d ".repeat(4))).is_ok(), "{place}");
        assert_eq!(refused_for(place.replace('D', &"@d ".repeat(5))), "directives in one place");
    }

    assert_eq!(refused_for(format!("{{ a {} }}", " ".repeat(32 << 10))), "bytes");
    assert_eq!(refused_for("a ".repeat(4_001)), "tokens");
}

#[test]
fn every_operation_counts_and_so_does_an_unused_fragment() {
    let half = "{ a { ".to_owned() + &"b ".repeat(600) + "} }";
    assert_eq!(refused_for(format!("query A {half} query B {half}")), "selections");
    assert_eq!(refused_for("{ a } fragment A on Q { a @d @d @d @d @d }"), "directives in one place");
}

#[test]
fn a_chain_of_nested_fragments_is_as_nested_as_its_expansion() {
    let chain: String = (0..10)
        .map(|n| format!("fragment F{n} on Q {{ ... {{ ... {{ ... {{ ...F{} }} }} }} }}", n + 1))
        .collect();
    assert_eq!(refused_for(format!("{{ ...F0 }} {chain} fragment F10 on Q {{ a }}")), "nesting");
}

#[test]
fn introspection_passes_and_its_circles_do_not() {
    let types = "kind name ofType { ".repeat(9) + "kind name" + &" }".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }}
           types {{ ...FullType }} directives {{ name description locations args {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name description specifiedByURL
           fields(includeDeprecated: true) {{ name description args {{ ...InputValue }} type {{ ...TypeRef }}
             isDeprecated deprecationReason }}
           inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description }} possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }}
         fragment TypeRef on __Type {{ {types} }}"
    );
    assert!(checked(query).is_ok());
    let circle = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(refused_for(circle), "introspection lists inside each other");
    let own_words = "{ farm { fields { fields { fields { name } } } } }";
    assert!(checked(own_words).is_ok());
}

#[test]
fn the_journey_of_a_fan_passes() {
    for query in [
        "mutation($i: IssueTokenInput!) { issueToken(input: $i) { token tokenId position { position status } problem { code message } } }",
        "subscription($t: ID) { queuePosition(tokenId: $t) { status position waiting estimatedWaitSeconds availableSeats } }",
        "query($s: ID!) { seats(seriesId: $s, availableOnly: true) { id number row col section price status reserved } }",
        "mutation($i: PayInput!) { pay(input: $i) { payment { id amount status reservations { id seat { number series { concert { title } } } } }
           points { balance history(first: 5) { nodes { kind amount balanceAfter } pageInfo { hasNextPage } } }
           problem { __typename code message ... on SeatTaken { seats { number } } ... on NotAdmitted { position { position } } } } }",
    ] {
        assert!(checked(query).is_ok(), "{query}");
    }
}

#[test]
fn a_subscription_is_kept_and_has_its_own_limit() {
    let subscription = |count: usize| format!("subscription {{ a {{ {} }} }}", "b ".repeat(count));
    let limits = DocumentLimits::default();
    let over = |count: usize| {
        let document = checked(subscription(count)).unwrap();
        let (_, operation) = document.parsed.operations.iter().next().unwrap();
        check_operation(&operation.node, document.size, &limits)
    };
    assert_eq!(over(99), Ok(()));
    assert_eq!(over(100).unwrap_err().of, "selections of a subscription");
}

#[test]
fn escapes_that_the_parser_does_not_know_are_read() {
    let of = |text: &str| {
        let document = checked(format!("{{ a(b: \"{text}\") }}")).unwrap().parsed;
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            unreachable!()
        };
        field.node.get_argument("b").unwrap().node.to_string()
    };
    assert_eq!(of(r"x\uD83C\uDFB5y"), "\"x🎵y\"");
    assert_eq!(of(r"\u{1F3B5}\u{41}\u{22}"), r#""🎵A\"""#);
    assert_eq!(of(r"\\uD83C\u00e9"), "\"\\\\uD83Cé\"");
    for bad in [r"\uD83C", r"\uDFB5\uD83C", r"\u{110000}", r"\u{}", r"\u{D83C}", r"\uD83Cx\uDFB5", r"\q"] {
        malformed(format!("{{ a(b: \"{bad}\") }}"));
    }
}

#[test]
fn a_field_of_an_input_object_comes_once() {
    for twice in [
        "{ a(b: { c: 1, c: 2 }) }",
        "{ a(b: { c: 1 d: X c: 2 }) }",
        "{ a(b: [{ c: { d: 1 d: 1 } }]) }",
        "query ($v: T = { c: 1, c: 1 }) { a(b: $v) }",
        "{ a @d(b: { c: $c, c: $c }) }",
        "{ a(b: { c: \"}\" c: 1 }) }",
    ] {
        assert!(malformed(twice).message.contains("only one input field"), "{twice}");
    }
    for fine in [
        "{ a(b: { c: { c: { c: 1 } } }) }",
        "{ a(b: [{ c: 1 }, { c: 1 }]) }",
        "{ c: a c: a(b: { c: 1 }) { c: b } }",
        "query ($c: T = { c: 1 }, $d: T = { c: 1 }) { a(b: $c, c: { c: $c, d: $d }) }",
    ] {
        assert!(checked(fine).is_ok(), "{fine}");
    }
}

#[test]
fn a_number_is_one_number() {
    for bad in ["00", "01", "-01", "1.", ".5", "1e", "0x1", "1a", "+1", "00.5"] {
        malformed(format!("{{ a(b: [{bad}]) }}"));
    }
    for good in ["0", "-0", "10", "0.5", "-1.5e-10", "1E3", "100200", "0.05", "1.00", "1e05", "1e-05", "0e00"]
    {
        assert!(checked(format!("{{ a(b: [{good}]) }}")).is_ok(), "{good}");
    }
}

#[test]
fn the_words_of_the_parser_are_kept() {
    let error = malformed("{ a(");
    assert!(error.message.contains("expected"), "{}", error.message);
    assert!(!error.locations.is_empty());
}
