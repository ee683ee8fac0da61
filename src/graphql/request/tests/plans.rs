//! What is planned once is what would be planned anew, whatever is sent.

use proptest::prelude::*;

use super::properties::json;
use super::*;
use crate::graphql::request::{coerce, document, normal, plan};

/// Fields with an argument, with its type and with literals for it, of which some have a place for a variable of that type
/// or of the one that is named.
const ARGUED: [(&str, &str, &[&str]); 9] = [
    ("int", "Int", &["1", "null", "$"]),
    ("mustInt", "Int!", &["-5", "$"]),
    ("string", "String", &["\"a\"", "$"]),
    ("color", "Color", &["RED", "$"]),
    ("ints", "[Int]", &["[1, null]", "2", "[3, $:Int]", "[$:Int $:Int]", "$"]),
    ("mustInts", "[Int!]!", &["[]", "[$:Int!]", "$"]),
    ("pair", "Pair", &["{ a: 1, list: [1] }", "{ a: $:Int!, b: $:Int, inner: { a: 2, c: $:String } }", "$"]),
    ("way", "Way", &["{ byId: \"x\" }", "{ byNumber: $:Int! }", "$"]),
    ("defaulted", "Int", &["4", "$"]),
];

/// A document that is valid, made by choices.
struct Author<'a> {
    choices: std::slice::Iter<'a, u8>,
    variables: Vec<String>,
    fragments: Vec<String>,
    aliases: usize,
}

impl Author<'_> {
    /// 0 once there are no choices left.
    fn choose(&mut self, n: usize) -> usize {
        self.choices.next().map_or(0, |choice| usize::from(*choice) % n)
    }

    fn document(mut self, kind: &str) -> String {
        let root = if kind == "mutation" { "Mutation" } else { "Query" };
        let set = self.set(root, 0);
        let variables = if self.variables.is_empty() {
            String::new()
        } else {
            format!("({})", self.variables.join(", "))
        };
        format!("{kind} A{variables} {set} {}", self.fragments.join(" "))
    }

    fn set(&mut self, of: &str, depth: usize) -> String {
        let lines: Vec<_> = (0..=self.choose(4)).map(|_| self.selection(of, depth)).collect();
        format!("{{ {} }}", lines.join(" "))
    }

    fn selection(&mut self, of: &str, depth: usize) -> String {
        let directive = match self.choose(8) {
            1 => " @skip(if: false)".to_owned(),
            2 => " @include(if: false)".to_owned(),
            3 if self.choose(3) == 1 => format!(" @include(if: {})", self.variable("Boolean!")),
            _ => String::new(),
        };
        let deeper = depth < 4;
        match (of, self.choose(6)) {
            (_, 4) if deeper => format!("...{directive} {}", self.set(of, depth + 1)),
            (_, 5) if deeper => {
                let set = self.set(of, depth + 1);
                let name = format!("F{}", self.fragments.len());
                self.fragments.push(format!("fragment {name} on {of} {set}"));
                // Twice: it is expanded where it stands.
                let again = if self.choose(2) == 0 { String::new() } else { format!(" ...{name}") };
                format!("...{name}{directive}{again}")
            }
            ("Query", 1..=2) => {
                let (field, ty, literals) = ARGUED[self.choose(ARGUED.len())];
                let literal = self.literal(ty, literals);
                format!("{}: {field}(v: {literal}){directive}", self.alias())
            }
            ("Mutation", 1..=3) => {
                let literal = self.literal("Int", &["1", "$"]);
                format!("{}: act(v: {literal}){directive} {{ acts v }}", self.alias())
            }
            ("Query" | "Node" | "Thing", 3) if deeper => {
                let (field, of) = match (of, self.choose(3)) {
                    ("Query", 0) => ("thing", "Thing"),
                    ("Query", 1) => ("nodes", "Node"),
                    ("Query", _) => ("mustNode", "Node"),
                    ("Node", 0) => ("maybe", "Node"),
                    _ => ("me", "Thing"),
                };
                format!("{field}{directive} {}", self.set(of, depth + 1))
            }
            ("Thing", 2) if deeper => format!("... on Node{directive} {}", self.set("Node", depth + 1)),
            ("Thing", _) => format!("never{directive}"),
            ("Mutation", _) => format!("__typename{directive}"),
            _ => format!("ok{directive}"),
        }
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("a{}", self.aliases)
    }

    fn literal(&mut self, ty: &str, literals: &[&str]) -> String {
        let mut literal = literals[self.choose(literals.len())].to_owned();
        while let Some(at) = literal.find('$') {
            let rest = literal[at + 1..].to_owned();
            let (ty, rest) = match rest.strip_prefix(':') {
                Some(named) => {
                    let end = named.find([',', ' ', ']', '}']).unwrap_or(named.len());
                    (named[..end].to_owned(), named[end..].to_owned())
                }
                None => (ty.to_owned(), rest),
            };
            // So that it is not found again.
            literal = format!("{}\u{1}{}{rest}", &literal[..at], &self.variable(&ty)[1..]);
        }
        literal.replace('\u{1}', "$")
    }

    fn variable(&mut self, ty: &str) -> String {
        let name = format!("$v{}", self.variables.len());
        let default = if ty == "Int" && self.choose(3) == 1 { " = 8" } else { "" };
        self.variables.push(format!("{name}: {ty}{default}"));
        name
    }
}

