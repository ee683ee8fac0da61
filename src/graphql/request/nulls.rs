//! Puts the nulls of failed fields where the GraphQL specification wants them.
//!
//! async-graphql 7 leaves the key of a failed field out of `data`, whatever its type. A client generated from the
//! schema expects a null if the field may be null, and otherwise a null in place of the nearest thing around it that
//! may be. An error says where it happened; the schema says what may be null there.

use async_graphql::parser::types::{BaseType, ExecutableDocument, Field, Selection, SelectionSet, Type};
use async_graphql::{Name, PathSegment, Request, Response, Value};

use crate::graphql::request;
pub use crate::graphql::request::shape::Shape;
use crate::graphql::request::shape::innermost;

/// What of a request is needed to understand the errors of its response.
#[derive(Debug)]
pub(crate) struct Asked {
    query: String,
    operation_name: Option<String>,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        Self { query: request.query.clone(), operation_name: request.operation_name.clone() }
    }
}

/// Where a null belongs.
enum Place {
    /// There is nothing around the field that may be null, but `data` as a whole.
    Data,
    /// At this many segments of the error's path.
    After(usize),
}

impl Shape {
    /// Sets the nulls that the errors of `response` call for.
    pub(crate) fn repair(&self, response: &mut Response, asked: &Asked) {
        if response.errors.iter().all(|error| error.path.is_empty()) {
            return;
        }
        // Errors are rare; parsing again then is cheaper than keeping every document for each subscription.
        let Ok(document) = async_graphql::parser::parse_query(&asked.query) else { return };
        for error in &response.errors {
            if error.path.is_empty() {
                continue;
            }
            match self.place(&document, asked.operation_name.as_deref(), &error.path) {
                Place::Data => response.data = Value::Null,
                Place::After(segments) => set_null(&mut response.data, &error.path[..segments]),
            }
        }
    }

    /// Follows `path` through the operation. What cannot be followed gets its null at the very end of the path.
    fn place(&self, document: &ExecutableDocument, operation: Option<&str>, path: &[PathSegment]) -> Place {
        let followed = || {
            let operation = request::selected(document, operation)?;
            let root = self.root(operation.ty)?;
            self.follow(document, root, &operation.selection_set.node, path)
        };
        followed().unwrap_or(Place::After(path.len()))
    }

    fn follow<'a>(
        &'a self,
        document: &'a ExecutableDocument,
        root: &'a Name,
        selections: &'a SelectionSet,
        path: &[PathSegment],
    ) -> Option<Place> {
        let mut place = Place::Data;
        let mut sets = vec![(root, selections)];
        let mut current: Option<&Type> = None;
        for (index, segment) in path.iter().enumerate() {
            let ty = match segment {
                PathSegment::Field(key) => {
                    let fields = fields_at(document, &sets, key);
                    let (parent, first) = fields.first()?;
                    let ty = self.field(parent, &first.name.node)?;
                    let inner = innermost(ty);
                    sets = fields.iter().map(|(_, field)| (inner, &field.selection_set.node)).collect();
                    ty
                }
                PathSegment::Index(_) => match &current?.base {
                    BaseType::List(item) => &**item,
                    BaseType::Named(_) => return None,
                },
            };
            if ty.nullable {
                place = Place::After(index + 1);
            }
            current = Some(ty);
        }
        Some(place)
    }
}

/// Every field with this response key in these selection sets, with the type that it was selected on.
fn fields_at<'a>(
    document: &'a ExecutableDocument,
    sets: &[(&'a Name, &'a SelectionSet)],
    key: &str,
) -> Vec<(&'a Name, &'a Field)> {
    let mut found = Vec::new();
    let mut open = sets.to_vec();
    while let Some((parent, set)) = open.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if field.node.response_key().node == key => {
                    found.push((parent, &field.node));
                }
                Selection::Field(_) => {}
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let parent = condition.map_or(parent, |condition| &condition.node.on.node);
                    open.push((parent, &inline.node.selection_set.node));
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        let fragment = &fragment.node;
                        open.push((&fragment.type_condition.node.on.node, &fragment.selection_set.node));
                    }
                }
            }
        }
    }
    found
}

