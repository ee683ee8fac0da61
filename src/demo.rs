//! The concert that a newcomer finds: a house of 50 on sale, an arena on sale, and a date that opens in a few
//! minutes, so that the lobby can be watched.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{
        catalog::{Concert, NewSection, Schedule, SeriesPlan},
        id::UserId,
        identity::{Caller, Role},
        page::Page,
        policy::PolicyPatch,
        text::{PersonName, Title},
    },
    service::{Failure, Services},
};

/// Who runs the demo concert.
pub const ORGANIZER: &str = "demo-organizer";

/// The demo organiser, for the token that the server prints at its start.
#[must_use]
pub fn organizer() -> Caller {
    let user = UserId::from_stored(ORGANIZER);
    Caller {
        user,
        name: PersonName::from_stored("Demo Organiser"),
        roles: vec![Role::Organizer, Role::Cashier],
        pass: None,
    }
}

/// Creates the demo concert unless there is a concert already.
///
/// # Errors
/// If the database fails.
pub async fn seed(services: &Services) -> Result<(), Failure> {
    let any = Page { after: None, before: None, limit: 1, from_end: false };
    if !services.database().concerts(None, any).await?.items.is_empty() {
        return Ok(());
    }
    let organizer = organizer();
    let concert =
        services.create_concert(&organizer, Title::from_stored("Anime Soundtracks in Concert")).await?;
    let now = services.clock().now();
    on_sale_now(services, &organizer, &concert, now).await?;
    arena(services, &organizer, &concert, now).await?;
    opens_soon(services, &organizer, &concert, now).await
}

/// The standard house of 50 seats.
async fn on_sale_now(
    services: &Services,
    organizer: &Caller,
    concert: &Concert,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let plan = SeriesPlan::try_new(schedule(now, now, 7), None, PolicyPatch::default())?;
    services.create_series(organizer, concert.id, plan).await?;
    Ok(())
}

/// 5,000 seats in four sections.
async fn arena(
    services: &Services,
    organizer: &Caller,
    concert: &Concert,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let section = |name: &str, rows, cols, price| NewSection { name: name.to_owned(), rows, cols, price };
    let sections = [
        section("Floor", 20, 50, 132_000),
        section("Lower bowl", 25, 60, 110_000),
        section("Upper bowl", 25, 60, 88_000),
        section("Balcony", 20, 50, 66_000),
    ];
    let policy = PolicyPatch { max_active: Some(Some(500)), ..PolicyPatch::default() };
    let plan = SeriesPlan::try_new(schedule(now, now, 14), Some(&sections), policy)?;
    services.create_series(organizer, concert.id, plan).await?;
    Ok(())
}

/// A lobby; ten fans are let in every ten seconds once it opens.
async fn opens_soon(
    services: &Services,
    organizer: &Caller,
    concert: &Concert,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let policy = PolicyPatch {
        max_active: Some(Some(20)),
        admit_per_interval: Some(Some(10)),
        interval_seconds: Some(10),
        ..PolicyPatch::default()
    };
    let schedule = schedule(now, now + TimeDelta::minutes(5), 21);
    services.create_series(organizer, concert.id, SeriesPlan::try_new(schedule, None, policy)?).await?;
    Ok(())
}

/// A concert of three hours in so many days, sold until it begins.
fn schedule(now: DateTime<Utc>, reserve_start_at: DateTime<Utc>, days: i64) -> Schedule {
    let start_at = now + TimeDelta::days(days);
    Schedule { start_at, end_at: start_at + TimeDelta::hours(3), reserve_start_at, reserve_end_at: start_at }
}
