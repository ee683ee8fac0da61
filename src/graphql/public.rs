//! What is the same for whoever asks: the catalogue, the dates and their seats, and the schema itself.
//!
//! A list of what is, and not of what is not: a field that is new is taken for its caller's own until it stands here. It may
//! stand here once its resolver, and each way to the object that it is of, notes all that it depends on
//! ([`noted`](super::noted)).

use async_graphql::parser::types::{OperationDefinition, OperationType, SelectionSet};

use super::request::{
    selections::{self, Fragments},
    shape::{Shape, innermost},
};

/// Types, and those of their fields that are public. Of the types about the schema itself, all are.
const PUBLIC: [(&str, &[&str]); 9] = [
    ("Query", &["concerts", "concert", "series", "seriesById", "seats", "__schema", "__type"]),
    ("ConcertConnection", &["edges", "nodes", "pageInfo"]),
    ("ConcertEdge", &["cursor", "node"]),
    ("PageInfo", &["hasPreviousPage", "hasNextPage", "startCursor", "endCursor"]),
    ("Concert", &["id", "title", "organizerId", "createdAt", "series"]),
    (
        "Series",
        &[
            "id",
            "concert",
            "startAt",
            "endAt",
            "reserveStartAt",
            "reserveEndAt",
            "status",
            "seatCount",
            "availableCount",
            "createdAt",
            "seats",
            "layout",
            "seatStates",
            "seatsVersion",
            "queuePolicy",
            "drawCommitment",
            "drawSecret",
            "lobbyHash",
        ],
    ),
    (
        "QueuePolicy",
        &[
            "maxActive",
            "admitPerInterval",
            "intervalSeconds",
            "heartbeatTimeoutSeconds",
            "sessionSeconds",
            "maxSeatsPerUser",
        ],
    ),
    ("Section", &["name", "rows", "cols", "price", "firstNumber", "availableCount"]),
    ("Seat", &["id", "label", "series", "number", "row", "col", "section", "price", "status", "reserved"]),
];

/// Whether an operation, in its normal form, asks only for what is public.
#[must_use]
pub fn is_public(shape: &Shape, operation: &OperationDefinition) -> bool {
    let root = shape.root(OperationType::Query);
    operation.ty == OperationType::Query
        && root.is_some_and(|root| are_public(shape, root, &operation.selection_set.node))
}

fn are_public(shape: &Shape, parent: &str, set: &SelectionSet) -> bool {
    let fragments = Fragments::default();
    selections::fields(&fragments, parent, set).all(|(on, field)| {
        let name = field.node.name.node.as_str();
        is_listed(on, name) && {
            let below = &field.node.selection_set.node;
            let of = shape.field(on, name).map(innermost);
            below.items.is_empty() || of.is_some_and(|of| are_public(shape, of, below))
        }
    })
}

fn is_listed(parent: &str, field: &str) -> bool {
    let listed = |(ty, fields): &(&str, &[&str])| *ty == parent && fields.contains(&field);
    field == "__typename" || parent.starts_with("__") || PUBLIC.iter().any(listed)
}

#[cfg(test)]
mod tests {
    use async_graphql::Request;

    use super::*;
    use crate::graphql::intake;

    fn is(query: &str) -> bool {
        let intake = intake();
        let mut prepared = intake.prepare(Request::new(query)).unwrap();
        let document = prepared.request.parsed_query().unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        is_public(intake.shape(), &operation.node)
    }

    #[test]
    fn what_depends_on_nobody_is_public() {
        for query in [
            "{ __typename }",
            "{ __schema { types { fields { name } } } a: __type(name: \"Seat\") { name } }",
            "{ concerts(first: 3) { edges { cursor node { id ...C } } pageInfo { hasNextPage } } } fragment C on Concert { \
             title series(bookableOnly: true) { status concert { title } queuePolicy { maxActive } seats { status } } }",
            "query ($on: Boolean! = false) { points @include(if: $on) { balance } seats(seriesId: \"1\") { number } }",
        ] {
            assert!(is(query), "{query}");
        }
    }

    #[test]
    fn what_is_somebodys_own_or_an_act_is_not() {
        for query in [
            "{ points { balance } }",
            "{ concerts { nodes { id } } holds { seat { number } } }",
            "{ ...Q } fragment Q on Query { token { series { status } } }",
            "query ($on: Boolean! = true) { points @include(if: $on) { balance } seats(seriesId: \"1\") { number } }",
            "mutation { pauseSale(seriesId: \"1\") { id } }",
            "subscription { seatAvailability(seriesId: \"1\") { version } }",
        ] {
            assert!(!is(query), "{query}");
        }
    }

    /// A name that is misspelt, or has gone, would stand for nothing.
    #[test]
    fn what_is_listed_is_in_the_schema() {
        let intake = intake();
        for (ty, fields) in PUBLIC {
            for field in fields {
                let is_there = field.starts_with("__") || intake.shape().field(ty, field).is_some();
                assert!(is_there, "{ty}.{field}");
            }
        }
    }
}
