//! The room as a whole, in front of a schema that has every shape that ours lacks.

mod answers;
mod documents;
mod plans;
mod properties;
mod values;

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{
    Context, EmptySubscription, Enum, InputObject, Interface, MaybeUndefined, Object, OneofObject, Result,
    Schema, SchemaBuilder, SimpleObject, Union, ValidationMode, Variables,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::*;

/// What the resolvers did.
#[derive(Default)]
struct Acts(AtomicUsize);

struct Query;
struct Mutation;

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Color {
    Red,
    DeepBlue,
}

/// An input whose fields differ in what may be left out.
#[derive(InputObject)]
struct Pair {
    a: i32,
    #[graphql(default = 7)]
    b: i32,
    c: MaybeUndefined<String>,
    color: Option<Color>,
    list: Option<Vec<i32>>,
    inner: Option<Box<Pair>>,
}

#[derive(OneofObject)]
enum Way {
    ById(String),
    ByNumber(i32),
}

fn maybe<T>(value: &MaybeUndefined<T>, tell: impl Fn(&T) -> Value) -> Value {
    match value {
        MaybeUndefined::Undefined => json!("absent"),
        MaybeUndefined::Null => Value::Null,
        MaybeUndefined::Value(value) => tell(value),
    }
}

fn color(color: Color) -> Value {
    json!(match color {
        Color::Red => "red",
        Color::DeepBlue => "blue",
    })
}

fn pair(pair: &Pair) -> Value {
    json!({
        "a": pair.a, "b": pair.b, "c": maybe(&pair.c, |c| json!(c)), "color": pair.color.map(color), "list": pair.list,
        "inner": pair.inner.as_deref().map(self::pair),
    })
}

/// What a resolver was given.
type Seen = async_graphql::Json<Value>;

fn seen(value: impl serde::Serialize) -> Seen {
    async_graphql::Json(serde_json::to_value(value).unwrap())
}

#[Object]
impl Query {
    async fn int(&self, v: MaybeUndefined<i32>) -> Seen {
        seen(maybe(&v, |v| json!(v)))
    }
    async fn must_int(&self, v: i32) -> Seen {
        seen(v)
    }
    async fn float(&self, v: Option<f64>) -> Seen {
        seen(v)
    }
    async fn string(&self, v: MaybeUndefined<String>) -> Seen {
        seen(maybe(&v, |v| json!(v)))
    }
    async fn boolean(&self, v: Option<bool>) -> Seen {
        seen(v)
    }
    async fn id(&self, v: Option<async_graphql::ID>) -> Seen {
        seen(v.map(|v| v.0))
    }
    async fn color(&self, v: Option<Color>) -> Seen {
        seen(v.map(color))
    }
    async fn date(&self, v: Option<DateTime<Utc>>) -> Seen {
        seen(v.map(|v| v.timestamp()))
    }
    async fn ints(&self, v: Option<Vec<Option<i32>>>) -> Seen {
        seen(v)
    }
    async fn must_ints(&self, v: Vec<i32>) -> Seen {
        seen(v)
    }
    async fn grid(&self, v: Option<Vec<Option<Vec<Option<i32>>>>>) -> Seen {
        seen(v)
    }
    async fn pair(&self, v: Option<Pair>) -> Seen {
        seen(v.as_ref().map(pair))
    }
    async fn pairs(&self, v: Vec<Pair>) -> Seen {
        seen(v.iter().map(pair).collect::<Vec<_>>())
    }
    async fn way(&self, v: Option<Way>) -> Seen {
        seen(v.map(|v| match v {
            Way::ById(id) => json!(id),
            Way::ByNumber(n) => json!(n),
        }))
    }
    /// Not null, and may be left out.
    async fn defaulted(&self, #[graphql(default = 5)] v: i32) -> Seen {
        seen(v)
    }
    /// May be null, and is not when left out.
    async fn may_default(&self, #[graphql(default = 5)] v: Option<i32>) -> Seen {
        seen(v)
    }
    async fn flag(&self, #[graphql(default)] v: bool) -> Seen {
        seen(v)
    }
    async fn default_list(&self, #[graphql(default_with = "vec![1, 2]")] v: Vec<i32>) -> Seen {
        seen(v)
    }
    async fn two(&self, a: Option<i32>, b: Option<i32>) -> Seen {
        seen((a, b))
    }

    async fn ok(&self) -> i32 {
        1
    }
    async fn must(&self) -> Result<i32> {
        Err("x")?
    }
    async fn may(&self) -> Result<Option<i32>> {
        Err("x")?
    }
    async fn slow(&self) -> i32 {
        tokio::task::yield_now().await;
        2
    }
    async fn node(&self) -> Option<Node> {
        Some(Node)
    }
    async fn may_node(&self) -> Result<Option<Node>> {
        Err("x")?
    }
    async fn must_node(&self) -> Node {
        Node
    }
    async fn nodes(&self) -> Vec<Option<Node>> {
        vec![Some(Node), Some(Node)]
    }
    async fn strict(&self) -> Option<Vec<Node>> {
        Some(vec![Node])
    }
    async fn very_strict(&self) -> Vec<Node> {
        vec![Node]
    }
    async fn rows(&self) -> Vec<Option<Vec<Node>>> {
        vec![Some(vec![Node, Node]), Some(vec![])]
    }
    async fn thing(&self) -> Option<Thing> {
        Some(Thing::Node(Node))
    }
    async fn either(&self) -> Option<Either> {
        Some(Either::Plain(Plain { name: "a".to_owned() }))
    }
    async fn plain(&self) -> Plain {
        Plain { name: "a".to_owned() }
    }
}

#[Object]
impl Mutation {
    /// Acts once for each time that it is executed.
    async fn act(&self, ctx: &Context<'_>, v: Option<i32>) -> Result<Done> {
        let acts = ctx.data::<Acts>()?.0.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Done { acts: acts.try_into()?, v })
    }
    async fn fail(&self) -> Result<Option<i32>> {
        Err("x")?
    }
}

