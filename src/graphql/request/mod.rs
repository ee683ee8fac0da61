//! The document guard: what a document may cost, decided before async-graphql walks it.
//!
//! async-graphql expands every fragment spread anew, without memory, before its own limits apply: a document of
//! 811 bytes can keep it busy for seconds. Its parser recurses once per bracket. So the text is scanned first
//! (bytes, tokens, nesting), then parsed, then measured once per fragment; only what passes is executed.
//!
//! To add a limit: count it in `scan` (text) or `cost` (document), and compare it in [`check`].

pub mod class;
mod cost;
pub mod masking;
pub mod nulls;
pub mod price;
pub mod priced;
mod scan;
pub mod shape;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{ErrorExtensionValues, Request, ServerError};

use crate::graphql::{code, over_limit::OverLimit};

/// How much one document may ask for. Every number is an inclusive maximum; fragments count as often as they are
/// spread, and all operations of the document count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Length of the document in bytes.
    pub bytes: usize,
    /// Tokens of the document: names, numbers, strings and punctuators.
    pub tokens: usize,
    /// Brackets inside brackets in the text, and selection sets inside selection sets with fragments expanded.
    /// async-graphql refuses more than 32 by itself.
    pub nesting: usize,
    /// Fields inside fields. Introspection by code generators needs 15.
    pub depth: usize,
    /// Selections (fields, spreads, inline fragments).
    pub selections: usize,
    /// Fields that have an alias.
    pub aliases: usize,
    /// Fields at the root of one query or mutation.
    pub root_fields: usize,
    /// Fields at the root of one subscription; the GraphQL specification allows one.
    pub subscription_root_fields: usize,
    /// Selections of a document whose operation is a subscription: it is kept for as long as that lives.
    pub subscription_selections: usize,
    /// Directives on one field, spread, inline fragment, fragment, operation or variable.
    pub directives: usize,
    /// Lists of the type system inside each other (`fields { type { fields …`) in an introspection, whose answer
    /// grows by a factor with each.
    pub introspection_lists: usize,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: 32 << 10,
            tokens: 4_000,
            nesting: 32,
            depth: 20,
            selections: 1_000,
            aliases: 50,
            root_fields: 20,
            subscription_root_fields: 1,
            subscription_selections: 100,
            directives: 4,
            introspection_lists: 2,
        }
    }
}

/// Lets a request through if its document is within `limits`, and says which kind of operation it will run; `None`
/// if the document and `operationName` do not agree on one (the executor then says why). The parsed document is
/// left in the request, so it is not parsed twice.
///
/// # Errors
///
/// `QUERY_TOO_COMPLEX` with the limit's name, what is allowed and what was sent; `BAD_USER_INPUT` for a document
/// that cannot be parsed or whose fragments spread themselves.
pub fn check(request: &mut Request, limits: &DocumentLimits) -> Result<Option<OperationType>, ServerError> {
    OverLimit::check("bytes", request.query.len(), limits.bytes)?;
    let text = scan::scan(&request.query)
        .map_err(|fault| coded(ServerError::new(fault.message, Some(fault.pos)), code::BAD_USER_INPUT))?;
    OverLimit::check("tokens", text.tokens, limits.tokens)?;
    OverLimit::check("nesting", text.nesting, limits.nesting)?;

    let operation_name = request.operation_name.clone();
    let mut document =
        parse_query(&request.query).map_err(|error| coded(error.into(), code::BAD_USER_INPUT))?;
    let selections = check_document(&document, limits)?;
    let kind = selected(&document, operation_name.as_deref()).map(|operation| operation.ty);
    if kind == Some(OperationType::Subscription) {
        OverLimit::check("selections of a subscription", selections, limits.subscription_selections)?;
    }
    if let DocumentOperations::Single(operation) = &mut document.operations {
        operation.node.variable_definitions.shrink_to_fit();
        fit(&mut operation.node.selection_set.node);
    }
    request.set_parsed_query(document);
    Ok(kind)
}

/// Gives back what the parser reserved for more of everything: three quarters of a KiB of a small document, and as much
/// again if it has a variable. A subscription keeps its document for as long as it lives.
fn fit(set: &mut SelectionSet) {
    set.items.shrink_to_fit();
    for item in &mut set.items {
        if let Selection::Field(field) = &mut item.node {
            field.node.arguments.shrink_to_fit();
            fit(&mut field.node.selection_set.node);
        }
    }
}

/// How many selections it has, if it is within its limits.
fn check_document(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<usize, ServerError> {
    let totals = cost::measure(document, limits.nesting).map_err(|fault| match fault {
        cost::Fault::Cycle { fragment, pos } => coded(
            ServerError::new(format!("The fragment \"{fragment}\" spreads itself."), Some(pos)),
            code::BAD_USER_INPUT,
        ),
        cost::Fault::TooNested => {
            OverLimit { of: "nesting", asked: limits.nesting + 1, allowed: limits.nesting }.into()
        }
    })?;
    OverLimit::check("depth", totals.depth, limits.depth)?;
    OverLimit::check("selections", totals.selections, limits.selections)?;
    OverLimit::check("aliases", totals.aliases, limits.aliases)?;
    OverLimit::check("root fields", totals.root_fields, limits.root_fields)?;
    OverLimit::check(
        "root fields of a subscription",
        totals.subscription_root_fields,
        limits.subscription_root_fields,
    )?;
    OverLimit::check("directives in one place", totals.directives, limits.directives)?;
    OverLimit::check(
        "introspection lists inside each other",
        totals.introspection_lists,
        limits.introspection_lists,
    )?;
    Ok(totals.selections)
}

/// The operation that async-graphql will choose.
pub(crate) fn selected<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        (DocumentOperations::Multiple(_), None) => None,
    };
    operation.map(|operation| &operation.node)
}

fn coded(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    error
}

#[cfg(test)]
mod document_tests;
