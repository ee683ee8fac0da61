//! Rules 4 to 10: the waiting room.

use chrono::TimeDelta;
use frontrow::domain::identity::Role;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use test_support::{Date, Fan, Plan, Server, code_of, ms, secs, text};

const NOBODY_IS_SILENT: i64 = 86_400;

async fn join_all(server: &Server, date: &Date, names: &[&str]) -> Vec<Fan> {
    let mut fans = Vec::new();
    for name in names {
        let mut fan = server.fan(name);
        fan.join(&date.series).await;
        fans.push(fan);
    }
    fans
}

async fn places(fans: &[Fan]) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    for fan in fans {
        let place = fan.place().await;
        places.push((text(&place["status"]), place["position"].clone()));
    }
    places
}

async fn admitted(fans: &[Fan]) -> usize {
    places(fans).await.iter().filter(|(status, _)| status == "ADMITTED").count()
}

/// Rules 4 and 8: the order of the joins, and one live place per user.
#[tokio::test]
async fn first_come_first_served() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let mut fans = join_all(&server, &date, &["ann", "bob", "cyd", "dan"]).await;
    let line = |n: &[i64]| n.iter().map(|n| json!(n)).collect::<Vec<_>>();
    let positions = async |fans: &[Fan]| places(fans).await.into_iter().map(|(_, n)| n).collect::<Vec<_>>();
    assert_eq!(positions(&fans).await, line(&[0, 1, 2, 3]));
    assert_eq!(places(&fans).await[0].0, "ADMITTED");
    // Who asks again has the same place; who left and comes back is behind the others.
    let before = fans[2].token.clone();
    fans[2].join(&date.series).await;
    assert_eq!(fans[2].token, before);
    assert_eq!(fans[1].leave().await["status"], "LEFT");
    assert_eq!(positions(&fans).await, line(&[0, 0, 1, 2]));
    let left = fans[1].token.clone();
    fans[1].join(&date.series).await;
    assert_ne!(fans[1].token, left);
    assert_eq!(positions(&fans).await, line(&[0, 3, 1, 2]));
    // The next is the one who has waited longest.
    fans[0].leave().await;
    server.settle(&date.series).await;
    assert_eq!(positions(&fans).await, line(&[0, 2, 0, 1]));
    assert_eq!(fans[2].status().await, "ADMITTED");
}

/// Rule 8: as a fan sees it on the stream, a place never grows.
#[tokio::test]
async fn a_position_never_grows() {
    let server = Server::on_system_clock().await;
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let mut fans = join_all(&server, &date, &["a", "b", "c", "d", "e", "f"]).await;
    let mut watch = fans[5].watch_place().await;
    let mut last = watch.next().await.unwrap()["position"].as_i64().unwrap();
    assert_eq!(last, 5);
    fans[2].leave().await;
    fans[2].join(&date.series).await;
    fans[0].leave().await;
    fans[3].leave().await;
    fans[1].leave().await;
    fans[4].leave().await;
    loop {
        let place = watch.next().await.unwrap();
        let position = place["position"].as_i64().unwrap();
        assert!(position <= last, "{last} grew to {position}");
        last = position;
        if place["status"] == "ADMITTED" {
            break;
        }
    }
}

