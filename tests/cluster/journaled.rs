//! What the rows of a date say about the rules of its line, after the fact.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{FromQueryResult, Statement};

/// A place, as its row has it.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Place {
    seq: i64,
    user_id: String,
    admitted_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

/// All places of a series, in the order of the joins.
pub(crate) async fn places(database_url: &str, series: &str) -> Vec<Place> {
    let database = sea_orm::Database::connect(database_url).await.unwrap();
    let text = format!(
        "SELECT seq, user_id, admitted_at, ended_at FROM token WHERE series_id = '{series}' ORDER BY seq"
    );
    let query = Statement::from_string(database.get_database_backend(), text);
    let places = Place::find_by_statement(query).all(&database).await.unwrap();
    database.close().await.unwrap();
    places
}

/// Rule 6: at no instant more than `at_once` are admitted.
pub(crate) fn never_more_at_once(places: &[Place], at_once: usize) {
    let mut changes: Vec<(DateTime<Utc>, i64)> = Vec::new();
    for place in places {
        if let Some(admitted_at) = place.admitted_at {
            changes.push((admitted_at, 1));
            changes.extend(place.ended_at.map(|ended_at| (ended_at, -1)));
        }
    }
    // A slot that is freed and given away in the same millisecond was freed first.
    changes.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    assert!(most <= i64::try_from(at_once).unwrap(), "{most} were admitted at once, {at_once} may be");
}

/// Rule 6: in no interval of this length, wherever it begins, more than `most` are admitted.
pub(crate) fn never_more_in(places: &[Place], interval: TimeDelta, most: usize) {
    let mut admissions: Vec<_> = places.iter().filter_map(|place| place.admitted_at).collect();
    admissions.sort_unstable();
    for (n, first) in admissions.iter().enumerate() {
        let in_it = admissions[n..].iter().take_while(|at| **at < *first + interval).count();
        assert!(in_it <= most, "{in_it} were admitted within {interval} of {first}, {most} may be");
    }
}

/// Rule 4: whoever was admitted had nobody in front who still waited.
pub(crate) fn nobody_overtook(places: &[Place]) {
    for (n, place) in places.iter().enumerate() {
        let Some(at) = place.admitted_at else { continue };
        let waited = |other: &&Place| {
            other.admitted_at.is_none_or(|admitted| admitted > at)
                && other.ended_at.is_none_or(|ended| ended > at)
        };
        if let Some(other) = places[..n].iter().find(waited) {
            panic!("{place:?} was admitted before {other:?}");
        }
    }
}

/// Rule 4: one number for each join, and one live place for each user.
pub(crate) fn everybody_once(places: &[Place], users: usize) {
    let mut numbers: Vec<_> = places.iter().map(|place| place.seq).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), places.len());
    let different: std::collections::HashSet<_> = places.iter().map(|place| &place.user_id).collect();
    assert_eq!((places.len(), different.len()), (users, users));
}
