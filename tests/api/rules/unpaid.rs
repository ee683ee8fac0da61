//! Rules 7 and 13: nobody keeps a seat or a slot without paying.

use serde_json::{Value, json};

use test_support::{Date, Fan, Plan, Server, code_of, ms, secs, text};

const SESSION: i64 = 900;

fn policy() -> Value {
    json!({ "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": SESSION, "maxActive": 1 })
}

async fn date(server: &Server) -> Date {
    server.organizer().date(Plan::policy(policy())).await
}

async fn hold_four(fan: &Fan, date: &Date) -> Value {
    fan.act("holdSeats", json!({ "seatIds": &date.seats[..4] }), "holds { id }").await
}

fn ids(held: &Value) -> Vec<String> {
    held["holds"].as_array().unwrap().iter().map(|hold| text(&hold["id"])).collect()
}

async fn best(fan: &Fan) -> Value {
    fan.act("holdBestSeats", json!({ "count": 2 }), "holds { id }").await
}

/// The fan is told why, and until when; and by every way of holding.
async fn is_barred_until(server: &Server, fan: &Fan, date: &Date, until: chrono::DateTime<chrono::Utc>) {
    let refused = [fan.hold(&date.seats[9]).await, hold_four(fan, date).await, best(fan).await];
    for refused in refused {
        assert_eq!(code_of(&refused), Some("SEAT_LIMIT_REACHED"));
        let message = text(&refused["problem"]["message"]);
        let shown = until.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        assert!(message.contains("ended unpaid") && message.contains(&shown), "{message}");
    }
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// Another seat every few minutes, and the old one given back: the session ends all the same, and the next has the slot.
#[tokio::test]
async fn a_slot_is_not_kept_by_taking_and_giving_back() {
    let server = Server::start().await;
    let date = date(&server).await;
    let (mut keeps, mut waits) = (server.fan("keeps"), server.fan("waits"));
    keeps.join(&date.series).await;
    waits.join(&date.series).await;
    let until = keeps.place().await["admittedUntil"].clone();
    let mut held = keeps.must_hold(&date.seats[0]).await;
    let began = server.now();
    let mut seats = date.seats[1..].iter();
    let over = loop {
        server.advance(secs(250), &date.series).await;
        assert_eq!(keeps.place().await["admittedUntil"], until, "fixed at the admission");
        let next = keeps.hold(seats.next().unwrap()).await;
        if code_of(&next).is_some() {
            break next;
        }
        keeps.release(&held).await;
        held = text(&next["hold"]["id"]);
    };
    assert_eq!(code_of(&over), Some("TOKEN_EXPIRED"));
    assert!(text(&over["problem"]["message"]).contains("pay for those that you hold"), "{over}");
    assert_eq!(code_of(&best(&keeps).await), Some("TOKEN_EXPIRED"));
    assert_eq!(code_of(&hold_four(&keeps, &date).await), Some("TOKEN_EXPIRED"));
    assert_eq!(waits.status().await, "WAITING", "what is held may still be paid");
    server.advance(secs(50), &date.series).await;
    assert_eq!((keeps.status().await, waits.status().await), ("EXPIRED".into(), "ADMITTED".into()));
    assert_eq!(server.now() - began, secs(1_050), "with the hold of 750 seconds, of a session of 900");
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// The same four seats: let lapse and taken again, in one session after another.
#[tokio::test]
async fn the_same_seats_are_not_kept_by_letting_holds_lapse() {
    let server = Server::start().await;
    let date = date(&server).await;
    let mut keeps = server.fan("keeps");
    for _ in 0..3 {
        keeps.join(&date.series).await;
        assert_eq!(code_of(&hold_four(&keeps, &date).await), None);
        server.advance(secs(300), &date.series).await;
    }
    let until = server.now() + secs(SESSION);
    keeps.join(&date.series).await;
    is_barred_until(&server, &keeps, &date, until).await;
    // It is remembered, and it ends to the millisecond.
    let server = server.restart().await;
    let mut keeps = server.same(&keeps);
    server.advance(secs(SESSION) - ms(1), &date.series).await;
    keeps.join(&date.series).await;
    is_barred_until(&server, &keeps, &date, until).await;
    server.advance(ms(1), &date.series).await;
    keeps.join(&date.series).await;
    assert_eq!(code_of(&hold_four(&keeps, &date).await), None);
}

/// By leaving and joining again, with a new token each time and in the end by the identity token alone.
#[tokio::test]
async fn the_same_seats_are_not_kept_by_leaving_and_coming_back() {
    let server = Server::start().await;
    let date = date(&server).await;
    let organizer = server.organizer();
    let (mut keeps, by_identity) = (server.fan("keeps"), server.fan("keeps"));
    let mut tokens = std::collections::HashSet::new();
    for round in 0..3 {
        keeps.join(&date.series).await;
        tokens.insert(keeps.token.clone());
        let holder = if round == 1 { &by_identity } else { &keeps };
        assert_eq!(code_of(&hold_four(holder, &date).await), None);
        server.advance(secs(60) + ms(1), &date.series).await;
        assert_eq!(keeps.leave().await["status"], "LEFT");
        assert_eq!(date.look(&organizer.fan).await[..4], ["AVAILABLE"; 4]);
    }
    assert_eq!(tokens.len(), 3);
    let until = server.now() + secs(SESSION);
    keeps.join(&date.series).await;
    is_barred_until(&server, &keeps, &date, until).await;
    // Without the queue token: the best seats need one, which says of which date.
    assert_eq!(code_of(&by_identity.hold(&date.seats[0]).await), Some("SEAT_LIMIT_REACHED"));
    // It is about this fan and this date.
    keeps.leave().await;
    let mut other = server.fan("other");
    other.join(&date.series).await;
    assert_eq!(code_of(&hold_four(&other, &date).await), None);
    let elsewhere = organizer.date(Plan::policy(policy())).await;
    keeps.join(&elsewhere.series).await;
    assert_eq!(code_of(&hold_four(&keeps, &elsewhere).await), None);
}

/// A change of mind costs nothing; a hold that is given back after more than a minute does.
#[tokio::test]
async fn what_is_given_back_counts_after_a_minute() {
    let server = Server::start().await;
    let date = server
        .organizer()
        .date(Plan::policy(json!({ "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400 })))
        .await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    for _ in 0..10 {
        for hold in ids(&hold_four(&ann, &date).await) {
            ann.release(&hold).await;
        }
    }
    for n in 0..12 {
        let held = ann.must_hold(&date.seats[n]).await;
        server.clock.advance(secs(60) + ms(1));
        ann.release(&held).await;
    }
    let until = server.now() + secs(86_400);
    is_barred_until(&server, &ann, &date, until).await;
}

/// Who holds seats when the bar begins keeps them, and may pay.
#[tokio::test]
async fn who_is_barred_may_pay_for_what_is_held() {
    let server = Server::start().await;
    let date = server
        .organizer()
        .date(Plan::policy(json!({ "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400,
            "maxSeatsPerUser": 2 })))
        .await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    ann.charge(10_000, "points").await;
    for seats in [&date.seats[..2], &date.seats[..2], &date.seats[..1]] {
        for seat in seats {
            ann.must_hold(seat).await;
        }
        server.clock.advance(secs(300));
    }
    let kept = ann.must_hold(&date.seats[0]).await;
    let given_back = ann.must_hold(&date.seats[1]).await;
    server.clock.advance(secs(61));
    ann.release(&given_back).await;
    assert_eq!(ann.must_hold(&date.seats[0]).await, kept, "to ask again for what is held is no new hold");
    let refused = ann.hold(&date.seats[1]).await;
    assert_eq!(code_of(&refused), Some("SEAT_LIMIT_REACHED"));
    assert!(text(&refused["problem"]["message"]).contains("ended unpaid"), "{refused}");
    assert_eq!(ann.pay("ticket").await["payment"]["status"], "COMPLETE");
}
