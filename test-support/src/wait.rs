//! Spans of time, and waiting for what can be seen.

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::clock::Clock;

/// Milliseconds.
pub fn ms(n: i64) -> TimeDelta {
    TimeDelta::milliseconds(n)
}

/// Seconds.
pub fn secs(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

/// What time it is outside: where the real binary runs, for example.
pub fn now() -> DateTime<Utc> {
    Clock::system().now()
}

/// Looks until it is so, for two minutes at most: a machine may be busy.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let clock = Clock::system();
    let end = clock.now() + TimeDelta::minutes(2);
    while !so().await {
        assert!(clock.now() < end, "{what}");
        clock.sleep(ms(20)).await;
    }
}
