//! The journal over real databases: SQLite in a folder of its own, and PostgreSQL where `FRONTROW_TEST_DATABASE_URL` names
//! one whose user may create others.

mod cases;
mod fixture;
mod log;
mod rows;
mod speed;
mod walk;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::{
    date::{Settings, model::SERIES},
    id::{SeatId, UserId},
    policy::QueuePolicy,
    sale::{Seat, SeatState},
    text::IdempotencyKey,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn user(n: usize) -> UserId {
    UserId::try_new(&format!("fan{n}")).unwrap()
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::try_new(text).unwrap()
}

/// Rows of twenty seats.
fn seats(count: i32) -> Vec<Seat> {
    (1..=count)
        .map(|number| Seat {
            id: SeatId(Uuid::from_u128(0x5ea7_0000 + u128::try_from(number).unwrap())),
            series: SERIES,
            number,
            section: "Stalls".to_owned(),
            row: (number - 1) / 20 + 1,
            col: (number - 1) % 20 + 1,
            price: 100,
            state: SeatState::Free,
        })
        .collect()
}

/// Opens at 60 s, closes at 3,000 s, begins at 3,600 s.
fn settings(policy: QueuePolicy) -> Settings {
    Settings { start_at: at(3_600), opens_at: at(60), closes_at: at(3_000), paused: false, policy }
}
