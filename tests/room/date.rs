//! The date that a pair of rooms is for.

use chrono::TimeDelta;
use frontrow::{
    clock::{Clock, Dice},
    domain::{
        catalog::{Concert, Schedule, Series},
        id::{ConcertId, SeriesId, UserId},
        lobby::DrawSecret,
        policy::QueuePolicy,
    },
    store::Database,
};

/// When the sale opens and closes, in milliseconds from now.
const OPENS: i64 = 20_000;
const CLOSES: i64 = 300_000;

/// Creates it: three at once, two in five seconds, ten seconds without a heartbeat, sessions of twenty.
pub(crate) async fn a_date(journal: &Database, clock: &Clock, dice: &Dice) -> Series {
    let now = clock.now();
    let at = |ms| now + TimeDelta::milliseconds(ms);
    let concert = Concert {
        id: ConcertId(dice.id(now)),
        title: "Walk".into(),
        organizer: UserId::from_stored("organizer"),
        created_at: now,
    };
    journal.add_concert(&concert).await.unwrap();
    let series = Series {
        id: SeriesId(dice.id(now)),
        concert: concert.id,
        schedule: Schedule {
            start_at: at(400_000),
            end_at: at(500_000),
            reserve_start_at: at(OPENS),
            reserve_end_at: at(CLOSES),
        },
        paused: false,
        seat_count: 50,
        reserved_count: 0,
        version: 0,
        settings: 0,
        policy: QueuePolicy {
            max_active: Some(3),
            admit_per_interval: Some(2),
            interval_seconds: 5,
            heartbeat_timeout_seconds: 10,
            session_seconds: 20,
            ..QueuePolicy::default()
        },
        draw_secret: DrawSecret::new(dice.bytes()),
        drawn_at: None,
        created_at: now,
    };
    journal.add_series(&series, &[], || dice.id(now)).await.unwrap();
    series
}
