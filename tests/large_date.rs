//! How long the sale of one date waits while another, large one is made. A test of its own, because others beside it
//! would be waited for as well.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use chrono::TimeDelta;
use frontrow::clock::Clock;
use serde_json::json;

use test_support::{Organizer, Plan, Server, code_of, int};

const CREATE: &str = "mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id seatCount } }";

/// The seats of each date of a concert that is shown.
async fn dates(organizer: &Organizer, concert: &str) -> Vec<i64> {
    let query = "query($id: ID!) { concert(id: $id) { series { seatCount } } }";
    let concert = organizer.fan.ask(query, json!({ "id": concert })).await.field("concert");
    concert["series"].as_array().unwrap().iter().map(|date| int(&date["seatCount"])).collect()
}

/// While 100,000 seats are made, the sale of another date goes on: no hold and no payment waits for more than a few
/// steps.
///
/// That this fails where all seats are one transaction was tried by hand: on SQLite holds then waited for seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_date_is_made_beside_the_sale_of_another() {
    let server = Server::on_system_clock().await;
    let organizer = server.organizer();
    let concert = organizer.concert("Stadium").await;
    let house = organizer.date(Plan::small(10, 100, json!({}))).await;
    let at = |days| (server.now() + TimeDelta::days(days)).to_rfc3339();
    let (made_by, create) = (
        organizer.fan.clone(),
        json!({ "input": {
        "concertId": concert, "startAt": at(2), "endAt": at(3), "reserveStartAt": at(0), "reserveEndAt": at(1),
        "sections": [{ "name": "Floor", "rows": 1_000, "cols": 100, "price": 10 }],
    } }),
    );
    let creating = tokio::spawn(async move { made_by.ask(CREATE, create).await.field("createSeries") });
    let (clock, mut waits, mut seen) = (Clock::system(), Vec::new(), 0);
    let begun = clock.now();
    while !creating.is_finished() {
        let mut fan = server.fan(&format!("fan-{}", waits.len()));
        fan.join(&house.series).await;
        fan.charge(house.price, "points").await;
        let asked = clock.now();
        fan.must_hold(&house.seats[waits.len() / 2]).await;
        let held = clock.now();
        assert_eq!(code_of(&fan.pay("ticket").await), None);
        waits.extend([held - asked, clock.now() - held]);
        let shown = dates(&organizer, &concert).await;
        if server.count("series WHERE stage = 'BUILDING'").await == 1 {
            assert_eq!(shown, [0_i64; 0], "it is not shown before it is complete");
            seen += 1;
        }
    }
    assert_eq!(creating.await.unwrap()["seatCount"], 100_000);
    let took = clock.now() - begun;
    waits.sort_unstable();
    let (middle, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    // A machine that is busy with other things makes all of it slow alike.
    let longest = TimeDelta::milliseconds(500).max(took / 5);
    assert!(most <= longest, "one took {most}, half of them {middle} at most, while all took {took}");
    assert!(middle <= longest / 5, "half of them took more than {middle}, while all took {took}");
    assert!(waits.len() > 20 && seen > 10, "{} holds and payments, {seen} looks", waits.len());
    assert_eq!(dates(&organizer, &concert).await, [100_000]);
    assert_eq!(server.count("seat").await, 101_000);
    assert_eq!(server.audit().await, Vec::<String>::new());
}
