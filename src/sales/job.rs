//! A command that waits for its answer.

use tokio::sync::oneshot;

use crate::{
    domain::{
        date::{Command, Outcome},
        sale::Problem,
    },
    sales::lane::Priority,
    store::journal::Fault,
};

/// Why a command was not decided, or what it ran into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was decided, and nothing was done.
    Problem(Problem),
    /// It was not decided. With a commit whose outcome nobody could find out, it may have been: to try again with the same
    /// key is safe.
    Fault(Fault),
}

/// What came of a command, once that is durable.
pub type Answer = Result<Outcome, Refused>;

#[derive(Debug)]
pub(super) struct Job {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Job {
    pub(super) fn new(command: Command) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        (Self { command, answer }, answered)
    }
}

pub(super) fn priority(command: &Command) -> Priority {
    match command {
        Command::Pay { .. } | Command::Cancel { .. } => Priority::Money,
        Command::Hold { .. } | Command::Release { .. } => Priority::Holds,
        Command::Join { .. }
        | Command::ComeBack { .. }
        | Command::Leave { .. }
        | Command::Silent { .. }
        | Command::PatchPolicy(_)
        | Command::SetPaused(_) => Priority::Line,
    }
}
