//! What fans are told of their wait.

mod sales;
mod waits;

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::seats;
use crate::{
    date::{
        Basis, Batch, Command, EndReason, Event, Forecast, Known, Opened, Sale, Settings, Status,
        WaitEstimate, decide, model::SERIES,
    },
    id::{HoldId, TokenId, UserId},
    lobby::DrawSecret,
    policy::QueuePolicy,
    text::PersonName,
};

const T0: i64 = 1_800_000_000_000;

/// Enough for those who hold one.
const SEATS: i32 = 2_000;

fn at(seconds: i64) -> DateTime<Utc> {
    at_ms(seconds * 1_000)
}

fn at_ms(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(T0 + ms).unwrap()
}

fn token(n: u64) -> TokenId {
    TokenId(Uuid::from_u64_pair(0x0190, n))
}

fn number(token: TokenId) -> u64 {
    token.0.as_u64_pair().1
}

/// No limits; sessions of 600 s.
fn unlimited() -> QueuePolicy {
    QueuePolicy { max_active: None, admit_per_interval: None, ..QueuePolicy::default() }
}

fn at_once(most: u32) -> QueuePolicy {
    QueuePolicy { max_active: Some(most), ..unlimited() }
}

fn paced(most: u32, interval_seconds: u32) -> QueuePolicy {
    QueuePolicy { admit_per_interval: Some(most), interval_seconds, ..unlimited() }
}

/// Opens at 0 s, closes at `closes`.
fn settings(policy: QueuePolicy, closes: i64) -> Settings {
    Settings { start_at: at(closes), opens_at: at(0), closes_at: at(closes), paused: false, policy }
}

/// A date without rows, and what is told of it.
struct Queue {
    sale: Sale,
    forecast: RefCell<Forecast>,
}

impl Queue {
    fn new(settings: Settings) -> Self {
        let opened = Opened {
            id: SERIES,
            settings,
            secret: DrawSecret::new([3; 32]),
            last: at(-60),
            drawn: None,
            closed: false,
            next_seq: 0,
            seats_version: 0,
        };
        let sale = Sale::open(opened, seats(&[("Stalls", 1, SEATS, 100)])).opened();
        Self { sale, forecast: RefCell::default() }
    }

    fn apply(&mut self, now: DateTime<Utc>, events: Vec<Event>) {
        let batch = Batch { at: now.max(self.sale.last()), events };
        self.forecast.get_mut().take_in(&self.sale, &batch);
        self.sale.apply(&batch);
    }

    /// What comes of a command; who was admitted with it.
    fn take(&mut self, commands: &[Command], now: DateTime<Utc>) -> Option<Vec<TokenId>> {
        let decision =
            decide(&self.sale, commands, Known::default(), now, &mut || unreachable!("no id is made"));
        let admitted = decision.events.iter().filter_map(|event| match event {
            Event::Admitted { token, .. } => Some(*token),
            _ => None,
        });
        let admitted = admitted.collect();
        let is_any = !decision.events.is_empty();
        self.apply(now, decision.events);
        is_any.then_some(admitted)
    }

    /// Until nothing is left to do; who was admitted.
    fn settle(&mut self, now: DateTime<Utc>) -> Vec<TokenId> {
        std::iter::from_fn(|| self.take(&[], now)).flatten().collect()
    }

    /// Nobody is admitted in the same breath.
    fn join(&mut self, who: std::ops::Range<u64>, now: DateTime<Utc>) {
        let is_drawn = self.sale.is_drawn();
        let draws = !is_drawn && now >= self.sale.settings().opens_at;
        let lobby = !is_drawn && !draws;
        let joins = (self.sale.next_seq..).zip(who).map(|(seq, n)| {
            let user = UserId::try_new(&format!("fan-{n}")).unwrap();
            Event::Joined { token: token(n), user, name: PersonName::none(), seq, lobby }
        });
        self.apply(now, draws.then_some(Event::Drawn).into_iter().chain(joins).collect());
    }

    /// The place is over, if it is not so already.
    fn end(&mut self, token: TokenId, now: DateTime<Utc>) {
        if self.sale.is_live(token) {
            self.apply(now, vec![Event::Ended { token, reason: EndReason::Left }]);
        }
    }

    /// Its owner holds a seat until then.
    fn pin(&mut self, token: TokenId, now: DateTime<Utc>, until: DateTime<Utc>) {
        let user = self.sale.owner(token).unwrap().clone();
        let n = number(token);
        let seat = i32::try_from(n).unwrap() % SEATS + 1;
        let hold = HoldId(Uuid::from_u64_pair(0x0191, n));
        self.apply(now, vec![Event::Held { hold, seat, user, token, until }]);
    }

    fn told(&self, n: u64, now: DateTime<Utc>) -> Option<WaitEstimate> {
        self.forecast.borrow_mut().estimate(&self.sale, token(n), now)
    }

    fn position(&self, n: u64) -> Option<u32> {
        self.sale.position(token(n)).and_then(|place| place.position)
    }
}
