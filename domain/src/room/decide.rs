//! What is to be done now: deadlines first, then the draw, then the commands, then admissions.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Command, Decision, Event, Outcome, Room, millis, places::State, time};
use crate::{
    id::{TokenId, UserId},
    identity::JoinOrder,
};

/// A decision in the making: what its later commands must see of the earlier ones.
struct Draft {
    now: i64,
    at: DateTime<Utc>,
    next_seq: u64,
    events: Vec<Event>,
    /// Slots that this decision ends.
    ended: HashSet<u32>,
    /// Places that this decision makes.
    joined: HashMap<UserId, TokenId>,
    owners: HashMap<TokenId, UserId>,
}

impl Room {
    /// What is to be done at `now` (rules 4 to 7), given these commands in their order. Nothing that anyone can see
    /// changes; only the filing of deadlines is put in order.
    ///
    /// One decision admits only who waits before it; its own joins and its own draw count from the next one on.
    pub fn decide(&mut self, commands: &[Command], now: DateTime<Utc>) -> Decision {
        let now = millis(now);
        self.decided = now;
        self.forecast.get_mut().pass(now, self.silences.len(), self.policy.max_active);
        let mut draft = Draft {
            now,
            at: time(now),
            next_seq: self.next_seq,
            events: Vec::new(),
            ended: HashSet::new(),
            joined: HashMap::new(),
            owners: HashMap::new(),
        };
        self.expire(&mut draft);
        let sessions_over = self.sessions_over(now);
        if !self.drawn && now >= millis(self.sale.opens_at) {
            draft.events.push(Event::Drawn { at: draft.at });
        }
        let outcomes = commands.iter().map(|command| self.decide_one(command, &mut draft)).collect();
        self.admit(&mut draft);
        Decision { outcomes, events: draft.events, sessions_over }
    }

    fn expire(&mut self, draft: &mut Draft) {
        let due = if self.is_closed(draft.now) {
            self.silences.iter().map(|(_, slot)| *slot).collect()
        } else {
            self.silent(draft.now)
        };
        for slot in due {
            draft.ended.insert(slot);
            draft.events.push(Event::Expired { token: self.places.get(slot).token, at: draft.at });
        }
    }

    /// Who WAITS and has been silent for the whole timeout; whoever was heard meanwhile is filed anew.
    fn silent(&mut self, now: i64) -> Vec<u32> {
        let absence = self.absence;
        let limit = absence.attended(now) - self.timeout();
        if absence.heard(limit) > limit {
            // Since the last stall nobody can have been silent for so long.
            return Vec::new();
        }
        let filed: Vec<_> = self.silences.range(..=(limit, u32::MAX)).copied().collect();
        let mut silent = Vec::new();
        for (key, slot) in filed {
            let place = self.places.get_mut(slot);
            let heard = place.heard_at(now, &absence);
            if heard <= limit {
                silent.push(slot);
            } else {
                place.filed = heard;
                self.silences.remove(&(key, slot));
                self.silences.insert((heard, slot));
            }
        }
        silent
    }

    /// Who is ADMITTED and out of time; whoever has got more time meanwhile is filed anew.
    fn sessions_over(&mut self, now: i64) -> Vec<TokenId> {
        let (absence, timeout) = (self.absence, self.timeout());
        let filed: Vec<_> = self.sessions.range(..=(now, u32::MAX)).copied().collect();
        let mut over = Vec::new();
        for (key, slot) in filed {
            let place = self.places.get_mut(slot);
            let deadline = place.deadline(now, &absence, timeout);
            if deadline <= now {
                over.push(place.token);
            } else {
                place.filed = deadline;
                self.sessions.remove(&(key, slot));
                self.sessions.insert((deadline, slot));
            }
        }
        over
    }

    fn decide_one(&self, command: &Command, draft: &mut Draft) -> Outcome {
        match command {
            Command::Join { token, user } => self.decide_join(*token, user, None, draft),
            Command::ComeBack { token, user, order } => self.decide_join(*token, user, Some(*order), draft),
            Command::Leave { token } => self.decide_leave(*token, draft),
        }
    }

    /// `order`: of who comes back; others stand at the end.
    fn decide_join(
        &self,
        token: TokenId,
        user: &UserId,
        order: Option<JoinOrder>,
        draft: &mut Draft,
    ) -> Outcome {
        let standing = self.places.by_user(user).filter(|slot| !draft.ended.contains(slot));
        let standing = standing.map(|slot| self.places.get(slot).token);
        if let Some(token) = standing.or_else(|| draft.joined.get(user).copied()) {
            return Outcome::Already { token };
        }
        if self.is_closed(draft.now) {
            return Outcome::Closed;
        }
        if self.sale.sold_out {
            return Outcome::SoldOut;
        }
        if self.places.by_token(token).is_some() || draft.owners.contains_key(&token) {
            return Outcome::Unknown;
        }
        let last =
            JoinOrder { seq: draft.next_seq, lobby: !self.drawn && draft.now < millis(self.sale.opens_at) };
        let (JoinOrder { seq, lobby }, at) = (order.unwrap_or(last), draft.at);
        draft.next_seq = draft.next_seq.max(seq + 1);
        draft.joined.insert(user.clone(), token);
        draft.owners.insert(token, user.clone());
        draft.events.push(Event::Joined { token, user: user.clone(), seq, lobby, at });
        Outcome::Joined { token }
    }

    fn decide_leave(&self, token: TokenId, draft: &mut Draft) -> Outcome {
        if let Some(user) = draft.owners.get(&token) {
            if draft.joined.get(user) != Some(&token) {
                return Outcome::Unknown;
            }
            draft.joined.remove(user);
        } else {
            let Some(slot) = self.places.by_token(token).filter(|slot| !draft.ended.contains(slot)) else {
                return Outcome::Unknown;
            };
            if matches!(self.places.get(slot).state, State::Admitted { .. }) {
                return Outcome::Admitted;
            }
            draft.ended.insert(slot);
        }
        draft.events.push(Event::Left { token, at: draft.at });
        Outcome::Left
    }

    fn admit(&self, draft: &mut Draft) {
        if !self.is_admitting(draft.now) {
            return;
        }
        let budget = self.admissions.budget(&self.policy, self.sessions.len(), draft.now);
        let (at, session_ends_at) = (draft.at, draft.at + self.policy.session());
        let ended = &draft.ended;
        let next = self.line.iter().filter(|slot| !ended.contains(slot)).take(budget);
        draft.events.extend(next.map(|slot| Event::Admitted {
            token: self.places.get(slot).token,
            at,
            session_ends_at,
        }));
    }
}
