//! What the journal of the waiting rooms leaves in the table, whatever the batches are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use frontrow::{
    domain::{
        id::{SeriesId, TokenId, UserId},
        room::Event,
        sale::TokenStatus,
    },
    store::Database,
};

use test_support::{Plan, Server, ms, secs};

/// A room that nobody has used yet, and which is written to past its keeper.
struct Pages {
    server: Server,
    series: SeriesId,
}

impl Pages {
    async fn empty() -> Self {
        let server = Server::start().await;
        let series = server.organizer().date(Plan::default()).await.series.parse().unwrap();
        Self { server, series }
    }

    fn database(&self) -> &Database {
        self.server.house.database()
    }

    fn at(&self, n: i64) -> DateTime<Utc> {
        self.server.now() + ms(n)
    }

    async fn write(&self, events: &[Event]) {
        self.database().journal(self.series, events, &HashMap::new()).await.unwrap();
    }

    fn join(&self, n: u8, user: &str) -> Event {
        let (token, user) = (token(n), UserId::from_stored(user));
        Event::Joined { token, user, seq: n.into(), lobby: false, at: self.at(n.into()) }
    }

    fn admit(&self, n: u8) -> Event {
        let at = self.at(100);
        Event::Admitted { token: token(n), at, session_ends_at: at + secs(600) }
    }

    fn left(&self, n: u8, after: i64) -> Event {
        Event::Left { token: token(n), at: self.at(after) }
    }

    /// The status of the first places, and when each ended.
    async fn places(&self, count: u8) -> Vec<(TokenStatus, Option<DateTime<Utc>>)> {
        let mut places = Vec::new();
        for n in 1..=count {
            let place = self.database().token(token(n)).await.unwrap().unwrap();
            places.push((place.status, place.ended_at));
        }
        places
    }
}

fn token(n: u8) -> TokenId {
    TokenId(uuid::Uuid::from_u128(n.into()))
}

/// Rule 4: the old place has to end before the new one begins.
#[tokio::test]
async fn whoever_loses_a_place_may_join_again_in_the_same_batch() {
    let pages = Pages::empty().await;
    pages.write(&[pages.join(1, "a"), pages.join(2, "b"), pages.join(3, "c")]).await;
    let expired = Event::Expired { token: token(1), at: pages.at(50) };
    let (left, again) = (pages.left(2, 60), [pages.join(4, "a"), pages.join(5, "b")]);
    let [a, b] = again;
    pages.write(&[expired, a, left, b, pages.admit(3)]).await;
    let expected = [
        (TokenStatus::Expired, Some(pages.at(50))),
        (TokenStatus::Left, Some(pages.at(60))),
        (TokenStatus::Admitted, None),
        (TokenStatus::Waiting, None),
        (TokenStatus::Waiting, None),
    ];
    assert_eq!(pages.places(5).await, expected);
    assert_eq!(pages.server.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_place_may_begin_and_end_in_one_batch() {
    let pages = Pages::empty().await;
    pages
        .write(&[
            pages.join(1, "a"),
            pages.left(1, 10),
            pages.join(2, "a"),
            pages.left(2, 20),
            pages.join(3, "a"),
            pages.admit(3),
            pages.join(4, "b"),
        ])
        .await;
    let expected = [
        (TokenStatus::Left, Some(pages.at(10))),
        (TokenStatus::Left, Some(pages.at(20))),
        (TokenStatus::Admitted, None),
        (TokenStatus::Waiting, None),
    ];
    assert_eq!(pages.places(4).await, expected);
}

/// With several processes, each of them may write the same, cut into batches as it pleases.
#[tokio::test]
async fn what_is_written_twice_is_there_once() {
    let pages = Pages::empty().await;
    let events = [
        pages.join(1, "a"),
        pages.join(2, "b"),
        pages.left(1, 10),
        pages.join(3, "a"),
        pages.admit(2),
        pages.join(4, "c"),
    ];
    let expected = [
        (TokenStatus::Left, Some(pages.at(10))),
        (TokenStatus::Admitted, None),
        (TokenStatus::Waiting, None),
        (TokenStatus::Waiting, None),
    ];
    for cut in [1, 2, 4, 3] {
        let (first, rest) = events.split_at(cut);
        pages.write(first).await;
        pages.write(&events).await;
        pages.write(rest).await;
        assert_eq!(pages.places(4).await, expected);
    }
    // What has become of a place since is not undone by a late word of the past.
    pages.write(&[pages.admit(3)]).await;
    pages.write(&events).await;
    assert_eq!(pages.places(3).await[2], (TokenStatus::Admitted, None));
    assert_eq!(pages.server.audit().await, Vec::<String>::new());
}
