//! The header `Date`: what the server's clock shows. Pages measure by it how far their own is off, and so count down to
//! what this process will do and not to what the machine's clock says, which somebody may have set since the start.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};

use crate::clock::Clock;

/// Tells the time in an answer.
pub(super) fn tell(clock: &Clock, mut answer: Response) -> Response {
    let now = clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(now) = HeaderValue::try_from(now) {
        answer.headers_mut().insert(header::DATE, now);
    }
    answer
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_time_is_written_as_http_wants_it() {
        let clock = Clock::manual(DateTime::from_timestamp(784_111_777, 0).unwrap());
        let answer = tell(&clock, Response::default());
        assert_eq!(answer.headers()[header::DATE], "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