/// Rule 5: the lobby has no order before the opening, then the one that its published secret says; late comers
/// queue behind it.
#[tokio::test]
async fn the_lobby_is_drawn_as_published() {
    let server = Server::start().await;
    let policy = json!({ "maxActive": 1, "heartbeatTimeoutSeconds": NOBODY_IS_SILENT });
    let date = server.organizer().date(Plan { opens: secs(60), ..Plan::policy(policy) }).await;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut fans = join_all(&server, &date, &names).await;
    assert!(places(&fans).await.iter().all(|place| *place == ("WAITING".into(), Value::Null)));
    let path = format!("/draw/{}", date.series);
    let before = server.get(&path).await;
    assert_eq!((&before["secret"], &before["order"]), (&Value::Null, &json!([])));
    let query = format!("{{ series(concertId: \"{}\") {{ drawCommitment drawSecret }} }}", date.concert);
    let sealed = json!([{ "drawCommitment": before["commitment"], "drawSecret": null }]);
    assert_eq!(fans[0].get("series", &query).await, sealed);

    server.advance(secs(60) - ms(1), &date.series).await;
    assert!(places(&fans).await.iter().all(|place| place.1.is_null()));
    assert_eq!(fans[0].get("series", &query).await, sealed);
    server.advance(ms(1), &date.series).await;
    fans.extend(join_all(&server, &date, &["late"]).await);
    let draw = server.get(&path).await;
    let secret = hex::decode(text(&draw["secret"])).unwrap();
    assert_eq!(before["commitment"], hex::encode(Sha256::digest(&secret)));
    assert_eq!(draw["commitment"], before["commitment"]);
    let mut expected: Vec<_> = fans[..8].iter().map(|fan| fan.token.clone()).collect();
    assert_eq!(draw["lobby"], json!(expected));
    let lobby_hash = Sha256::digest(expected.concat());
    assert_eq!(draw["lobbyHash"], hex::encode(lobby_hash));
    expected.sort_by_key(|token| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(&lobby_hash);
        mac.update(token.as_bytes());
        mac.finalize().into_bytes()
    });
    assert_eq!(draw["order"], json!(expected));
    // What was published is what happened: one is admitted, the others wait in that order, the late one last.
    for (place, token) in expected.iter().enumerate() {
        let fan = fans.iter().find(|fan| fan.token == *token).unwrap();
        assert_eq!(fan.place().await["position"], place, "{}", fan.user);
    }
    assert_eq!(fans[8].place().await["position"], 8);
    let opened = json!([{ "drawCommitment": before["commitment"], "drawSecret": draw["secret"] }]);
    assert_eq!(fans[0].get("series", &query).await, opened);
}

/// Rule 6: both limits, and the tighter one wins. The interval slides.
#[tokio::test]
async fn no_more_are_admitted_than_both_limits_allow() {
    let server = Server::start().await;
    let policy = json!({ "maxActive": 3, "admitPerInterval": 2, "intervalSeconds": 10,
        "heartbeatTimeoutSeconds": NOBODY_IS_SILENT });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let fans = join_all(&server, &date, &["a", "b", "c", "d", "e", "f", "g"]).await;
    assert_eq!(admitted(&fans).await, 2);
    server.advance(secs(10) - ms(1), &date.series).await;
    assert_eq!(admitted(&fans).await, 2);
    server.advance(ms(1), &date.series).await;
    assert_eq!(admitted(&fans).await, 3, "two more by the interval, one more by the slots");
    fans[0].leave().await;
    server.settle(&date.series).await;
    assert_eq!(admitted(&fans).await, 3, "a freed slot is filled");
    fans[1].leave().await;
    server.settle(&date.series).await;
    assert_eq!(admitted(&fans).await, 2, "the interval is used up although a slot is free");
    server.advance(secs(10), &date.series).await;
    assert_eq!(admitted(&fans).await, 3);
}

/// Rule 6: a new policy is in force at once.
#[tokio::test]
async fn a_wider_door_lets_the_next_in_at_once() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let fans = join_all(&server, &date, &["a", "b", "c", "d"]).await;
    assert_eq!(admitted(&fans).await, 1);
    let input = json!({ "seriesId": date.series, "queuePolicy": { "maxActive": 3 } });
    let query = "mutation($input: UpdateQueuePolicyInput!) { updateQueuePolicy(input: $input) \
         { queuePolicy { maxActive } } }";
    organizer.fan.ask(query, json!({ "input": input })).await.data();
    server.settle(&date.series).await;
    assert_eq!(admitted(&fans).await, 3);
}

/// Rule 7: silence ends a place, to the millisecond, and the line closes up. Asking for the place is no silence.
#[tokio::test]
async fn who_is_not_heard_from_loses_the_place() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let fans = join_all(&server, &date, &["first", "silent", "third", "asks"]).await;
    let asks = async || fans[3].get("queuePosition", "{ queuePosition { status } }").await["status"].clone();
    let waits = |n: i64| (String::from("WAITING"), json!(n));
    server.advance(secs(30), &date.series).await;
    fans[0].heartbeat().await;
    fans[2].heartbeat().await;
    assert_eq!(asks().await, "WAITING");
    server.advance(secs(30) - ms(1), &date.series).await;
    assert_eq!(places(&fans[1..]).await, [waits(1), waits(2), waits(3)]);
    server.advance(ms(1), &date.series).await;
    assert_eq!(places(&fans[1..]).await, [("EXPIRED".into(), json!(0)), waits(1), waits(2)]);
    // The admitted fan falls silent too: the slot is the next one's.
    fans[2].heartbeat().await;
    assert_eq!(asks().await, "WAITING");
    server.advance(secs(30), &date.series).await;
    assert_eq!((fans[0].status().await, fans[2].status().await), ("EXPIRED".into(), "ADMITTED".into()));
    assert_eq!(places(&fans[3..]).await, [waits(1)]);
}

