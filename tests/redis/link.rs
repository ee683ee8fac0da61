//! What comes over the link.

use std::time::Duration;

use frontrow::store::redis::{Heard, Redis, RedisError};
use redis::cmd;
use test_support::until;
use tokio::sync::mpsc;

/// How long a test waits for what must come: generous, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Says something on a channel by the link, and returns once that was sent.
pub(crate) async fn publish(redis: &Redis, channel: &str, text: &str) -> Result<(), RedisError> {
    cmd("PUBLISH").arg(redis.channel(channel)).arg(text).query_async(&mut redis.connection()).await
}

/// The next thing that is heard.
pub(crate) async fn next(heard: &mut mpsc::Receiver<Heard>) -> Heard {
    tokio::time::timeout(PATIENCE, heard.recv()).await.expect("something is heard").unwrap()
}

/// The text of the next message.
pub(crate) async fn text(heard: &mut mpsc::Receiver<Heard>) -> String {
    match next(heard).await {
        Heard::Message { payload, .. } => String::from_utf8(payload).unwrap(),
        Heard::Missed => panic!("missed something"),
    }
}

/// The link works again: a call succeeds.
pub(crate) async fn works_again(redis: &Redis) {
    until("the link works again", async || redis.ping().await.is_ok()).await;
}

/// The call fails, and does not wait until there is an answer.
pub(crate) async fn fails(redis: &Redis) {
    let answer = tokio::time::timeout(PATIENCE, redis.ping()).await;
    assert!(answer.expect("a dead Redis gives an error, not a wait").is_err());
}
