//! The log: what a process that was away learns from it, and what it forgets.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{
    at,
    fixture::{Fixture, fixtures},
    seats, settings, user,
};
use crate::{
    domain::{
        date::{
            Command, Sale,
            model::{Rows, SERIES},
        },
        id::SeriesId,
        policy::QueuePolicy,
        text::PersonName,
    },
    store::journal::{Fault, Journal, Version},
};

fn rows() -> Rows {
    Rows::new(settings(QueuePolicy::default()), seats(4), at(0))
}

/// A date with five commits, a minute apart, and its versions from 0 on.
async fn five(fixture: &Fixture) -> (Sale, Vec<Version>) {
    fixture.set(at(0));
    fixture.put(&rows()).await;
    let (mut sale, first) = fixture.dates.open(SERIES).await.unwrap();
    let mut versions = vec![first];
    for n in 0..5 {
        fixture.set(at(60) + TimeDelta::minutes(n));
        let join = Command::Join { user: user(n.unsigned_abs() as usize), name: PersonName::none() };
        let committed = fixture.commit(&sale, &[join]).await.unwrap();
        sale.apply(&committed.decision.batch());
        versions.push(committed.version);
    }
    (sale, versions)
}

#[tokio::test]
async fn who_was_away_reads_on_from_where_it_was_or_opens_the_date_anew() {
    for fixture in fixtures().await {
        let (_, versions) = five(&fixture).await;
        let after = async |version: Version, most: usize| {
            let log = fixture.dates.log_after(SERIES, version, most).await.unwrap();
            log.map(|log| log.iter().map(|logged| logged.version).collect::<Vec<_>>())
        };
        assert_eq!(after(versions[5], 9).await, Some(vec![]), "nothing is missing");
        assert_eq!(after(versions[2], 9).await.as_deref(), Some(&versions[3..]));
        assert_eq!(after(versions[2], 2).await.as_deref(), Some(&versions[3..5]));
        // No line says that it has ever been there.
        assert_eq!(after(versions[0], 9).await, None);
        for number in [2, 5, 6, 70] {
            assert_eq!(after(Version { number, head: Uuid::nil() }, 9).await, None, "{number}");
        }
        let at_once = fixture.dates.versions(&[SERIES, SeriesId(Uuid::max())]).await.unwrap();
        assert_eq!(at_once.into_iter().collect::<Vec<_>>(), [(SERIES, versions[5])]);
        let nobody = SeriesId(Uuid::max());
        assert_eq!(fixture.dates.log_after(nobody, versions[2], 9).await.err(), Some(Fault::Unknown));
        // By another version, by a hand, or not at all.
        fixture.execute("UPDATE sale_log SET format = 2 WHERE version = 4", []).await;
        let error = fixture.dates.log_after(SERIES, versions[2], 9).await.err();
        assert!(matches!(error, Some(Fault::Broken(_))), "{error:?}");
        fixture.execute("DELETE FROM sale_log WHERE version = 4", []).await;
        assert_eq!(after(versions[2], 9).await, None, "a gap is no log");
    }
}

/// A process that looks more often than lines are forgotten never has to open a date anew.
#[tokio::test]
async fn a_line_stays_until_nobody_needs_it() {
    for fixture in fixtures().await {
        // Lines 1 to 5 are of 60, 120, 180, 240 and 300 s.
        let (_, versions) = five(&fixture).await;
        let left = async || {
            let mut left = 0;
            for version in versions.iter().skip(1).copied() {
                left += usize::from(
                    super::super::logs::has_been_at(fixture.database().reader(), SERIES, version)
                        .await
                        .unwrap(),
                );
            }
            left
        };
        assert_eq!(fixture.dates.prune(at(120)).await, Ok(false));
        assert_eq!(left().await, 5, "who has looked since 120 s may have been at version 1 until then");
        assert_eq!(fixture.dates.prune(at(121)).await, Ok(false));
        assert_eq!(left().await, 4);
        assert_eq!(fixture.dates.prune(at(241)).await, Ok(false));
        assert_eq!(left().await, 2);
        assert_eq!(fixture.dates.prune(at(9_000)).await, Ok(false));
        assert_eq!(left().await, 1, "whoever is up to date stays so");
        assert_eq!(
            fixture.dates.log_after(SERIES, versions[5], 9).await.unwrap().map(|log| log.len()),
            Some(0)
        );
    }
}

#[tokio::test]
async fn long_logs_of_many_dates_are_forgotten_in_pieces() {
    for fixture in fixtures().await {
        fixture.put(&rows()).await;
        let numbers =
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1100) ";
        let line = "INSERT INTO sale_log (series_id, version, head, at, format, events) ";
        for date in [Uuid::from_u128(5), Uuid::from_u128(6), Uuid::max()] {
            let sql = format!("{numbers}{line} SELECT $1, n, $1, $2, 1, $3 FROM numbers");
            // PostgreSQL has the names of a query in front of the statement too.
            fixture
                .execute(
                    &sql.replace(&format!("{numbers}{line}"), &format!("{line}{numbers}")),
                    [date.into(), at(0).into(), vec![0_u8].into()],
                )
                .await;
        }
        let mut rounds = 0;
        while fixture.dates.prune(at(60)).await.unwrap() {
            rounds += 1;
            assert!(rounds < 20);
        }
        assert!(rounds >= 2, "{rounds}");
        let left = fixture.execute("DELETE FROM sale_log WHERE version = 1100", []).await;
        assert_eq!((left, fixture.execute("DELETE FROM sale_log", []).await), (3, 0));
    }
}

#[tokio::test]
async fn what_is_due_is_found_without_opening_a_date() {
    for fixture in fixtures().await {
        fixture.put(&rows()).await;
        let dates: Vec<_> = (1..=3).map(|n| SeriesId(Uuid::from_u128(n))).collect();
        for (date, due) in dates.iter().zip([30, 20, 90]) {
            fixture.put_date(*date, Uuid::from_u128(77), &rows()).await;
            let sql = "UPDATE sale_head SET next_due = $1 WHERE series_id = $2";
            fixture.execute(sql, [at(due).into(), date.0.into()]).await;
        }
        let due = async |now: i64| fixture.dates.due(at(now), 0).await.unwrap();
        // The date itself opens at 60 s.
        assert_eq!(due(10).await, (vec![], Some(at(20))));
        assert_eq!(due(20).await, (vec![dates[1]], Some(at(30))));
        assert_eq!(due(60).await, (vec![dates[1], dates[0], SERIES], Some(at(90))));
        assert_eq!(fixture.dates.due(at(60), 2).await.unwrap(), (vec![SERIES], Some(at(90))));
        fixture.execute("UPDATE series SET stage = 'BUILDING' WHERE id = $1", [dates[1].0.into()]).await;
        fixture
            .execute("UPDATE sale_head SET next_due = NULL WHERE series_id = $1", [dates[0].0.into()])
            .await;
        assert_eq!(due(90).await, (vec![SERIES, dates[2]], None));
    }
}
