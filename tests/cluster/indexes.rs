//! The last guard is the database's own: what is in its rows and in no process's memory, by whatever mistake, is not sold a
//! second time (rules 4, 11 and 15). Whoever meets it is told of a failure, and nothing has happened.

use serde_json::json;

use test_support::{Cluster, Date, Fan, Plan, Server, needs};

async fn sale() -> (Cluster, Server, Date, Fan) {
    let shared = Cluster::new().await;
    let server = shared.server().await;
    let date =
        server.organizer().date(Plan::policy(json!({ "maxActive": 100, "maxSeatsPerUser": 10 }))).await;
    let mut fan = server.fan("ann");
    fan.join(&date.series).await;
    fan.charge(100_000, "charge").await;
    (shared, server, date, fan)
}

/// An error that says nothing of what somebody might have done wrong.
#[track_caller]
fn failed(reply: &test_support::Reply) {
    let code = reply.0["errors"][0]["extensions"]["code"].as_str();
    assert!(matches!(code, Some("UNAVAILABLE" | "INTERNAL")), "{}", reply.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_that_is_held_in_the_rows_is_not_held_twice() {
    needs!(Postgres, Redis);
    let (shared, server, date, fan) = sale().await;
    let (hold, seat) = (fan.must_hold(&date.seats[0]).await, &date.seats[1]);
    shared
        .run(&format!(
            "INSERT INTO hold (id, user_id, token_id, series_id, seat_id, created_at, expires_at, status) \
             SELECT gen_random_uuid(), 'ghost', token_id, series_id, '{seat}', created_at, expires_at, status \
             FROM hold WHERE id = '{hold}'"
        ))
        .await;
    failed(&fan.try_act("holdSeat", json!({ "seatId": seat }), "hold { id }").await);
    assert_eq!(server.count(&format!("hold WHERE seat_id = '{seat}'")).await, 1);
    // And others go on.
    fan.must_hold(&date.seats[2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_that_is_sold_in_the_rows_is_not_sold_twice() {
    needs!(Postgres, Redis);
    let (shared, server, date, fan) = sale().await;
    let seat = &date.seats[0];
    fan.must_hold(seat).await;
    shared
        .run(&format!(
            "INSERT INTO reservation (id, user_id, series_id, seat_id, payment_id, line, price, status, created_at) \
             SELECT gen_random_uuid(), 'ghost', series_id, seat_id, gen_random_uuid(), 1, 10000, 'CONFIRMED', \
             created_at FROM hold WHERE seat_id = '{seat}'"
        ))
        .await;
    failed(&fan.try_act("pay", json!({ "idempotencyKey": "pay" }), "payment { id }").await);
    assert_eq!(server.count(&format!("reservation WHERE seat_id = '{seat}'")).await, 1);
    // Nothing was taken, and the hold stands.
    assert_eq!((fan.balance().await, server.count("hold WHERE status = 'ACTIVE'").await), (100_000, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_in_the_rows_is_not_given_twice() {
    needs!(Postgres, Redis);
    let (shared, server, date, fan) = sale().await;
    shared
        .run(&format!(
            "INSERT INTO token (id, series_id, user_id, name, seq, lobby, status, created_at) \
             SELECT gen_random_uuid(), series_id, 'bob', 'bob', 1000, lobby, 'WAITING', created_at \
             FROM token WHERE id = '{}'",
            fan.token
        ))
        .await;
    let bob = server.fan("bob");
    failed(&bob.try_act("issueToken", json!({ "seriesId": date.series }), "tokenId").await);
    assert_eq!(server.count("token WHERE user_id = 'bob'").await, 1);
}
