//! What a document may cost, decided before anything walks it.
//!
//! To add a limit: count it in `scan` (text) or `cost` (document), and compare it in [`check`].

use async_graphql::ServerError;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};

use super::{coded, cost, scan};
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
    /// Fields at the root of one operation. Of a subscription they have to be one and the same (`merging`), and may be
    /// selected several times, as by the fragments of several parts of a page.
    pub root_fields: usize,
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
            subscription_selections: 100,
            directives: 4,
            introspection_lists: 2,
        }
    }
}

/// A document within its limits.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) parsed: ExecutableDocument,
    pub(super) size: Size,
}

/// How large a document is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) tokens: usize,
    /// With fragments expanded.
    pub(super) selections: usize,
}

/// Parses a document that is within `limits`.
///
/// # Errors
///
/// `QUERY_TOO_COMPLEX` with the limit's name, what is allowed and what was sent; `BAD_USER_INPUT` for a document
/// that cannot be parsed or whose fragments spread themselves.
pub(super) fn read(text: &str, limits: &DocumentLimits) -> Result<Document, ServerError> {
    OverLimit::check("bytes", text.len(), limits.bytes)?;
    let scan = scan::scan(text)
        .map_err(|fault| coded(ServerError::new(fault.message, Some(fault.pos)), code::BAD_USER_INPUT))?;
    OverLimit::check("tokens", scan.tokens, limits.tokens)?;
    OverLimit::check("nesting", scan.nesting, limits.nesting)?;
    let text = scan.rewritten.as_deref().unwrap_or(text);
    let parsed = parse_query(text).map_err(|error| coded(error.into(), code::BAD_USER_INPUT))?;
    let selections = check(&parsed, limits)?;
    Ok(Document { parsed, size: Size { tokens: scan.tokens, selections } })
}

/// What an operation may be in addition to what its document may.
///
/// # Errors
/// QUERY_TOO_COMPLEX.
pub(super) fn check_operation(
    operation: &OperationDefinition,
    size: Size,
    limits: &DocumentLimits,
) -> Result<(), OverLimit> {
    if operation.ty == OperationType::Subscription {
        OverLimit::check("selections of a subscription", size.selections, limits.subscription_selections)?;
    }
    Ok(())
}

/// How many selections it has, if it is within its limits.
fn check(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<usize, ServerError> {
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
    OverLimit::check("directives in one place", totals.directives, limits.directives)?;
    OverLimit::check(
        "introspection lists inside each other",
        totals.introspection_lists,
        limits.introspection_lists,
    )?;
    Ok(totals.selections)
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
