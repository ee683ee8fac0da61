//! The room against the naive model through any sequence of joins, heartbeats, leaves, payments, holds, policy changes,
//! pauses, dropped decisions and restarts.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use uuid::Uuid;

use crate::attendance::{Absence, Attendance, GRACE, STALL};

use super::{
    model::Model,
    steps::{Step, steps},
    *,
};

const START: i64 = 1_800_000_000_000;
const OPENS: i64 = START + 20_000;
const CLOSES: i64 = START + 300_000;

/// The room, the model and the owner's journal, side by side.
struct Pair {
    room: Room,
    model: Model,
    now: i64,
    absence: Absence,
    /// The last token of each user.
    tokens: HashMap<usize, TokenId>,
    issued: u128,
    positions: HashMap<TokenId, u32>,
    /// The first ticket that the room gave for each token, as a subscription keeps it.
    tickets: HashMap<TokenId, Ticket>,
    over: HashSet<TokenId>,
    /// What was persisted, as rows.
    rows: Vec<Restored>,
    drawn: u32,
    admissions: Vec<i64>,
}

impl Pair {
    fn new() -> Self {
        let sale =
            SaleState { opens_at: time(OPENS), closes_at: time(CLOSES), paused: false, sold_out: false };
        let policy = QueuePolicy {
            max_active: Some(3),
            admit_per_interval: Some(2),
            interval_seconds: 5,
            heartbeat_timeout_seconds: 10,
            session_seconds: 20,
            ..QueuePolicy::default()
        };
        Self {
            room: Room::new(sale, policy, secret()),
            model: Model {
                sale,
                policy,
                drawn: false,
                next_seq: 0,
                fans: Vec::new(),
                line: Vec::new(),
                admissions: Vec::new(),
            },
            now: START,
            absence: Absence::default(),
            tokens: HashMap::new(),
            issued: 0,
            positions: HashMap::new(),
            tickets: HashMap::new(),
            over: HashSet::new(),
            rows: Vec::new(),
            drawn: 0,
            admissions: Vec::new(),
        }
    }

    fn last_token(&self, who: usize) -> TokenId {
        self.tokens.get(&who).copied().unwrap_or(TokenId(Uuid::nil()))
    }

    fn step(&mut self, step: &Step) {
        let wake = self.room.next_wake(time(self.now)).map(millis);
        match step {
            Step::Batch(after, batch, kept) => {
                self.now += after;
                self.batch(batch, *kept, wake);
            }
            Step::Hear(who) => self.hear(self.last_token(*who)),
            Step::OpenStream(who) => {
                let token = self.last_token(*who);
                if self.room.hear(token, time(self.now)) == Heard::Ok {
                    let now = self.now;
                    self.room.open_stream(token);
                    let fan = self.model.fan(token).unwrap();
                    (fan.heard, fan.streams) = (now, fan.streams + 1);
                }
            }
            Step::CloseStream(who) => {
                let (token, now) = (self.last_token(*who), self.now);
                self.room.close_stream(token, time(now));
                if let Some(fan) = self.model.fan(token).filter(|fan| fan.streams > 0) {
                    (fan.heard, fan.streams) = (now, fan.streams - 1);
                }
            }
            Step::Ended(who) => {
                let token = self.last_token(*who);
                if self.model.fan(token).is_some_and(|fan| fan.session.is_some()) {
                    self.ended(token);
                }
            }
            Step::Pin(who, until) => self.pin(self.last_token(*who), until.map(|ms| self.now + ms)),
            Step::Settle => self.over.clone().into_iter().for_each(|token| self.ended(token)),
            Step::Advance(ms) => {
                self.now += ms;
                self.cycle(&[], true, wake);
            }
            Step::StandStill(ms) => {
                let mut attendance = Attendance::after(self.absence);
                attendance.look(self.now);
                self.now += ms;
                self.absence = attendance.at(self.now);
                self.room.server_missed(&self.absence);
                self.model.missed((ms - GRACE).max(0), *ms >= STALL, self.now);
                self.cycle(&[], true, wake);
            }
            Step::Policy(policy) => {
                self.model.policy = *policy;
                self.room.set_policy(*policy);
                self.over.clear();
            }
            Step::Pause(paused) => self.set_sale(SaleState { paused: *paused, ..self.model.sale }),
            Step::SoldOut => self.set_sale(SaleState { sold_out: true, ..self.model.sale }),
            Step::Restart => self.restart(),
        }
        self.compare();
        // What was not persisted is still to be done when the next thing happens.
        if !matches!(step, Step::Batch(.., false)) {
            self.settle();
        }
    }

