//! Why a use case did not end in its result.

use std::{error::Error, time::Duration};

use sea_orm::DbErr;

use crate::{
    domain::{
        mistake::{Mistake, Step},
        sale::{Problem, ProblemCode},
    },
    sales::Refused,
    store::{self, journal::Fault},
};

/// Why a use case did not end in its result. The first is an answer for the fan, the others are errors of the
/// request or of ours.
#[derive(Debug)]
pub enum Failure {
    /// What a fan can run into in normal use.
    Problem(Problem),
    /// No token where one is needed, or one that is no good.
    Unauthenticated(String),
    /// The caller may not do this.
    Forbidden(String),
    /// The input is wrong: how, where, and what would be right.
    BadInput(Vec<Mistake>),
    /// There is no such thing, or it is another's.
    NotFound(String),
    /// The concert has no date yet.
    SeriesNotCreated,
    /// A store is down or overloaded; safe to try again.
    Unavailable,
    /// The server is at its limits; safe to try again, after so many milliseconds.
    Overloaded {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// Too much was asked for in a while.
    RateLimited {
        /// Of what, and how much is allowed.
        message: String,
        /// How long until it may be asked for again.
        retry_after: Duration,
    },
    /// Something broke here. Goes to the log, never to a caller.
    Internal(Box<dyn Error + Send + Sync>),
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        if store::is_unavailable(&error) {
            tracing::warn!(%error, "the database is not available");
            Self::Unavailable
        } else {
            Self::Internal(error.into())
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unknown => Self::not_found("date"),
            // That somebody else was in the way six times is for the caller to try again, too.
            Fault::Unavailable | Fault::Conflict => Self::Unavailable,
            Fault::Broken(why) => Self::Internal(why.into()),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Problem(problem) => Self::Problem(problem),
            Refused::Fault(fault) => fault.into(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<ProblemCode> for Failure {
    fn from(code: ProblemCode) -> Self {
        Self::Problem(code.into())
    }
}

impl From<Vec<Mistake>> for Failure {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self::BadInput(mistakes)
    }
}

impl Failure {
    /// BAD_USER_INPUT for one argument, or one field of an input.
    pub fn bad(name: impl Into<Step>, message: impl Into<String>) -> Self {
        Self::BadInput(vec![Mistake::at([name.into()], message)])
    }

    /// The same; what is wrong with an input is further in.
    #[must_use]
    pub fn below(self, step: &'static str) -> Self {
        match self {
            Self::BadInput(mistakes) => {
                Self::BadInput(mistakes.into_iter().map(|mistake| mistake.below(step)).collect())
            }
            other => other,
        }
    }

    /// NOT_FOUND, in words.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::NotFound(format!("There is no such {what}."))
    }
}
