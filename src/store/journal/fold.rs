//! What a batch of events comes to, place by place: the rows that are to be added, as they are in the end, and
//! what becomes of the rows that are there already.
//!
//! A fan's old place may end and a new one begin in one batch, and the table has room for one live place of a
//! user (rule 4). So the old rows are written first, and a place that both begins and ends in the batch is
//! never seen alive.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::domain::{
    id::{TokenId, UserId},
    room::Event,
};

/// A batch of events, folded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// When the lobby was drawn, if it was.
    pub(super) drawn: Option<DateTime<Utc>>,
    /// What becomes of places that joined before this batch, by what it is: in a batch it is mostly the same for
    /// many. The tokens are in the order of their ids, so that two writers never wait for each other in a circle.
    pub(super) changes: BTreeMap<State, Vec<TokenId>>,
    /// Places that joined in this batch, in the order of their joins.
    pub(super) joins: Vec<Join>,
}

/// A place that joined, as the batch leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Join {
    pub(super) token: TokenId,
    pub(super) user: UserId,
    pub(super) seq: u64,
    pub(super) lobby: bool,
    pub(super) at: DateTime<Utc>,
    /// `None` while it waits.
    pub(super) state: Option<State>,
}

/// What a WAITING place turns into. The journal knows no further step: an admitted place is ended by the sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Expired { at: DateTime<Utc> },
    Left { at: DateTime<Utc> },
    Admitted { at: DateTime<Utc>, session_ends_at: DateTime<Utc> },
}

/// Folds the events of one room. Of what happens to a place the first thing counts, as in the table, where only
/// a WAITING row is changed.
pub(super) fn fold(events: &[Event]) -> Folded {
    let mut folded = Folded::default();
    let mut joined = HashMap::new();
    let mut changed = BTreeMap::new();
    for event in events {
        match event {
            Event::Joined { token, user, seq, lobby, at } => {
                joined.entry(*token).or_insert_with(|| {
                    let (token, user, seq, lobby, at) = (*token, user.clone(), *seq, *lobby, *at);
                    folded.joins.push(Join { token, user, seq, lobby, at, state: None });
                    folded.joins.len() - 1
                });
            }
            Event::Drawn { at } => {
                folded.drawn.get_or_insert(*at);
            }
            Event::Admitted { token, at, session_ends_at } => {
                changed
                    .entry(*token)
                    .or_insert(State::Admitted { at: *at, session_ends_at: *session_ends_at });
            }
            Event::Expired { token, at } => {
                changed.entry(*token).or_insert(State::Expired { at: *at });
            }
            Event::Left { token, at } => {
                changed.entry(*token).or_insert(State::Left { at: *at });
            }
        }
    }
    for (token, state) in changed {
        match joined.get(&token) {
            Some(join) => folded.joins[*join].state = Some(state),
            None => folded.changes.entry(state).or_default().push(token),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    fn token(n: u128) -> TokenId {
        TokenId(uuid::Uuid::from_u128(n))
    }

    fn join(n: u128, user: &str) -> Event {
        let (seq, user) = (u64::try_from(n).unwrap(), UserId::from_stored(user));
        Event::Joined { token: token(n), user, seq, lobby: false, at: at(1) }
    }

    fn admit(n: u128, ms: i64) -> Event {
        Event::Admitted { token: token(n), at: at(ms), session_ends_at: at(ms + 100) }
    }

    fn states(folded: &Folded) -> Vec<(TokenId, Option<State>)> {
        folded.joins.iter().map(|join| (join.token, join.state)).collect()
    }

    #[test]
    fn what_happens_to_a_place_that_joined_in_the_batch_is_in_its_row() {
        let folded = fold(&[
            join(1, "a"),
            join(2, "b"),
            Event::Left { token: token(1), at: at(2) },
            join(3, "a"),
            admit(2, 3),
            admit(3, 3),
            join(4, "c"),
        ]);
        let admitted = Some(State::Admitted { at: at(3), session_ends_at: at(103) });
        let left = Some(State::Left { at: at(2) });
        let expected = vec![(token(1), left), (token(2), admitted), (token(3), admitted), (token(4), None)];
        assert_eq!(states(&folded), expected);
        assert!(folded.changes.is_empty() && folded.drawn.is_none(), "{folded:?}");
    }

    #[test]
    fn places_that_were_there_before_are_grouped_by_what_becomes_of_them() {
        let folded = fold(&[
            Event::Expired { token: token(9), at: at(5) },
            admit(3, 6),
            Event::Expired { token: token(7), at: at(5) },
            Event::Drawn { at: at(5) },
            Event::Left { token: token(8), at: at(5) },
            admit(2, 6),
            admit(1, 7),
            Event::Drawn { at: at(6) },
        ]);
        let admitted = |ms| State::Admitted { at: at(ms), session_ends_at: at(ms + 100) };
        let changes = BTreeMap::from([
            (State::Expired { at: at(5) }, vec![token(7), token(9)]),
            (State::Left { at: at(5) }, vec![token(8)]),
            (admitted(6), vec![token(2), token(3)]),
            (admitted(7), vec![token(1)]),
        ]);
        assert_eq!(folded, Folded { drawn: Some(at(5)), changes, joins: Vec::new() });
    }

    #[test]
    fn a_place_joins_once_and_the_first_thing_that_happens_to_it_counts() {
        let folded = fold(&[
            join(1, "a"),
            join(1, "a"),
            admit(1, 2),
            Event::Expired { token: token(1), at: at(3) },
            admit(2, 2),
            Event::Left { token: token(2), at: at(3) },
        ]);
        let admitted = State::Admitted { at: at(2), session_ends_at: at(102) };
        assert_eq!(states(&folded), [(token(1), Some(admitted))]);
        assert_eq!(folded.changes, BTreeMap::from([(admitted, vec![token(2)])]));
    }
}
