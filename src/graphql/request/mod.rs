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
//! What depends on the text alone is found out once for each document, and `remembered` while it is asked for: 1, 2, and
//! of 4 all but the values (`checked`, `plan`).
//!
//! Then [`priced`] lets the operation in, by its [`class`](class::class) and its [`price`], and executes it. On the way
//! out [`Outline`] puts nulls and fields in their places, and [`masking`] gives each error its code and hides the inside.
//!
//! Why async-graphql is not asked for all this: docs/decisions/0001-what-async-graphql-is-asked.md.

mod checked;
pub mod class;
mod coerce;
mod cost;
mod document;
mod grammar;
pub mod masking;
mod merging;
pub(super) mod normal;
mod outline;
mod plan;
pub mod price;
pub mod priced;
mod remembered;
mod rules;
mod scalar;
mod scan;
pub mod selections;
pub mod shape;
mod validation;

use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{
    ErrorExtensionValues, ObjectType, Positioned, Request, SchemaBuilder, ServerError, SubscriptionType,
};

use checked::{Checked, Operation};
use coerce::Mistakes;
pub use document::DocumentLimits;
pub use outline::Outline;
use plan::Appraisal;
use remembered::Remembered;
use selections::Fragments;
use shape::Shape;
use validation::Validation;

/// More mistakes of a request than this are not told: whoever makes so many makes one, and the answer has its bounds too.
const MOST: usize = 100;

/// Reads requests for one schema.
#[derive(Debug)]
pub struct Intake {
    shape: Shape,
    validation: Validation,
    limits: DocumentLimits,
    remembered: Remembered,
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
        let (limits, remembered) = (DocumentLimits::default(), Remembered::default());
        Ok(Self { shape: scalars(Shape::parse(&sdl)?), validation, limits, remembered })
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
    pub fn prepare(&self, mut request: Request) -> Result<Prepared, Vec<ServerError>> {
        // A subscription keeps its request for as long as it lives, without the text.
        let (text, name) = (std::mem::take(&mut request.query), request.operation_name.take());
        let mut mistakes = Mistakes::default();
        let document = self.document(text, &mut mistakes)?;
        let operation = document.selected(name.as_deref()).map_err(|error| vec![error])?;
        document::check_operation(&operation.definition, document.size, &self.limits)
            .map_err(|over| vec![over.into()])?;

        let sent = std::mem::take(&mut request.variables);
        let variables = coerce::variables(&operation.definition, sent, &self.shape, &mut mistakes);
        mistakes.none().map_err(|error| vec![error])?;
        let (normal, outline, appraisal) = self.normal(operation, &document.fragments, &variables)?;
        let (kind, pos) = (normal.ty, normal.selection_set.pos);
        request.set_parsed_query(ExecutableDocument {
            operations: DocumentOperations::Single(Positioned::new(normal, pos)),
            fragments: Default::default(),
        });
        request.data.insert(appraisal);
        Ok(Prepared { request, kind, outline })
    }

    /// The document of that text, if it is valid but for the mistakes in its literals, which are collected. Whoever makes
    /// some is told of all at once, with those of the values that were sent.
    fn document(&self, text: String, mistakes: &mut Mistakes) -> Result<Arc<Checked>, Vec<ServerError>> {
        if let Some(known) = self.remembered.get(&text) {
            return Ok(known);
        }
        let document = document::read(&text, &self.limits).map_err(|error| vec![error])?;
        let parsed = &document.parsed;
        rules::check(parsed, &self.shape, mistakes)?;
        merging::check(parsed, &self.shape)?;
        self.validation.check(parsed, &self.shape)?;
        let is_valid = mistakes.is_empty();
        let checked = Arc::new(Checked::new(document, is_valid, &self.shape));
        if is_valid {
            self.remembered.keep(text, &checked);
        }
        Ok(checked)
    }

    /// What is executed, and what is known of it.
    fn normal(
        &self,
        operation: &Operation,
        fragments: &Fragments,
        variables: &coerce::Variables,
    ) -> Result<(OperationDefinition, Outline, Appraisal), Vec<ServerError>> {
        let (shape, mut mistakes) = (&self.shape, Mistakes::default());
        if let Some(plan) = &operation.plan
            && let Some(filled) = plan.filled(shape, variables, &mut mistakes)
        {
            mistakes.none().map_err(|error| vec![error])?;
            return Ok((filled, plan.outline.clone(), plan.appraisal));
        }
        let mut mistakes = Mistakes::default();
        let normal = normal::normal(&operation.definition, fragments, shape, variables, &mut mistakes)
            .map_err(|over| vec![over.into()])?;
        mistakes.none().map_err(|error| vec![error])?;
        rules::check_normal(&normal)?;
        let (outline, appraisal) = (Outline::of_operation(shape, &normal), Appraisal::of(&normal, shape));
        Ok((normal, outline, appraisal))
    }
}

fn coded(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    error
}

#[cfg(test)]
mod tests;
