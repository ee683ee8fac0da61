//! The journal of one waiting room, written by several processes at once: each writes every decision, as it may be
//! when the one that made it is thought to be gone.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::domain::{
    id::{SeriesId, TokenId, UserId},
    room::Event,
    sale::TokenStatus,
};
use futures_util::future::join_all;

use test_support::needs;

use crate::houses::Houses;

const DECISIONS: u64 = 20;
const JOINS: u64 = 60;

fn token(seq: u64) -> TokenId {
    TokenId(uuid::Uuid::from_u128(seq.into()))
}

/// Each decision ends a third of the places of the one before it, whose owners join again, and admits the others.
fn decisions(start: DateTime<Utc>) -> Vec<Vec<Event>> {
    let decision = |n: u64| {
        let at = start + TimeDelta::milliseconds(i64::try_from(n).unwrap());
        let before = (JOINS * n.saturating_sub(1)..JOINS * n).map(move |seq| match seq % 3 {
            0 => Event::Expired { token: token(seq), at },
            _ => Event::Admitted { token: token(seq), at, session_ends_at: at + TimeDelta::minutes(10) },
        });
        let joins = (JOINS * n..JOINS * (n + 1)).map(move |seq| {
            let again = seq % 3 == 0;
            let user = if again { format!("again {}", seq % JOINS) } else { format!("once {seq}") };
            Event::Joined { token: token(seq), user: UserId::from_stored(&user), seq, lobby: false, at }
        });
        before.chain(joins).collect()
    };
    (0..DECISIONS).map(decision).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_written_by_three_processes_at_once_are_there_once() {
    needs!(Postgres);
    let houses = Houses::open(3).await;
    let series: SeriesId = houses.date(1).await.id;
    let decisions = decisions(houses.each[0].clock().now());
    for decision in &decisions {
        let writes = houses.each.iter().map(|house| {
            let database = house.database().clone();
            let decision = decision.clone();
            tokio::spawn(async move { database.journal(series, &decision, &HashMap::new()).await })
        });
        for written in join_all(writes).await {
            written.unwrap().unwrap();
        }
    }
    // A process that was away for long says all of it once more.
    let all: Vec<_> = decisions.concat();
    houses.each[2].database().journal(series, &all, &HashMap::new()).await.unwrap();
    for seq in 0..DECISIONS * JOINS {
        let expected = match seq {
            _ if seq >= (DECISIONS - 1) * JOINS => TokenStatus::Waiting,
            _ if seq % 3 == 0 => TokenStatus::Expired,
            _ => TokenStatus::Admitted,
        };
        let place = houses.database().token(token(seq)).await.unwrap().unwrap();
        assert_eq!(place.status, expected, "{seq}");
    }
    houses.close_in_order().await;
}