/// Rule 7: an open subscription is a heartbeat.
#[tokio::test]
async fn an_open_stream_keeps_the_place() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let fans = join_all(&server, &date, &["first", "watching", "silent"]).await;
    let mut watch = fans[1].watch_place().await;
    assert_eq!(watch.next().await.unwrap()["position"], 1);
    server.advance(secs(60), &date.series).await;
    assert_eq!(watch.until(|place| place["status"] != "WAITING").await["status"], "ADMITTED");
    assert_eq!(fans[2].status().await, "EXPIRED");
}

/// Rule 7: an admitted fan is out of time after the session, unless a hold pins it until the hold ends.
#[tokio::test]
async fn a_session_ends_in_time_and_a_hold_pins_it() {
    let server = Server::start().await;
    let policy =
        json!({ "maxActive": 2, "sessionSeconds": 100, "heartbeatTimeoutSeconds": NOBODY_IS_SILENT });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let fans = join_all(&server, &date, &["idle", "holds", "next", "last"]).await;
    server.advance(secs(50), &date.series).await;
    fans[1].must_hold(&date.seats[0]).await;
    server.advance(secs(50) - ms(1), &date.series).await;
    assert_eq!(fans[0].status().await, "ADMITTED");
    server.advance(ms(1), &date.series).await;
    assert_eq!((fans[0].status().await, fans[2].status().await), ("EXPIRED".into(), "ADMITTED".into()));
    assert_eq!(code_of(&fans[0].hold(&date.seats[1]).await), Some("TOKEN_EXPIRED"));
    // The hold was taken at 50 seconds and ends at 350.
    server.advance(secs(250) - ms(1), &date.series).await;
    assert_eq!(fans[1].status().await, "ADMITTED");
    server.advance(ms(1), &date.series).await;
    assert_eq!(fans[1].status().await, "EXPIRED");
}

/// Rule 7: whom only the hold keeps there may pay until its last millisecond; with the hold goes the slot.
#[tokio::test]
async fn a_pinned_session_pays_to_the_last_or_makes_room_with_its_hold() {
    let server = Server::start().await;
    let policy =
        json!({ "maxActive": 2, "sessionSeconds": 100, "heartbeatTimeoutSeconds": NOBODY_IS_SILENT });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let fans = join_all(&server, &date, &["pays", "dithers", "next", "last"]).await;
    let statuses = async || places(&fans).await.into_iter().map(|(status, _)| status).collect::<Vec<_>>();
    fans[0].charge(10_000, "points").await;
    fans[0].must_hold(&date.seats[0]).await;
    fans[1].must_hold(&date.seats[1]).await;
    for span in [secs(100), secs(200) - ms(1)] {
        server.advance(span, &date.series).await;
        assert_eq!(statuses().await, ["ADMITTED", "ADMITTED", "WAITING", "WAITING"]);
    }
    assert_eq!(fans[0].pay("ticket").await["payment"]["status"], "COMPLETE");
    server.settle(&date.series).await;
    assert_eq!(statuses().await, ["COMPLETED", "ADMITTED", "ADMITTED", "WAITING"]);
    server.advance(ms(1), &date.series).await;
    assert_eq!(statuses().await, ["COMPLETED", "EXPIRED", "ADMITTED", "ADMITTED"]);
}

/// Rule 7: who has paid makes room.
#[tokio::test]
async fn paying_frees_the_slot_for_the_next() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(json!({ "maxActive": 1 }))).await;
    let mut first = server.fan("first");
    first.join(&date.series).await;
    let fans = join_all(&server, &date, &["next"]).await;
    assert_eq!(fans[0].status().await, "WAITING");
    first.buy(&date, 0).await;
    server.settle(&date.series).await;
    assert_eq!((first.status().await, fans[0].status().await), ("COMPLETED".into(), "ADMITTED".into()));
}

