//! What a subscription watches: in its normal form it has one root field.

use async_graphql::{
    Error, InputType, Pos,
    parser::types::{DocumentOperations, ExecutableDocument, Field, OperationType, Selection},
};

/// The root field of a subscription, and where its operation has it.
pub(super) struct Root<'d> {
    pub(super) field: &'d Field,
    pub(super) pos: Pos,
}

impl<'d> Root<'d> {
    /// `None` of what is no subscription.
    pub(super) fn of(document: &'d ExecutableDocument) -> Option<Self> {
        let DocumentOperations::Single(operation) = &document.operations else { return None };
        let [item] = operation.node.selection_set.node.items.as_slice() else { return None };
        let Selection::Field(field) = &item.node else { return None };
        let is_subscription = operation.node.ty == OperationType::Subscription;
        is_subscription.then_some(Self { field: &field.node, pos: item.pos })
    }

    /// What was given for an argument.
    pub(super) fn argument<T: InputType>(&self, name: &str) -> Result<T, Error> {
        let given = self.field.get_argument(name).and_then(|value| value.node.clone().into_const());
        T::parse(given).map_err(|error| Error::new(error.into_server_error(Pos::default()).message))
    }
}
