//! The header `Date`: what the server's clock shows. Pages measure by it how far their own is off, and so count down to
//! what this process will do and not to what the machine's clock says, which somebody may have set since the start.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    http::{HeaderValue, header},
    response::Response,
};

use crate::clock::Clock;

/// Tells the time in answers. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    clock: Clock,
    /// The last second that was told, and its words: writing them takes longer than sending them.
    last: Arc<Mutex<(i64, HeaderValue)>>,
}

impl Dated {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::new(Mutex::new((i64::MIN, HeaderValue::from_static("")))) }
    }

    /// Tells the time in an answer.
    pub(super) fn tell(&self, mut answer: Response) -> Response {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != now.timestamp() {
            let words = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let Ok(words) = HeaderValue::try_from(words) else { return answer };
            *last = (now.timestamp(), words);
        }
        answer.headers_mut().insert(header::DATE, last.1.clone());
        answer
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_time_is_written_as_http_wants_it_at_every_second() {
        let at = |seconds| DateTime::from_timestamp(seconds, 999_000_000).unwrap();
        let clock = Clock::manual(at(784_111_777));
        let dated = Dated::new(clock.clone());
        let told = || dated.tell(Response::default()).headers()[header::DATE].clone();
        assert_eq!([told(), told()], ["Sun, 06 Nov 1994 08:49:37 GMT"; 2]);
        for (seconds, words) in [
            (784_111_778, "Sun, 06 Nov 1994 08:49:38 GMT"),
            // The clock was set back.
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ] {
            clock.set(at(seconds));
            assert_eq!(told(), words);
        }
    }
}
