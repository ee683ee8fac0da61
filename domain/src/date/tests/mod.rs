//! Whole sales, walked through at random, beside [`Rows`] that are as simple as can be.

mod cases;
mod check;
mod coming_back;
mod forecast;
mod presence;
mod walk;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    date::{
        Command, Decision, Outcome, Sale, Settings, decide,
        model::{Rows, SERIES},
    },
    id::{SeatId, UserId},
    policy::QueuePolicy,
    sale::{Problem, Seat, SeatState},
    text::IdempotencyKey,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn user(n: u8) -> UserId {
    UserId::try_new(&format!("fan{n}")).unwrap()
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::try_new(text).unwrap()
}

fn seat_id(number: i32) -> SeatId {
    SeatId(Uuid::from_u128(0x5ea7_0000 + u128::try_from(number).unwrap()))
}

/// Seats of these sections, rows, lengths and prices.
fn seats(plan: &[(&str, i32, i32, i32)]) -> Vec<Seat> {
    let places = plan
        .iter()
        .flat_map(|(section, row, cols, price)| (1..=*cols).map(move |col| (*section, *row, col, *price)));
    (1..)
        .zip(places)
        .map(|(number, (section, row, col, price))| Seat {
            id: seat_id(number),
            series: SERIES,
            number,
            section: section.to_owned(),
            row,
            col,
            price,
            state: SeatState::Free,
        })
        .collect()
}

/// Opens at 60 s, closes at 3,000 s, begins at 3,600 s.
fn settings(policy: QueuePolicy) -> Settings {
    Settings { start_at: at(3_600), opens_at: at(60), closes_at: at(3_000), paused: false, policy }
}

/// A date in memory and its rows.
struct Stage {
    rows: Rows,
    sale: Sale,
    now: DateTime<Utc>,
    ids: u128,
}

impl Stage {
    fn new(policy: QueuePolicy) -> Self {
        Self::with(policy, seats(&[("Stalls", 1, 6, 100), ("Stalls", 2, 6, 100), ("Balcony", 1, 4, 250)]))
    }

    fn with(policy: QueuePolicy, seats: Vec<Seat>) -> Self {
        let rows = Rows::new(settings(policy), seats, at(0));
        Self { sale: rows.open(), rows, now: at(0), ids: 0 }
    }

    fn pass(&mut self, time: TimeDelta) {
        self.now += time;
    }

    fn decide(&mut self, commands: &[Command]) -> Decision {
        let known = self.rows.known(&self.sale, commands);
        decide_with(&self.sale, commands, known, self.now, &mut self.ids)
    }

    /// Makes a decision durable.
    fn commit(&mut self, decision: &Decision) {
        let ids = self.rows.seats.iter().map(|seat| (seat.number, seat.id)).collect();
        self.rows.apply(&decision.batch(), &ids);
        self.sale.apply(&decision.batch());
        assert_eq!(self.sale.summary(), decision.summary, "what the row says");
    }

    /// Decides and commits, and whatever is due after it.
    fn take(&mut self, command: Command) -> Result<Outcome, Problem> {
        let decision = self.decide(&[command]);
        self.commit(&decision);
        self.settle();
        decision.outcomes.into_iter().next().unwrap()
    }

    /// Commits what is due until nothing is.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let decision = self.decide(&[]);
            self.commit(&decision);
            if !decision.more && self.sale.next_due().is_none_or(|due| due > self.now) {
                return;
            }
        }
        panic!("something stays due: {:?} at {}", self.sale.next_due(), self.now);
    }
}

fn decide_with(
    sale: &Sale,
    commands: &[Command],
    known: crate::date::Known,
    now: DateTime<Utc>,
    ids: &mut u128,
) -> Decision {
    decide(sale, commands, known, now, &mut || {
        *ids += 1;
        Uuid::from_u128(*ids)
    })
}