/// Rule 9.
#[tokio::test]
async fn a_restart_changes_nobodys_place() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::policy(json!({ "maxActive": 2 }))).await;
    let lobby = organizer.date(Plan { opens: secs(3_600), ..Plan::default() }).await;
    let fans = join_all(&server, &date, &["a", "b", "c", "d", "e"]).await;
    fans[3].leave().await;
    let waiting = join_all(&server, &lobby, &["l", "m"]).await;
    let before = (places(&fans).await, places(&waiting).await);
    server.advance(secs(50), &date.series).await;
    let server = server.restart().await;
    let again = |fans: &[Fan]| fans.iter().map(|fan| server.same(fan)).collect::<Vec<_>>();
    let (mut fans, waiting) = (again(&fans), again(&waiting));
    server.settle(&date.series).await;
    assert_eq!((places(&fans).await, places(&waiting).await), before);
    // Who comes back with the token comes back to the same place.
    let token = fans[4].token.clone();
    fans[4].join(&date.series).await;
    assert_eq!((fans[4].token.clone(), fans[4].place().await["position"].clone()), (token, json!(2)));
    // Nobody is held silent for the time that the server was down: all have a full heartbeat timeout again.
    for span in [secs(50), secs(10) - ms(1)] {
        server.advance(span, &date.series).await;
        server.settle(&lobby.series).await;
        assert_eq!((places(&fans).await, places(&waiting).await), before);
    }
    server.advance(ms(1), &date.series).await;
    assert_eq!(fans[2].status().await, "EXPIRED");
}

/// Rule 9: what the server misses is nobody's silence, whoever asks first; sessions and holds are instants and end.
#[tokio::test]
async fn a_server_that_stood_still_holds_nobody_silent() {
    let server = Server::start().await;
    let policy = json!({ "maxActive": 2, "sessionSeconds": 400 });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let fans = join_all(&server, &date, &["idle", "holds", "watches", "asks", "silent"]).await;
    fans[1].must_hold(&date.seats[0]).await;
    let mut watch = fans[2].watch_place().await;
    assert_eq!(watch.next().await.unwrap()["position"], 1);
    server.advance(secs(50), &date.series).await;
    // Five times as long as anybody may be silent.
    server.clock.stand_still(secs(300));
    server.settle(&date.series).await;
    let statuses = async || {
        let (admin, mut seen) = (server.with_roles("root", &[Role::Admin]), Vec::new());
        for fan in &fans {
            let query = format!("{{ queuePosition(tokenId: \"{}\") {{ status }} }}", fan.token);
            seen.push(text(&admin.get("queuePosition", &query).await["status"]));
        }
        seen
    };
    assert_eq!(statuses().await, ["ADMITTED", "ADMITTED", "WAITING", "WAITING", "WAITING"]);
    let query = format!("{{ seats(seriesId: \"{}\") {{ status }} }}", date.series);
    let seats = server.stranger().get("seats", &query).await;
    assert!(seats.as_array().unwrap().iter().all(|seat| seat["status"] == "AVAILABLE"), "{seats}");
    server.advance(secs(50) - ms(1), &date.series).await;
    assert_eq!(statuses().await, ["ADMITTED", "ADMITTED", "WAITING", "WAITING", "WAITING"]);
    // The sessions are over at the instant that was fixed; who watches is next, and so is who asks.
    fans[3].heartbeat().await;
    server.advance(ms(1), &date.series).await;
    assert_eq!(statuses().await, ["EXPIRED", "EXPIRED", "ADMITTED", "ADMITTED", "WAITING"]);
    // And who really is silent has had a full timeout.
    server.advance(secs(10), &date.series).await;
    assert_eq!(statuses().await, ["EXPIRED", "EXPIRED", "ADMITTED", "ADMITTED", "EXPIRED"]);
}

/// Rule 9: many absences, each too short to be a stall, do not add up.
#[tokio::test]
async fn short_absences_do_not_add_up_to_silence() {
    let server = Server::start().await;
    let policy = json!({ "maxActive": 1, "heartbeatTimeoutSeconds": 10 });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let fans = join_all(&server, &date, &["first", "waits"]).await;
    let mut watch = fans[0].watch_place().await;
    watch.next().await.unwrap();
    for _ in 0..39 {
        server.clock.stand_still(ms(999));
        server.settle(&date.series).await;
    }
    // A quarter of a second counts of each.
    server.advance(ms(249), &date.series).await;
    assert_eq!(fans[1].place().await["status"], "WAITING");
    server.advance(ms(1), &date.series).await;
    assert_eq!(fans[1].place().await["status"], "EXPIRED");
}

