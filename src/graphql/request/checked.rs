//! A document about which everything is known that depends on its text alone.

use std::collections::HashMap;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{Name, ServerError};

use super::document::{Document, Size};
use super::plan::Plan;
use super::selections::Fragments;
use super::shape::Shape;
use super::{coded, scalar};
use crate::graphql::code;

/// A document that is valid, but perhaps for its literals.
#[derive(Debug)]
pub(super) struct Checked {
    operations: Operations,
    pub(super) fragments: Fragments,
    pub(super) size: Size,
}

#[derive(Debug)]
enum Operations {
    /// The only one, without a name.
    Nameless(Box<Operation>),
    Named(HashMap<Name, Operation>),
}

/// An operation as it was written.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) definition: OperationDefinition,
    /// See [`Plan::of`] for what has none.
    pub(super) plan: Option<Plan>,
}

impl Checked {
    /// Plans the operations of a document, if it `is_valid`: of what is not, nothing is executed.
    pub(super) fn new(Document { parsed, size }: Document, is_valid: bool, shape: &Shape) -> Self {
        let ExecutableDocument { operations, fragments } = parsed;
        let operation = |definition: OperationDefinition| Operation {
            plan: is_valid.then(|| Plan::of(&definition, &fragments, shape)).flatten(),
            definition,
        };
        let operations = match operations {
            DocumentOperations::Single(only) => Operations::Nameless(Box::new(operation(only.node))),
            DocumentOperations::Multiple(named) => {
                Operations::Named(named.into_iter().map(|(name, one)| (name, operation(one.node))).collect())
            }
        };
        Self { operations, fragments, size }
    }

    /// GetOperation of the specification.
    ///
    /// # Errors
    /// There is none of that name, or it has to be named.
    pub(super) fn selected(&self, name: Option<&str>) -> Result<&Operation, ServerError> {
        let operation = match (&self.operations, name) {
            (Operations::Nameless(operation), None) => Some(&**operation),
            (Operations::Nameless(_), Some(_)) => None,
            (Operations::Named(operations), Some(name)) => operations.get(name),
            (Operations::Named(operations), None) if operations.len() == 1 => operations.values().next(),
            (Operations::Named(_), None) => None,
        };
        operation.ok_or_else(|| {
            let message = match name {
                Some(name) => format!("Unknown operation named \"{}\".", scalar::line(name)),
                None => {
                    "The document has several operations: say by operationName which one is meant.".to_owned()
                }
            };
            coded(ServerError::new(message, None), code::BAD_USER_INPUT)
        })
    }

    /// What it takes in memory beside its text, in bytes: rather too much than too little.
    pub(super) fn weight(&self) -> usize {
        /// Of a token, which may be a value, or the name of one, in a literal.
        const TOKEN: usize = 160;
        /// Of a field: as it was written, in the plan and in the outline.
        const SELECTION: usize = 640;
        const DOCUMENT: usize = 1_024;
        let planned = |operation: &Operation| operation.plan.as_ref().map_or(0, Plan::argument_bytes);
        let arguments: usize = match &self.operations {
            Operations::Nameless(only) => planned(only),
            Operations::Named(operations) => operations.values().map(planned).sum(),
        };
        DOCUMENT + self.size.tokens * TOKEN + self.size.selections * SELECTION + arguments
    }
}