    /// Decides until nothing is left to do, as the owner does.
    fn settle(&mut self) {
        for _ in 0..4 {
            let wake = self.room.next_wake(time(self.now)).map(millis);
            if self.cycle(&[], true, wake) == 0 {
                return;
            }
        }
        panic!("a room without news must come to rest");
    }

    fn batch(&mut self, batch: &[(bool, usize)], kept: bool, wake: Option<i64>) {
        let mut tokens = self.tokens.clone();
        let commands: Vec<_> = batch
            .iter()
            .map(|(join, who)| {
                if !join {
                    return Command::Leave {
                        token: tokens.get(who).copied().unwrap_or(TokenId(Uuid::nil())),
                    };
                }
                self.issued += 1;
                let token = TokenId(Uuid::from_u128(self.issued));
                let user = fan(*who);
                if self.room.live_place(&user).is_none() {
                    tokens.insert(*who, token);
                }
                Command::Join { token, user }
            })
            .collect();
        self.cycle(&commands, kept, wake);
        for fan in &self.model.fans {
            let who = fan.user.as_str().parse().unwrap();
            self.tokens.insert(who, fan.token);
        }
    }

    /// One cycle of both; how many events there were. `wake`: when the room said that it would have something to do.
    fn cycle(&mut self, commands: &[Command], kept: bool, wake: Option<i64>) -> usize {
        let mut after = self.model.clone();
        let expected = sorted(after.cycle(commands, self.now));
        let decision = self.room.decide(commands, time(self.now));
        assert_eq!(sorted(decision.clone()), expected);
        let news = decision.sessions_over.iter().any(|token| !self.over.contains(token));
        if commands.is_empty() && (news || !decision.events.is_empty()) {
            assert!(wake.is_some_and(|wake| wake <= self.now), "woken too late: {wake:?} at {}", self.now);
        }
        self.over = decision.sessions_over.iter().copied().collect();
        self.compare();
        if kept {
            self.model = after;
            decision.events.iter().for_each(|event| self.persist(event));
            self.room.apply(&decision.events);
            self.compare();
        }
        decision.events.len()
    }

    fn persist(&mut self, event: &Event) {
        match event {
            Event::Joined { token, user, seq, lobby, .. } => self.rows.push(Restored {
                token: *token,
                user: user.clone(),
                seq: *seq,
                lobby: *lobby,
                state: RestoredState::Waiting,
            }),
            Event::Drawn { at } => {
                self.drawn += 1;
                assert_eq!(self.drawn, 1, "drawn once");
                assert!(self.admissions.is_empty() && millis(*at) >= OPENS);
            }
            Event::Admitted { token, at, session_ends_at } => {
                let (at, session_ends_at) = (*at, *session_ends_at);
                let row = self.rows.iter_mut().find(|row| row.token == *token).unwrap();
                assert_eq!(row.state, RestoredState::Waiting);
                row.state = RestoredState::Admitted { at, session_ends_at, pinned_until: None };
                self.admissions.push(millis(at));
                self.limits_hold(millis(at));
            }
            Event::Expired { token, .. } | Event::Left { token, .. } => {
                self.rows.retain(|row| row.token != *token);
            }
        }
    }

    /// Rule 6, from the journal alone.
    fn limits_hold(&self, at: i64) {
        let admitted = self.rows.iter().filter(|row| row.state != RestoredState::Waiting).count();
        let policy = &self.model.policy;
        assert!(policy.max_active.is_none_or(|most| admitted <= most as usize));
        let window = at - i64::from(policy.interval_seconds) * 1_000;
        let recent = self.admissions.iter().filter(|t| **t > window).count();
        assert!(policy.admit_per_interval.is_none_or(|most| recent <= most as usize));
        assert!((OPENS..CLOSES).contains(&at) && !self.model.sale.paused && !self.model.sale.sold_out);
    }

    fn hear(&mut self, token: TokenId) {
        let (now, policy) = (self.now, self.model.policy);
        let expected = match self.model.fan(token) {
            None => Heard::Unknown,
            Some(fan) if fan.deadline(now, &policy) <= now => Heard::Due,
            Some(fan) => {
                fan.heard = now;
                Heard::Ok
            }
        };
        assert_eq!(self.room.hear(token, time(now)), expected);
    }

