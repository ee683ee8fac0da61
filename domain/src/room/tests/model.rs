//! A waiting room as a plain list, decided by straightforward code.

use super::*;

#[derive(Clone)]
pub(super) struct Fan {
    pub(super) token: TokenId,
    pub(super) user: UserId,
    pub(super) seq: u64,
    pub(super) lobby: bool,
    pub(super) heard: i64,
    pub(super) streams: u32,
    /// When the session ends and until when it is pinned, once admitted.
    pub(super) session: Option<(i64, Option<i64>)>,
}

impl Fan {
    pub(super) fn heard(&self, now: i64) -> i64 {
        if self.streams > 0 { now } else { self.heard }
    }

    pub(super) fn deadline(&self, now: i64, policy: &QueuePolicy) -> i64 {
        let silent = self.heard(now) + i64::from(policy.heartbeat_timeout_seconds) * 1_000;
        match self.session {
            None => silent,
            Some((ends, pin)) => silent.min(ends).max(pin.unwrap_or(i64::MIN)),
        }
    }
}

#[derive(Clone)]
pub(super) struct Model {
    pub(super) sale: SaleState,
    pub(super) policy: QueuePolicy,
    pub(super) drawn: bool,
    pub(super) next_seq: u64,
    pub(super) fans: Vec<Fan>,
    pub(super) line: Vec<TokenId>,
    pub(super) admissions: Vec<i64>,
}

impl Model {
    pub(super) fn fan(&mut self, token: TokenId) -> Option<&mut Fan> {
        self.fans.iter_mut().find(|fan| fan.token == token)
    }

    pub(super) fn end(&mut self, token: TokenId) {
        self.fans.retain(|fan| fan.token != token);
        self.line.retain(|t| *t != token);
    }

    /// So much of the time until now was not attended; after a stall everybody has a full timeout.
    pub(super) fn missed(&mut self, lost: i64, is_stall: bool, now: i64) {
        for fan in &mut self.fans {
            fan.heard = if is_stall { now } else { fan.heard + lost };
        }
    }

    pub(super) fn admitted(&self) -> usize {
        self.fans.iter().filter(|fan| fan.session.is_some()).count()
    }

    pub(super) fn admitted_since(&self, after: i64) -> usize {
        self.admissions.iter().filter(|t| **t > after).count()
    }

    /// Decides and applies at once.
    pub(super) fn cycle(&mut self, commands: &[Command], now: i64) -> Decision {
        let mut found = Decision::default();
        let (at, closed, policy) = (time(now), now >= millis(self.sale.closes_at), self.policy);
        let before = self.clone();
        for fan in &before.fans {
            let due = fan.deadline(now, &policy) <= now;
            if fan.session.is_some() && due {
                found.sessions_over.push(fan.token);
            } else if fan.session.is_none() && (due || closed) {
                found.events.push(Event::Expired { token: fan.token, at });
                self.end(fan.token);
            }
        }
        if !self.drawn && now >= millis(self.sale.opens_at) {
            found.events.push(Event::Drawn { at });
            self.drawn = true;
            let lobby = self.fans.iter().filter(|fan| fan.session.is_none()).map(|fan| fan.token);
            self.line = lobby::order(&secret(), lobby);
        }
        for command in commands {
            let outcome = self.command(command, now, &mut found.events);
            found.outcomes.push(outcome);
        }
        let open = before.drawn && now >= millis(self.sale.opens_at) && !closed;
        if open && !self.sale.paused && !self.sale.sold_out {
            self.admit(&before, now, &mut found.events);
        }
        found
    }

    pub(super) fn command(&mut self, command: &Command, now: i64, events: &mut Vec<Event>) -> Outcome {
        let at = time(now);
        match command {
            Command::Leave { token } => match self.fan(*token).map(|fan| fan.session.is_some()) {
                None => Outcome::Unknown,
                Some(true) => Outcome::Admitted,
                Some(false) => {
                    self.end(*token);
                    events.push(Event::Left { token: *token, at });
                    Outcome::Left
                }
            },
            // Not in the walk: those behind who comes back stand one further back.
            Command::ComeBack { .. } => Outcome::Unknown,
            Command::Join { token, user } => {
                if let Some(fan) = self.fans.iter().find(|fan| fan.user == *user) {
                    return Outcome::Already { token: fan.token };
                }
                if now >= millis(self.sale.closes_at) {
                    return Outcome::Closed;
                }
                if self.sale.sold_out {
                    return Outcome::SoldOut;
                }
                let (token, user, seq, lobby) =
                    (*token, user.clone(), self.next_seq, now < millis(self.sale.opens_at));
                self.next_seq += 1;
                let fan =
                    Fan { token, user: user.clone(), seq, lobby, heard: now, streams: 0, session: None };
                self.fans.push(fan);
                if self.drawn {
                    self.line.push(token);
                }
                events.push(Event::Joined { token, user, seq, lobby, at });
                Outcome::Joined { token }
            }
        }
    }

    pub(super) fn admit(&mut self, before: &Self, now: i64, events: &mut Vec<Event>) {
        let window = i64::from(self.policy.interval_seconds) * 1_000;
        for token in before.line.iter().filter(|t| self.line.contains(t)).copied().collect::<Vec<_>>() {
            let slots = self.policy.max_active.is_none_or(|most| self.admitted() < most as usize);
            let recent = self.admitted_since(now - window);
            if !slots || self.policy.admit_per_interval.is_some_and(|most| recent >= most as usize) {
                break;
            }
            let session_ends_at = time(now) + self.policy.session();
            self.admissions.push(now);
            self.line.retain(|t| *t != token);
            self.fan(token).unwrap().session = Some((millis(session_ends_at), None));
            events.push(Event::Admitted { token, at: time(now), session_ends_at });
        }
    }
}