#[derive(SimpleObject)]
struct Done {
    acts: i32,
    v: Option<i32>,
}

struct Node;

#[derive(SimpleObject)]
struct Plain {
    name: String,
}

#[derive(Interface)]
#[graphql(field(name = "never", ty = "i32"), field(name = "me", ty = "Thing"))]
enum Thing {
    Node(Node),
    Other(Other),
}

#[derive(Union)]
enum Either {
    Plain(Plain),
    Node(Node),
}

struct Other;

#[Object]
impl Other {
    async fn never(&self) -> i32 {
        1
    }
    async fn label(&self) -> Option<String> {
        None
    }
    async fn name(&self) -> i32 {
        1
    }
    async fn me(&self) -> Thing {
        Thing::Other(Other)
    }
}

#[Object]
impl Node {
    async fn ok(&self) -> i32 {
        1
    }
    async fn name(&self) -> String {
        "n".to_owned()
    }
    async fn label(&self) -> String {
        "l".to_owned()
    }
    async fn never(&self) -> Result<i32> {
        Err("x")?
    }
    async fn may(&self) -> Result<Option<i32>> {
        Err("x")?
    }
    async fn slow(&self) -> i32 {
        tokio::task::yield_now().await;
        2
    }
    async fn node(&self) -> Node {
        Node
    }
    async fn me(&self) -> Thing {
        Thing::Node(Node)
    }
    async fn maybe(&self) -> Option<Node> {
        Some(Node)
    }
}

fn build() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription).data(Acts::default())
}

/// The answer as it is sent, and how often something was done.
async fn ask(query: &str, variables: Value) -> (Value, usize) {
    ask_named(query, None, variables).await
}

async fn ask_named(query: &str, name: Option<&str>, variables: Value) -> (Value, usize) {
    let (response, acts) = respond(query, name, variables).await;
    (serde_json::to_value(&response).unwrap(), acts)
}

fn intake() -> &'static Intake {
    static INTAKE: LazyLock<Intake> =
        LazyLock::new(|| Intake::new(build(), Shape::with_scalar::<DateTime<Utc>>).unwrap());
    &INTAKE
}

async fn respond(query: &str, name: Option<&str>, variables: Value) -> (async_graphql::Response, usize) {
    let mut request = Request::new(query).variables(Variables::from_json(variables));
    request.operation_name = name.map(str::to_owned);
    let schema = build().validation_mode(ValidationMode::Fast).finish();
    let (response, is_request_error) = match intake().prepare(request) {
        Err(errors) => (async_graphql::Response::from_errors(errors), true),
        Ok(Prepared { request, outline, .. }) => {
            let mut response = schema.execute(request).await;
            outline.repair(&mut response);
            masking::mask(&mut response, &String::new);
            (response, false)
        }
    };
    assert_eq!(masking::is_request_error(&response), is_request_error, "{query}: {response:?}");
    (response, schema.data::<Acts>().unwrap().0.load(Ordering::SeqCst))
}

/// Each of these has this for its data.
async fn all_answered(table: &[(&str, Value, Value)]) {
    for (query, variables, expected) in table {
        let (answer, _) = ask(query, variables.clone()).await;
        assert_eq!(answer["errors"], Value::Null, "{query} with {variables}: {answer}");
        assert_eq!(&answer["data"], expected, "{query} with {variables}");
    }
}

/// Each of these is refused with exactly these inputs, as `path: message`, of which the message may go on.
async fn all_refused(table: &[(&str, Value, &[&str])]) {
    for (query, variables, expected) in table {
        let (answer, acts) = ask(query, variables.clone()).await;
        let told = format!("{query} with {variables}: {answer}");
        assert_eq!((answer["data"].clone(), acts), (Value::Null, 0), "{told}");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{told}");
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{told}");
        assert!(error["locations"][0]["line"].is_u64(), "{told}");
        let inputs = error["extensions"]["inputs"].as_array().expect(&told);
        let inputs: Vec<_> = inputs.iter().map(line).collect();
        assert_eq!(inputs.len(), expected.len(), "{told}");
        for (input, expected) in inputs.iter().zip(*expected) {
            assert!(input.starts_with(expected), "{told}\n{input:?} and not {expected:?}");
        }
    }
}

fn line(input: &Value) -> String {
    let path = input["path"].as_array().unwrap().iter();
    let path = path.map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned));
    format!("{}: {}", path.collect::<Vec<_>>().join("."), input["message"].as_str().unwrap())
}
