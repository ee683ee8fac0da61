//! The date that a pair of rooms is for, and who holds a seat of it.

use chrono::{DateTime, TimeDelta, Utc};
use entity::hold;
use frontrow::{
    clock::{Clock, Dice},
    domain::{
        catalog::{Concert, Layout, NewSection, Schedule, Series},
        id::{ConcertId, SeriesId, TokenId, UserId},
        lobby::DrawSecret,
        policy::QueuePolicy,
        text::Title,
    },
    store::Database,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// When the sale opens and closes, in milliseconds from now.
const OPENS: i64 = 20_000;
const CLOSES: i64 = 300_000;

/// Creates it: three at once, two in five seconds, ten seconds without a heartbeat, sessions of twenty.
pub(crate) async fn a_date(journal: &Database, clock: &Clock, dice: &Dice) -> Series {
    let now = clock.now();
    let at = |ms| now + TimeDelta::milliseconds(ms);
    let concert = Concert {
        id: ConcertId(dice.id(now)),
        title: Title::from_stored("Walk"),
        organizer: UserId::from_stored("organizer"),
        created_at: now,
    };
    journal.add_concert(&concert, None, clock).await.unwrap().unwrap();
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
    let floor = NewSection { name: "Floor".into(), rows: 1, cols: 50, price: 100 };
    let layout = Layout::try_new(&[floor]).unwrap();
    journal.begin_series(&series, &concert.organizer, None, clock).await.unwrap().unwrap();
    let seats = layout.seats().map(|seat| (dice.id(now), seat));
    assert!(journal.add_seats(series.id, seats, clock).await.unwrap());
    assert!(journal.series_is_ready(series.id).await.unwrap());
    series
}

/// The seat of this user is held until then, or not any more.
pub(crate) async fn hold_until(
    journal: &Database,
    series: SeriesId,
    (who, token): (usize, TokenId),
    until: Option<DateTime<Utc>>,
) {
    let seat = journal.seat_map(series).await.unwrap().unwrap().1[who].id;
    hold::Entity::delete_many().filter(hold::Column::SeatId.eq(seat.0)).exec(journal.reader()).await.unwrap();
    if let Some(until) = until {
        let row = hold::Model {
            // Each has one at most.
            id: seat.0,
            user_id: who.to_string(),
            token_id: token.0,
            series_id: series.0,
            seat_id: seat.0,
            created_at: until,
            expires_at: until,
            status: hold::Status::Active,
        };
        hold::Entity::insert(row.into_active_model()).exec(journal.reader()).await.unwrap();
    }
}