/// Rule 10: SOLD_OUT when the last seat is gone for good, and not while a hold can lapse.
#[tokio::test]
async fn those_who_wait_hear_that_nothing_is_left() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(1, 1, json!({ "maxActive": 1 }))).await;
    let mut first = server.fan("first");
    first.join(&date.series).await;
    let fans = join_all(&server, &date, &["waits"]).await;
    let mut watch = fans[0].watch_place().await;
    assert_eq!(watch.next().await.unwrap()["seriesStatus"], "ON_SALE");
    first.must_hold(&date.seats[0]).await;
    let place = fans[0].place().await;
    assert_eq!((&place["seriesStatus"], &place["availableSeats"]), (&json!("ON_SALE"), &json!(0)));
    first.charge(10_000, "points").await;
    first.pay("ticket").await;
    let told = watch.until(|place| place["seriesStatus"] != "ON_SALE").await;
    assert_eq!((&told["seriesStatus"], &told["status"]), (&json!("SOLD_OUT"), &json!("WAITING")));
    assert_eq!(code_of(&server.fan("late").join(&date.series).await), Some("SOLD_OUT"));
}

/// A pause stops admissions and holds; who holds seats may pay; resuming lets the next in. So a sale is drained: once
/// those who were let in before have paid or are out of time, nobody is admitted any more, and the line waits on.
#[tokio::test]
async fn a_paused_sale_stands_still_and_goes_on() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let date = organizer.date(Plan::policy(json!({ "maxActive": 2, "sessionSeconds": 50 }))).await;
    let mut first = server.fan("first");
    first.join(&date.series).await;
    first.must_hold(&date.seats[0]).await;
    first.charge(10_000, "points").await;
    let fans = join_all(&server, &date, &["idle", "waits"]).await;
    let query = format!("{{ saleStats(seriesId: \"{}\") {{ admitted waiting }} }}", date.series);
    let stats = async || organizer.fan.get("saleStats", &query).await;
    let mut watch = fans[1].watch_place().await;
    watch.next().await.unwrap();
    assert_eq!(organizer.turn("pauseSale", &date.series).await["status"], "PAUSED");
    assert_eq!(watch.until(|p| p["seriesStatus"] != "ON_SALE").await["seriesStatus"], "PAUSED");
    assert_eq!(code_of(&first.hold(&date.seats[1]).await), Some("SALE_PAUSED"));
    assert_eq!(first.pay("ticket").await["payment"]["status"], "COMPLETE");
    server.settle(&date.series).await;
    assert_eq!(fans[1].status().await, "WAITING", "a free slot is not filled while the sale is paused");
    assert_eq!(stats().await, json!({ "admitted": 1, "waiting": 1 }));
    server.advance(secs(50), &date.series).await;
    assert_eq!(stats().await, json!({ "admitted": 0, "waiting": 1 }));
    assert_eq!(organizer.turn("resumeSale", &date.series).await["status"], "ON_SALE");
    assert_eq!(watch.until(|p| p["status"] != "WAITING").await["status"], "ADMITTED");
}

/// The sale closes: those who wait are told, and nobody can join.
#[tokio::test]
async fn at_the_close_nobody_waits_any_more() {
    let server = Server::start().await;
    let plan = Plan { closes: secs(30), ..Plan::policy(json!({ "maxActive": 1 })) };
    let date = server.organizer().date(plan).await;
    let fans = join_all(&server, &date, &["first", "waits"]).await;
    server.advance(TimeDelta::seconds(30), &date.series).await;
    assert_eq!(fans[1].status().await, "EXPIRED");
    assert_eq!(code_of(&server.fan("late").join(&date.series).await), Some("SALE_CLOSED"));
}

/// Bounds, not a guess: one fan is let in every ten seconds.
#[tokio::test]
async fn a_wait_is_told_by_its_bounds() {
    let server = Server::start().await;
    let policy = json!({ "admitPerInterval": 1, "intervalSeconds": 10 });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let fans = server.crowd(16, &date.series).await;
    server.settle(&date.series).await;
    let query =
        "{ queuePosition { position estimatedWaitSeconds estimate { minSeconds maxSeconds basis } } }";
    let told = fans[15].get("queuePosition", query).await;
    let estimate = json!({ "minSeconds": 150, "maxSeconds": 187, "basis": "POLICY" });
    assert_eq!(told, json!({ "position": 15, "estimatedWaitSeconds": 168, "estimate": estimate }));
}