    fn ended(&mut self, token: TokenId) {
        self.rows.retain(|row| row.token != token);
        self.model.end(token);
        self.room.ended(token);
    }

    fn pin(&mut self, token: TokenId, until: Option<i64>) {
        self.over.remove(&token);
        self.room.pin(token, until.map(time));
        if let Some((_, pin)) = self.model.fan(token).and_then(|fan| fan.session.as_mut()) {
            *pin = until;
        }
        if let Some(row) = self.rows.iter_mut().find(|row| row.token == token)
            && let RestoredState::Admitted { pinned_until, .. } = &mut row.state
        {
            *pinned_until = until.map(time);
        }
    }

    fn set_sale(&mut self, sale: SaleState) {
        self.model.sale = sale;
        self.room.set_sale(sale);
    }

    /// Nothing but the journal survives; its rows come back in another order.
    fn restart(&mut self) {
        let (sale, policy) = (self.model.sale, self.model.policy);
        let rows = self.rows.iter().rev().cloned();
        let admissions = self.admissions.iter().copied().map(time);
        let now = time(self.now);
        self.room = Room::restore(sale, policy, secret(), self.drawn > 0, rows, admissions, now);
        self.room.count_joins_from(self.model.next_seq);
        self.absence = Absence::default();
        self.over.clear();
        self.tickets.clear();
        for fan in &mut self.model.fans {
            (fan.heard, fan.streams) = (self.now, 0);
        }
    }

    /// Everything that can be seen is the same, and no position has grown (rules 8 and 9).
    fn compare(&mut self) {
        let (now, policy) = (self.now, self.model.policy);
        let counts = self.room.counts();
        let waiting = self.model.fans.len() - self.model.admitted();
        assert_eq!((counts.waiting as usize, counts.admitted as usize), (waiting, self.model.admitted()));
        for fan in &self.model.fans {
            let view = self.room.view(fan.token, time(now)).unwrap();
            let place = self.model.line.iter().position(|t| *t == fan.token);
            let position = match fan.session {
                Some(_) => Some(0),
                None => place.map(|ahead| u32::try_from(ahead).unwrap() + 1),
            };
            assert_eq!((view.position, view.order.seq), (position, fan.seq));
            assert_eq!(view.status == Status::Admitted, fan.session.is_some());
            assert_eq!(fan.lobby && position.is_none(), fan.session.is_none() && !self.model.drawn);
            assert_eq!(view.last_seen_at, time(fan.heard(now)));
            let deadline = fan.deadline(now, &policy);
            let expires = if fan.session.is_some() { deadline } else { deadline.min(CLOSES) };
            assert_eq!(view.expires_at, time(expires));
            assert_eq!(self.room.live_place(&fan.user), Some(fan.token));
            if let Some(position) = position {
                let last = self.positions.insert(fan.token, position).unwrap_or(u32::MAX);
                assert!(position <= last, "a position grew from {last} to {position}");
            }
        }
        self.compare_tickets();
    }

    /// Who waits in line has a ticket, and every ticket that was ever given says what the list says.
    fn compare_tickets(&mut self) {
        for token in &self.model.line {
            let ticket = self.room.ticket(*token).unwrap();
            assert_eq!(
                *self.tickets.entry(*token).or_insert(ticket),
                ticket,
                "a line this short is not compacted"
            );
        }
        for (token, ticket) in &self.tickets {
            let ahead = self.model.line.iter().position(|t| t == token);
            let position = ahead.map(|ahead| u32::try_from(ahead).unwrap() + 1);
            assert_eq!(self.room.position_of(ticket), position);
            assert_eq!(self.room.ticket(*token).is_some(), position.is_some());
            let shown = self.room.view(*token, time(self.now)).and_then(|view| view.position);
            assert_eq!(shown.filter(|shown| *shown > 0), position);
        }
        let lobby = self.model.fans.iter().filter(|_| !self.model.drawn);
        lobby.for_each(|fan| assert_eq!(self.room.ticket(fan.token), None));
    }
}

/// Places that end at the same instant end in no particular order.
fn sorted(mut decision: Decision) -> Decision {
    decision.events.sort_by_key(|event| match event {
        Event::Expired { token, .. } => (0, Some(*token)),
        _ => (1, None),
    });
    decision.sessions_over.sort_unstable();
    decision
}

fn fan(who: usize) -> UserId {
    UserId::from_stored(&who.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_sequence_gives_the_same_places_and_admissions(steps in steps()) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.step(step);
        }
    }
}
