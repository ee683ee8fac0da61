//! An operation as far as its text says what it does: made once for a document, and completed with the values of each
//! request.
//!
//! There is none of an operation whose selections depend on a variable (`@include(if: $more)`): it is put into its normal
//! form anew each time.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, OperationDefinition, Selection, SelectionSet};

use super::class::class;
use super::coerce::{Coerced, Mistakes, Variables};
use super::normal::{self, Draft, Open};
use super::outline::Outline;
use super::price::{self, Price};
use super::rules;
use super::selections::Fragments;
use super::shape::Shape;
use crate::service::load::Class;

/// What a request for an operation is made of.
#[derive(Debug)]
pub(super) struct Plan {
    draft: Draft,
    pub(super) outline: Outline,
    pub(super) appraisal: Appraisal,
}

/// What is known of an operation before it is let in, whatever the values of its variables. Put into its request, so that
/// [`super::priced`] need not find it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appraisal {
    pub(super) class: Class,
    /// What it comes to, where that is always the same.
    pub(super) price: Option<Price>,
}

impl Appraisal {
    /// Of an operation in its normal form.
    pub(super) fn of(operation: &OperationDefinition, shape: &Shape) -> Self {
        let none = Fragments::default();
        Self { class: class(&none, operation), price: price::fixed(&none, operation, shape) }
    }
}

impl Plan {
    /// That of an operation of a valid document, if there can be one.
    pub(super) fn of(operation: &OperationDefinition, fragments: &Fragments, shape: &Shape) -> Option<Self> {
        let draft = normal::draft(operation, fragments, shape)?;
        rules::check_normal(&draft.operation).ok()?;
        let outline = Outline::of_operation(shape, &draft.operation);
        let appraisal = Appraisal::of(&draft.operation, shape);
        Some(Self { draft, outline, appraisal })
    }

    /// The operation with these values in it. Mistakes that they make in their places are collected; `None` if they make
    /// the arguments too long.
    pub(super) fn filled(
        &self,
        shape: &Shape,
        variables: &Variables,
        mistakes: &mut Mistakes,
    ) -> Option<OperationDefinition> {
        let (mut operation, mut bytes) = (self.draft.operation.clone(), self.draft.argument_bytes);
        let mut absent: Vec<&Open> = Vec::new();
        for open in &self.draft.open {
            let value = Positioned::new(&open.value.node, open.value.pos);
            match normal::placed(shape, variables, mistakes, value, &open.input) {
                Coerced::Value(value) => {
                    normal::add_bytes(&mut bytes, &value).ok()?;
                    let field = field_at(&mut operation.selection_set.node, &open.field)?;
                    field.arguments.get_mut(open.argument)?.1.node = value;
                }
                Coerced::Absent | Coerced::Wrong => absent.push(open),
            }
        }
        // From behind, so that the places of the others stay what they are.
        for open in absent.into_iter().rev() {
            field_at(&mut operation.selection_set.node, &open.field)?.arguments.remove(open.argument);
        }
        Some(operation)
    }

    /// Bytes that its arguments take; how many selections it has at most is known of its document.
    pub(super) fn argument_bytes(&self) -> usize {
        self.draft.argument_bytes
    }
}

fn field_at<'s>(set: &'s mut SelectionSet, path: &[usize]) -> Option<&'s mut Field> {
    let (first, rest) = path.split_first()?;
    match &mut set.items.get_mut(*first)?.node {
        Selection::Field(field) => match rest {
            [] => Some(&mut field.node),
            rest => field_at(&mut field.node.selection_set.node, rest),
        },
        Selection::InlineFragment(inline) => field_at(&mut inline.node.selection_set.node, rest),
        Selection::FragmentSpread(_) => None,
    }
}
