//! What is to be done now: what is due, then the commands in their order, then admissions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    date::{
        DUE_AT_ONCE,
        command::{Command, Known, Outcome, Result},
        draft::Draft,
        event::Event,
        holding, money, queueing,
        sale::{Batch, Sale},
    },
    lobby::LobbyHash,
};

/// What [`decide`] found to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When: now, or the time of the last batch if that is later.
    pub at: DateTime<Utc>,
    /// One for each command, in the same order; true once the events are durable.
    pub outcomes: Vec<Result<Outcome>>,
    /// To be made durable together.
    pub events: Vec<Event>,
    /// Whether something is due at once that had to be left for the next decision.
    pub more: bool,
    /// What the date's row says once the events are durable.
    pub summary: Summary,
}

/// What the row of a date says of it, so that nobody has to open it to know whether something is due, or how many seats are
/// left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// See [`Sale::next_due`].
    pub next_due: Option<DateTime<Utc>>,
    /// How often seats have changed.
    pub seats_version: i32,
    /// Seats with a standing reservation.
    pub reserved: u32,
    /// The number of the next join.
    pub next_seq: u64,
    /// The hash of the lobby's joins, once it is drawn with it (rule 5).
    pub lobby_hash: Option<LobbyHash>,
}

impl Decision {
    /// What to apply once it is durable.
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch { at: self.at, events: self.events.clone() }
    }
}

/// What comes of these commands at `now`, and of the time that has passed. `sale` is not changed. `new_id` makes ids for
/// what is created.
#[must_use]
pub fn decide(
    sale: &Sale,
    commands: &[Command],
    known: Known,
    now: DateTime<Utc>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Decision {
    let mut draft = Draft::new(sale, known, now.max(sale.last()));
    let mut left = DUE_AT_ONCE;
    draft.advance(&mut left);
    let outcomes = commands.iter().map(|command| take(&mut draft, command, new_id)).collect();
    draft.admit(&mut left);
    let (more, summary) = (left == 0 || draft.is_order_open(), draft.summary());
    Decision { at: draft.now, outcomes, more, summary, events: draft.events }
}

fn take(draft: &mut Draft<'_>, command: &Command, new_id: &mut dyn FnMut() -> Uuid) -> Result<Outcome> {
    match command {
        Command::Join { user, name } => queueing::join(draft, user, name, new_id),
        Command::ComeBack { token, user, name, order } => {
            queueing::come_back(draft, *token, user, name, *order)
        }
        Command::Leave { user, token } => queueing::leave(draft, user, *token),
        Command::Silent { tokens } => Ok(queueing::silent(draft, tokens)),
        Command::Hold { user, token, seats } => holding::hold(draft, user, *token, seats, new_id),
        Command::Release { user, hold } => holding::release(draft, user, *hold),
        Command::Pay { user, token, holds, key: _ } => {
            money::once(draft, command, |draft| money::pay(draft, user, *token, holds.as_deref(), new_id))
        }
        Command::Cancel { user, reservation, key: _ } => {
            money::once(draft, command, |draft| money::cancel(draft, user, *reservation, new_id))
        }
        Command::PatchPolicy(patch) => match draft.settings().policy.try_patched(*patch) {
            Ok(policy) => {
                draft.emit(Event::PolicySet(policy));
                Ok(Outcome::Done)
            }
            Err(mistakes) => Ok(Outcome::Mistaken(mistakes)),
        },
        Command::SetPaused(paused) => {
            draft.emit(Event::PauseSet(*paused));
            Ok(Outcome::Done)
        }
    }
}
