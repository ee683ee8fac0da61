//! Subscriptions that are not executed anew for each event of each subscriber.
//!
//! `place`: what each is told is different, and is written as bytes where it is known, by a plan of the selection that is made
//! once (`writer`). `shared`: many are told the same, and it is executed once for all who ask for it in the same words
//! (`feed`). async-graphql by itself would resolve each event for each of them, field by field, in a task of its own.

pub mod feed;
mod place;
mod root;
mod shared;
#[cfg(test)]
mod tests;
mod writer;

use async_graphql::{Executor, ObjectType, Schema, SubscriptionType};

pub(super) use self::shared::FirstVersion;
pub use self::{
    place::{Opening, PlacePlan},
    shared::{Joined, Joining},
};
use crate::graphql::request::Prepared;

/// How an operation is carried out.
pub enum Way {
    /// A place is watched.
    Place(Box<Opening>),
    /// It is one of many subscriptions that have the same to say.
    Shared(Box<Joining>),
    /// By the executor.
    Executed(Box<Prepared>),
}

/// An executor that can also open such streams.
pub trait Live: Executor {
    /// How this operation is carried out.
    fn way(&self, prepared: Prepared) -> Way;
}

/// A schema by itself executes everything.
impl<Q, M, S> Live for Schema<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn way(&self, prepared: Prepared) -> Way {
        Way::Executed(Box::new(prepared))
    }
}
