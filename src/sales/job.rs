//! A command that waits for its answer.

use tokio::sync::oneshot;

use crate::{
    domain::{
        date::{self, Command, Outcome},
        sale::Problem,
    },
    sales::lane::{Lane, Priority},
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

/// A command that waits in a lane, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Job<C> {
    command: C,
    answer: oneshot::Sender<Answer>,
}

impl<C> Lane<Job<C>> {
    /// Runs a command when it is its turn; answered once what came of it is durable.
    pub(super) async fn ask(&self, priority: Priority, command: C) -> Answer {
        let (answer, answered) = oneshot::channel();
        let unavailable = || Refused::Fault(Fault::Unavailable);
        self.push(priority, Job { command, answer }).map_err(|_| unavailable())?;
        answered.await.map_err(|_| unavailable())?
    }
}

/// Those who wait for the answers of a batch, in the order of its commands.
#[derive(Debug)]
pub(super) struct Answers(Vec<oneshot::Sender<Answer>>);

/// The commands of a batch, and who waits for what comes of them.
pub(super) fn commands<C>(jobs: Vec<Job<C>>) -> (Vec<C>, Answers) {
    let (commands, answers) = jobs.into_iter().map(|job| (job.command, job.answer)).unzip();
    (commands, Answers(answers))
}

impl Answers {
    /// Tells each what has come of its command. Behind those may be outcomes that nobody waits for.
    pub(super) fn tell(self, committed: Result<Vec<date::Result<Outcome>>, Fault>) {
        let told: Vec<Answer> = match committed {
            Ok(outcomes) => outcomes.into_iter().map(|outcome| outcome.map_err(Refused::Problem)).collect(),
            Err(fault) => vec![Err(Refused::Fault(fault)); self.0.len()],
        };
        for (answer, told) in self.0.into_iter().zip(told) {
            // Nobody listens any more if the caller has gone away.
            let _ = answer.send(told);
        }
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
