//! The rules of the specification that async-graphql has right, asked without executing anything.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::parser::types::{
    BaseType, Directive, DocumentOperations, ExecutableDocument, Field, InlineFragment, OperationDefinition,
    Selection, SelectionSet, Type,
};
use async_graphql::{
    Name, Number, ObjectType, Pos, Positioned, Request, Response, Schema, SchemaBuilder, ServerError,
    SubscriptionType,
};
use async_graphql_value::{Value, indexmap::IndexMap};
use futures_util::FutureExt;

use super::masking;
use super::rules::TYPENAME;
use super::shape::{Input, Kind, Shape, innermost};

/// Executes a request and returns what is wrong with it; `None` if it would have to wait.
type Validator = Arc<dyn Fn(Request) -> Option<Response> + Send + Sync>;

/// A schema that executes nothing.
pub(super) struct Validation {
    validator: Validator,
}

impl std::fmt::Debug for Validation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validation").finish_non_exhaustive()
    }
}

/// Answers instead of the resolvers.
struct Nothing;

impl ExtensionFactory for Nothing {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Nothing {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::default()
    }
}

impl Validation {
    /// That of a schema, and the schema as text.
    pub(super) fn new<Q, M, S>(schema: SchemaBuilder<Q, M, S>) -> (Self, String)
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let schema: Schema<Q, M, S> = schema.extension(Nothing).finish();
        let sdl = schema.sdl();
        let validator = move |request: Request| schema.execute(request).now_or_never();
        (Self { validator: Arc::new(validator) }, sdl)
    }

    /// Looks at all operations and fragments of a document whose variables and values are right already.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self, document: &ExecutableDocument, shape: &Shape) -> Result<(), Vec<ServerError>> {
        let mut request = Request::new("");
        // Any of them: all are looked at.
        if let DocumentOperations::Multiple(operations) = &document.operations {
            request.operation_name = operations.keys().next().map(ToString::to_string);
        }
        request.set_parsed_query(Witness { shape }.document(document));
        let response = (self.validator)(request);
        let mut response = response.unwrap_or_else(|| {
            Response::from_errors(vec![ServerError::new("The document could not be validated.", None)])
        });
        masking::mask(&mut response, &String::new);
        if response.errors.is_empty() { Ok(()) } else { Err(response.errors) }
    }
}

/// Writes documents with some right value in the place of each: whether those that stand there are right, and the same in
/// two places, has been seen already, by better rules.
struct Witness<'a> {
    shape: &'a Shape,
}

impl Witness<'_> {
    fn document(&self, document: &ExecutableDocument) -> ExecutableDocument {
        let mut document = document.clone();
        match &mut document.operations {
            DocumentOperations::Single(operation) => self.operation(&mut operation.node),
            DocumentOperations::Multiple(operations) => {
                operations.values_mut().for_each(|operation| self.operation(&mut operation.node));
            }
        }
        for fragment in document.fragments.values_mut() {
            let fragment = &mut fragment.node;
            self.directives(&mut fragment.directives);
            let on = fragment.type_condition.node.on.node.clone();
            self.set(Some(&on), &mut fragment.selection_set.node);
        }
        document
    }

    fn operation(&self, operation: &mut OperationDefinition) {
        operation.variable_definitions.clear();
        self.directives(&mut operation.directives);
        self.set(self.shape.root(operation.ty), &mut operation.selection_set.node);
    }

    fn set(&self, parent: Option<&Name>, set: &mut SelectionSet) {
        for selection in &mut set.items {
            self.directives(selection.node.directives_mut());
            show_directives(selection);
            match &mut selection.node {
                Selection::Field(field) => self.field(parent, &mut field.node),
                Selection::InlineFragment(inline) => {
                    let on =
                        inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.clone());
                    self.set(on.as_ref().or(parent), &mut inline.node.selection_set.node);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&self, parent: Option<&Name>, field: &mut Field) {
        let output = parent.and_then(|parent| self.shape.output(parent, &field.name.node));
        let inputs = output.map(|output| output.arguments.as_slice());
        self.arguments(field.name.pos, &mut field.arguments, inputs.unwrap_or_default());
        self.set(output.map(|output| innermost(&output.ty)), &mut field.selection_set.node);
    }

    fn directives(&self, directives: &mut [Positioned<Directive>]) {
        for Positioned { pos, node: directive } in directives {
            let inputs = self.shape.directive(&directive.name.node).unwrap_or_default();
            self.arguments(*pos, &mut directive.arguments, inputs);
        }
    }

    /// What is required and is not there has been told already too.
    fn arguments(&self, pos: Pos, given: &mut Vec<(Positioned<Name>, Positioned<Value>)>, inputs: &[Input]) {
        for (name, value) in given.iter_mut() {
            let input = inputs.iter().find(|input| input.name == name.node);
            value.node = input.map_or(Value::Null, |input| self.value(&input.ty));
        }
        for input in inputs.iter().filter(|input| input.is_required()) {
            if given.iter().all(|(name, _)| name.node != input.name) {
                let value = Positioned::new(self.value(&input.ty), pos);
                given.push((Positioned::new(input.name.clone(), pos), value));
            }
        }
    }

    /// The least value of a type.
    fn value(&self, ty: &Type) -> Value {
        match (&ty.base, ty.nullable) {
            (_, true) => Value::Null,
            (BaseType::List(_), false) => Value::List(Vec::new()),
            (BaseType::Named(name), false) => match self.shape.kind(name) {
                Some(Kind::Enum(words)) => words.first().cloned().map_or(Value::Null, Value::Enum),
                Some(Kind::Input(object)) if object.one_of => {
                    let field = object.fields.first();
                    let fields = field.map(|field| {
                        (field.name.clone(), self.value(&Type { nullable: false, ..field.ty.clone() }))
                    });
                    Value::Object(fields.into_iter().collect())
                }
                Some(Kind::Input(object)) => {
                    let wanted = object.fields.iter().filter(|field| field.is_required());
                    let fields: IndexMap<_, _> =
                        wanted.map(|field| (field.name.clone(), self.value(&field.ty))).collect();
                    Value::Object(fields)
                }
                _ => match name.as_str() {
                    "Int" | "Float" => Value::Number(Number::from(0)),
                    "Boolean" => Value::Boolean(false),
                    _ => Value::String(String::new()),
                },
            },
        }
    }
}

/// The rules do not look at `__typename`: its directives are shown to them on a fragment around it, which may have the
/// same ones.
fn show_directives(selection: &mut Positioned<Selection>) {
    let Selection::Field(field) = &mut selection.node else { return };
    if field.node.name.node != TYPENAME || field.node.directives.is_empty() {
        return;
    }
    let directives = std::mem::take(&mut field.node.directives);
    let set = SelectionSet { items: vec![selection.clone()] };
    let selection_set = Positioned::new(set, selection.pos);
    let around = InlineFragment { type_condition: None, directives, selection_set };
    selection.node = Selection::InlineFragment(Positioned::new(around, selection.pos));
}