/// Whether there was a plan, and whether the values were taken.
fn planned_as_anew(intake: &Intake, text: &str, sent: &Variables) -> (bool, bool) {
    let (shape, limits) = (&intake.shape, DocumentLimits::default());
    let Ok(document) = document::read(text, &limits) else { return (false, false) };
    // The same in two places is too long for some.
    let mut mistakes = Mistakes::default();
    rules::check(&document.parsed, shape, &mut mistakes)
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let checked = Checked::new(document, true, shape);
    let operation = checked.selected(None).unwrap();
    let Some(plan) = &operation.plan else { return (false, false) };
    let mut mistakes = Mistakes::default();
    let variables = coerce::variables(&operation.definition, sent.clone(), shape, &mut mistakes);
    if !mistakes.is_empty() {
        return (true, false);
    }
    let (mut planned, mut anew) = (Mistakes::default(), Mistakes::default());
    let filled = plan.filled(shape, &variables, &mut planned).expect("it is not too long");
    let normal =
        normal::normal(&operation.definition, &checked.fragments, shape, &variables, &mut anew).unwrap();
    let told = |mistakes: Mistakes| mistakes.none().map_err(|error| format!("{error:?}"));
    let (planned, anew) = (told(planned), told(anew));
    assert_eq!(planned, anew, "{text}");
    if anew.is_err() {
        return (true, false);
    }
    assert_eq!(format!("{filled:?}"), format!("{normal:?}"), "{text}");
    assert_eq!(plan.outline, Outline::of_operation(shape, &normal), "{text}");
    assert_eq!(plan.appraisal, plan::Appraisal::of(&normal, shape), "{text}");
    (true, true)
}

fn sent(values: &[Value]) -> Variables {
    let named = values.iter().enumerate().map(|(n, value)| (format!("v{n}"), value.clone()));
    Variables::from_json(Value::Object(named.collect()))
}

/// Values that are often right.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (-9_i64..9).prop_map(|n| json!(n)),
        1 => any::<bool>().prop_map(|b| json!(b)),
        1 => Just(json!("RED")),
        1 => Just(json!([1])),
        1 => Just(json!({ "a": 1, "list": [2] })),
        1 => Just(Value::Null),
        1 => json(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_plan_is_what_would_be_made_anew(
        choices in prop::collection::vec(any::<u8>(), 0..80), values in prop::collection::vec(value(), 0..12), acts in any::<bool>(),
    ) {
        let author = Author { choices: choices.iter(), variables: Vec::new(), fragments: Vec::new(), aliases: 0 };
        let text = author.document(if acts { "mutation" } else { "query" });
        planned_as_anew(intake(), &text, &sent(&values));
        // And the whole way, at first and when it is known, in the same words.
        let told = || {
            let prepared = intake().prepare(Request::new(text.as_str()).variables(sent(&values)));
            prepared.map(|mut prepared| format!("{:?}", prepared.request.parsed_query())).map_err(|errors| format!("{errors:?}"))
        };
        prop_assert_eq!(told(), told(), "{}", text);
    }
}

/// The generator makes what it is meant to make.
#[test]
fn plans_are_made_and_filled_and_some_documents_have_none() {
    let (mut planned, mut filled, mut none) = (0, 0, 0);
    for seed in 0_u32..600 {
        let choices: Vec<u8> = (0_u32..60)
            .map(|n| ((seed + 1).wrapping_mul(2_654_435_761).wrapping_add(n * 40_503) >> (n % 17)) as u8)
            .collect();
        let author =
            Author { choices: choices.iter(), variables: Vec::new(), fragments: Vec::new(), aliases: 0 };
        let values = [json!(1), json!(2), json!(3), json!(4), json!(5), json!(6)];
        match planned_as_anew(intake(), &author.document("query"), &sent(&values)) {
            (true, true) => filled += 1,
            (true, false) => planned += 1,
            (false, _) => none += 1,
        }
    }
    assert!(planned > 10 && filled > 50 && none > 10, "{planned} {filled} {none}");
}

#[test]
fn what_is_selected_by_a_variable_is_planned_anew_each_time() {
    let text = "query ($v: Boolean!) { ok @include(if: $v) ...F } fragment F on Query { slow @skip(if: $v) }";
    let document = |v: bool| {
        let mut prepared = intake().prepare(Request::new(text).variables(sent_v(&json!(v)))).unwrap();
        format!("{:?}", prepared.request.parsed_query().unwrap())
    };
    let (yes, no) = (document(true), document(false));
    assert!(yes.contains("Name(\"ok\")") || yes.contains("\"ok\""), "{yes}");
    assert!(!yes.contains("slow") && no.contains("slow"), "{yes}\n{no}");
    assert_eq!((yes, no), (document(true), document(false)));
}

fn sent_v(value: &Value) -> Variables {
    Variables::from_json(json!({ "v": value }))
}

/// A variable that stands in many places is as long as all of them, in the same words as without a plan.
#[tokio::test]
async fn values_that_are_too_long_together_are_refused_as_ever() {
    let fields: String = (0..19).map(|n| format!("a{n}: string(v: $v) ")).collect();
    let text = format!("query ($v: String) {{ {fields} }}");
    let (short, _) = ask(&text, json!({ "v": "x".repeat(50_000) })).await;
    assert_eq!(short["errors"], Value::Null);
    let (long, _) = ask(&text, json!({ "v": "x".repeat(60_000) })).await;
    let limit = &long["errors"][0]["extensions"]["limit"];
    // The sum at the argument that was one too many.
    assert_eq!(
        limit,
        &json!({ "of": "bytes of arguments", "asked": 18 * 60_064, "allowed": 1 << 20 }),
        "{long}"
    );
}
