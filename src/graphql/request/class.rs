//! What kind of thing an operation wants: it decides what is refused first when the server is at its limits.

use async_graphql::parser::types::{OperationDefinition, OperationType};

use super::selections::{self, Fragments};
use crate::service::load::Class;

/// The class of an operation: of its fields that which is refused first, so that a payment is sent on its own and nothing
/// comes in with it.
#[must_use]
pub fn class(fragments: &Fragments, operation: &OperationDefinition) -> Class {
    let roots = selections::fields(fragments, "", &operation.selection_set.node);
    roots.map(|(_, field)| of_root(operation.ty, &field.node.name.node)).min().unwrap_or(Class::Browse)
}

fn of_root(ty: OperationType, field: &str) -> Class {
    match (ty, field) {
        (OperationType::Mutation, "pay" | "charge" | "usePoints" | "cancelReservation") => Class::Pay,
        (
            OperationType::Mutation,
            "holdSeat" | "holdSeats" | "holdBestSeats" | "releaseHold" | "heartbeat" | "leaveQueue",
        ) => Class::Hold,
        // Joining, and an organiser's work.
        (OperationType::Mutation, _) => Class::Join,
        (
            OperationType::Query | OperationType::Subscription,
            "points" | "reservations" | "reservation" | "payments" | "payment" | "holds" | "hold" | "token"
            | "queuePosition",
        ) => Class::Hold,
        (OperationType::Query | OperationType::Subscription, "saleStats") => Class::Join,
        (OperationType::Query | OperationType::Subscription, _) => Class::Browse,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn of(query: &str) -> Class {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        class(&document.fragments, &operation.node)
    }

    #[test]
    fn each_operation_has_its_class() {
        assert_eq!(of("{ concerts { nodes { id } } }"), Class::Browse);
        assert_eq!(of("{ __schema { types { name } } }"), Class::Browse);
        assert_eq!(of("subscription { seatAvailability(seriesId: 1) { version } }"), Class::Browse);
        assert_eq!(of("mutation { issueToken(input: {}) { token } }"), Class::Join);
        assert_eq!(of("mutation { createSeries(input: {}) { id } }"), Class::Join);
        assert_eq!(of("mutation { holdSeat(input: {}) { hold { id seat { number } } } }"), Class::Hold);
        assert_eq!(of("subscription { queuePosition { position } }"), Class::Hold);
        assert_eq!(of("mutation { heartbeat { position } }"), Class::Hold);
        assert_eq!(
            of("mutation { pay(input: {}) { payment { id reservations { seat { number price } } } } }"),
            Class::Pay
        );
        assert_eq!(of("mutation { charge(input: {}) { points { balance } } }"), Class::Pay);
    }

    #[test]
    fn nothing_comes_in_with_a_payment() {
        assert_eq!(
            of("mutation { pay(input: {}) { problem { code } } issueToken(input: {}) { token } }"),
            Class::Join
        );
        assert_eq!(
            of(
                "mutation { ...A } fragment A on Mutation { pay(input: {}) { problem { code } } ... { holdSeat { hold { id } } } }"
            ),
            Class::Hold
        );
    }
}
