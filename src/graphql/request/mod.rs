//! The room between the transport and async-graphql: what a request has to be before anything of it is executed, and
//! what an answer has to be before it is sent.
//!
//! On the way in, [`Intake::prepare`]:
//!
//! 1. `document`: the text is scanned (bytes, tokens, nesting), then parsed, then measured once per fragment, because
//!    async-graphql expands every fragment spread anew, without memory, before its own limits apply: a document of 811
//!    bytes can keep it busy for seconds. Its parser recurses once per bracket.
//! 2. `rules` and `merging`: variables, literals and arguments as the specification wants them; async-graphql's own rules
//!    look at the rest, in a schema that executes nothing (`validation`).
//! 3. `coerce`: the variables that were sent. Every mistake of 2 and 3 is told at once.
//! 4. `normal`: the form in which the operation is executed, without variables, fragments and directives.
//!
//! What depends on the text alone (1 and 2) is apart from what depends on what was sent with it (3 and 4).
//!
//! Then [`priced`] lets the operation in, by its [`class`](class::class) and its [`price`], and executes it. On the way
//! out [`Outline`] puts nulls and fields in their places, and [`masking`] gives each error its code and hides the inside.
//!
//! Why async-graphql is not asked for all this: docs/decisions/0001-what-async-graphql-is-asked.md.

pub mod class;
mod coerce;
mod cost;
mod document;
mod grammar;
pub mod masking;
mod merging;
mod normal;
mod outline;
pub mod price;
pub mod priced;
mod rules;
mod scalar;
mod scan;
pub mod selections;
pub mod shape;
mod validation;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{
    ErrorExtensionValues, ObjectType, Positioned, Request, SchemaBuilder, ServerError, SubscriptionType,
    Variables,
};

use crate::graphql::code;
use coerce::Mistakes;
pub use document::DocumentLimits;
pub use outline::Outline;
use shape::Shape;
use validation::Validation;

/// More mistakes of a request than this are not told: whoever makes so many makes one, and the answer has its bounds too.
const MOST: usize = 100;

/// Reads requests for one schema.
#[derive(Debug)]
pub struct Intake {
    shape: Shape,
    validation: Validation,
}

/// A request that may be executed.
#[derive(Debug)]
pub struct Prepared {
    /// With the operation in its normal form as its document.
    pub request: Request,
    /// What it does.
    pub kind: OperationType,
    /// What its answer looks like.
    pub outline: Outline,
}

impl Intake {
    /// For the schema of that builder. `scalars` gives the shape those that are not of the specification.
    ///
    /// # Errors
    /// What the schema prints cannot be read again.
    pub fn new<Q, M, S>(
        schema: SchemaBuilder<Q, M, S>,
        scalars: impl FnOnce(Shape) -> Shape,
    ) -> Result<Self, String>
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let (validation, sdl) = Validation::new(schema);
        Ok(Self { shape: scalars(Shape::parse(&sdl)?), validation })
    }

    /// The types of the schema.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Reads a request; what it holds besides the document, its variables and the name of the operation stays in it.
    ///
    /// # Errors
    /// `QUERY_TOO_COMPLEX` with the limit's name, what is allowed and what was sent; `BAD_USER_INPUT` for what is no
    /// valid request, with `extensions.inputs` where it is about values.
    pub fn prepare(
        &self,
        mut request: Request,
        limits: &DocumentLimits,
    ) -> Result<Prepared, Vec<ServerError>> {
        let document = document::read(&request.query, limits).map_err(|error| vec![error])?;
        let name = request.operation_name.take();
        let (parsed, mut mistakes) = (&document.parsed, Mistakes::default());
        rules::check(parsed, &self.shape, &mut mistakes)?;
        merging::check(parsed, &self.shape)?;
        self.validation.check(parsed, &self.shape)?;
        let operation = selected(parsed, name.as_deref()).map_err(|error| vec![error])?;
        document::check_operation(operation, &document, limits).map_err(|over| vec![over.into()])?;

        let sent = std::mem::take(&mut request.variables);
        let variables = coerce::variables(operation, &sent, &self.shape, &mut mistakes);
        let mistaken = |mistakes: Mistakes| mistakes.none().map_err(|error| vec![error]);
        mistaken(mistakes)?;
        let mut mistakes = Mistakes::default();
        let normal = normal::normal(operation, &parsed.fragments, &self.shape, &variables, &mut mistakes)
            .map_err(|over| vec![over.into()])?;
        mistaken(mistakes)?;
        rules::check_normal(&normal)?;
        let kind = normal.ty;
        let root = self.shape.root(kind).map_or("", |name| name.as_str());
        let outline = Outline::of(&self.shape, &Default::default(), root, &normal.selection_set.node);
        let pos = normal.selection_set.pos;
        request.set_parsed_query(ExecutableDocument {
            operations: DocumentOperations::Single(Positioned::new(normal, pos)),
            fragments: Default::default(),
        });
        // It is kept for as long as a subscription lives.
        request.query = String::new();
        request.variables = Variables::default();
        Ok(Prepared { request, kind, outline })
    }
}

/// GetOperation of the specification.
fn selected<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, ServerError> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        (DocumentOperations::Multiple(_), None) => None,
    };
    operation.map(|operation| &operation.node).ok_or_else(|| {
        let message = match name {
            Some(name) => format!("Unknown operation named \"{}\".", scalar::line(name)),
            None => {
                "The document has several operations: say by operationName which one is meant.".to_owned()
            }
        };
        coded(ServerError::new(message, None), code::BAD_USER_INPUT)
    })
}

fn coded(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    error
}

#[cfg(test)]
mod tests;
