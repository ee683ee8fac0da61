//! What both keepers do with a decision.

use futures_util::future::join_all;

use crate::{
    domain::{
        id::TokenId,
        room::{Command, Outcome},
        sale,
    },
    service::{
        Failure,
        committer::Committer,
        rooms::{LiveRoom, live_room::Ask},
    },
};

/// Asks the sale to end what is out of time; a live hold may forbid it. Returns whether there was any.
pub(super) async fn end_sessions(
    live: &LiveRoom,
    committer: &Committer,
    tokens: &[TokenId],
) -> Result<bool, Failure> {
    let series = live.series();
    let ends = tokens.iter().map(|token| async move {
        (*token, committer.run(sale::Command::EndSession { series, token: *token }).await)
    });
    for (token, outcome) in join_all(ends).await {
        match outcome? {
            sale::Outcome::Pinned(until) => live.pin_only(token, until),
            // Its end has been announced by a committer, or was before this process knew of the place.
            _ => live.ended(token),
        }
    }
    Ok(!tokens.is_empty())
}

/// Answers everybody who asked.
pub(super) fn answer(asks: Vec<Ask>, mut outcome: impl FnMut(&Command) -> Result<Outcome, Failure>) {
    for ask in asks {
        // Nobody listens any more if the caller has gone away.
        let _ = ask.answer.send(outcome(&ask.command));
    }
}
