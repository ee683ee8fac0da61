//! What the time of the process is for those outside.

use serde_json::json;

use test_support::{Plan, Server, ms, secs};

/// Pages measure by it how far their own clock is off, so it has to be the clock that sales open and holds end by.
#[tokio::test]
async fn every_answer_tells_the_time_by_which_the_server_acts() {
    let server = Server::start().await;
    for path in ["/health/live", "/", "/draw/nothing", "/nothing"] {
        let told = server.page(path, None).await.headers()["date"].to_str().unwrap().to_owned();
        let told = chrono::DateTime::parse_from_rfc2822(&told).unwrap();
        assert_eq!(told, server.now(), "{path}");
    }
}

/// A process that is alone, as its claim on the database says, has a time of its own; those that share one follow it.
#[tokio::test]
async fn a_process_that_is_alone_follows_nobodys_clock() {
    let server = Server::on_system_clock().await;
    let (before, hour) = (server.now(), secs(3_600));
    server.clock.follow(before + hour, before);
    assert_eq!(server.now() >= before + hour, server.config.redis.is_some());
}

/// Rule 9: what a restart takes, from the opening of the rooms to the opening of the door, is nobody's silence.
#[tokio::test]
async fn nobody_is_silent_before_the_door_is_open() {
    let server = Server::on_system_clock().await;
    let policy = json!({ "maxActive": 1, "heartbeatTimeoutSeconds": 3 });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let mut fans = Vec::new();
    for name in ["first", "waits"] {
        let mut fan = server.fan(name);
        fan.join(&date.series).await;
        fans.push(fan);
    }
    let server = server.restart_slowly(secs(5)).await;
    let [first, waits] = [&fans[0], &fans[1]].map(|fan| server.same(fan));
    assert_eq!([first.status().await, waits.status().await], ["ADMITTED", "WAITING"]);
    // And then everybody may be.
    test_support::until("silence ends a place", async || {
        server.clock.sleep(ms(50)).await;
        first.status().await == "EXPIRED" && waits.status().await == "EXPIRED"
    })
    .await;
}