/// Sets the value at `path` to null; its key may be missing, but not what is around it.
fn set_null(data: &mut Value, path: &[PathSegment]) {
    match (data, path) {
        (data, []) => *data = Value::Null,
        (Value::Object(fields), [PathSegment::Field(name)]) => {
            fields.insert(Name::new(name), Value::Null);
        }
        (Value::Object(fields), [PathSegment::Field(name), rest @ ..]) => {
            if let Some(value) = fields.get_mut(name.as_str()) {
                set_null(value, rest);
            }
        }
        (Value::List(items), [PathSegment::Index(index), rest @ ..]) => {
            if let Some(item) = items.get_mut(*index) {
                set_null(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Interface, Object, Result, Schema, SimpleObject};

    use super::*;

    struct Query;
    struct Node;

    #[derive(SimpleObject)]
    struct Plain {
        name: String,
    }

    #[derive(Interface)]
    #[graphql(field(name = "never", ty = "i32"))]
    enum Thing {
        Node(Node),
    }

    #[Object]
    impl Query {
        async fn ok(&self) -> i32 {
            1
        }
        async fn must(&self) -> Result<i32> {
            Err("x")?
        }
        async fn may(&self) -> Result<Option<i32>> {
            Err("x")?
        }
        async fn node(&self) -> Option<Node> {
            Some(Node)
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
        async fn thing(&self) -> Option<Thing> {
            Some(Thing::Node(Node))
        }
        async fn plain(&self) -> Plain {
            Plain { name: "a".to_owned() }
        }
    }

    #[Object]
    impl Node {
        async fn ok(&self) -> i32 {
            1
        }
        async fn never(&self) -> Result<i32> {
            Err("x")?
        }
        async fn may(&self) -> Result<Option<i32>> {
            Err("x")?
        }
        async fn node(&self) -> Node {
            Node
        }
    }

    /// The `data` of `query` after the repair.
    async fn data(query: &str) -> String {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let shape = Shape::parse(&schema.sdl()).unwrap();
        let request = Request::new(query);
        let asked = Asked::of(&request);
        let mut response = schema.execute(request).await;
        shape.repair(&mut response, &asked);
        serde_json::to_string(&response.data).unwrap()
    }

    #[tokio::test]
    async fn a_null_goes_where_the_types_let_it() {
        for (query, expected) in [
            ("{ ok plain { name } }", r#"{"ok":1,"plain":{"name":"a"}}"#),
            ("{ ok may }", r#"{"ok":1,"may":null}"#),
            ("{ ok other: may }", r#"{"ok":1,"other":null}"#),
            ("{ ok must }", "null"),
            ("{ ok node { ok may } }", r#"{"ok":1,"node":{"ok":1,"may":null}}"#),
            ("{ ok node { ok never } }", r#"{"ok":1,"node":null}"#),
            ("{ ok node { node { node { ok never } } } }", r#"{"ok":1,"node":null}"#),
            ("{ ok mustNode { ok never } }", "null"),
            ("{ ok nodes { ok never } }", r#"{"ok":1,"nodes":[null,null]}"#),
            ("{ ok strict { ok never } }", r#"{"ok":1,"strict":null}"#),
            ("{ ok thing { never } }", r#"{"ok":1,"thing":null}"#),
            ("{ ok thing { ... on Node { ok x: never } } }", r#"{"ok":1,"thing":null}"#),
            (
                "{ ok ...A } fragment A on Query { node { ...B } } fragment B on Node { ok never }",
                r#"{"ok":1,"node":null}"#,
            ),
            ("{ node { ok } node { never } }", r#"{"node":null}"#),
            ("query A { ok may }", r#"{"ok":1,"may":null}"#),
        ] {
            assert_eq!(data(query).await, expected, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_followed_gets_its_null_at_the_end() {
        let mut error = async_graphql::ServerError::new("x", None);
        error.path = vec![PathSegment::Field("a".to_owned()), PathSegment::Field("b".to_owned())];
        let mut response = Response::new(async_graphql::value!({ "a": { "c": 1 } }));
        response.errors.push(error);
        Shape::default().repair(&mut response, &Asked::of(&Request::new("{ a { b c } }")));
        assert_eq!(response.data, async_graphql::value!({ "a": { "c": 1, "b": null } }));
    }
}
