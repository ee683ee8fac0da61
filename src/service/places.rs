//! Watching places: one task for all streams of a date, which lasts as long as there are any.

use std::{panic::AssertUnwindSafe, sync::Arc, task::Waker};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use crate::{
    clock::Clock,
    domain::{
        id::TokenId,
        identity::Caller,
        sale::{Token, TokenStatus},
    },
    sales::{self, subscribers::Key},
    service::{Date, Failure, Journal, Services, queue::ended},
};

pub use crate::sales::subscribers::{Place, Subscriber, Trouble, Update};

/// An open stream of a place; dropping it ends it, and is the last sign of life.
pub type PlaceStream = sales::Stream<Journal>;

/// How soon something is tried again that has failed.
const AGAIN: TimeDelta = TimeDelta::milliseconds(500);

/// Places that have ended are looked up so many at once, and so often at the same time.
const LOOKED_UP: usize = 256;
const LOOK_UPS: usize = 2;

impl Services {
    /// Tells a subscriber where the caller stands, now and at every change, until it is over. While the stream is open
    /// the place is never silent (rule 20). `until`: when the token ends that the caller shows, and the stream with it;
    /// `phase`: those of the same are told together, where that does not matter to anybody else.
    ///
    /// # Errors
    /// NOT_FOUND for a place that is not the caller's.
    pub async fn watch_place(
        self: &Arc<Self>,
        caller: &Caller,
        token: Option<TokenId>,
        until: DateTime<Utc>,
        phase: u32,
        subscriber: Box<dyn Subscriber>,
    ) -> Result<PlaceStream, Failure> {
        let (date, token) = self.own_place(caller, token).await?;
        self.hear(caller, &date, token).await?;
        let (stream, is_first) = date.open_stream(token, phase, Some(until), subscriber);
        if is_first {
            self.tasks.spawn(Arc::clone(self).serve_streams(date));
        }
        Ok(stream)
    }

    /// Tells the streams of a date until there are none, or the process stops.
    async fn serve_streams(self: Arc<Self>, date: Arc<Date>) {
        let stop = self.stop.clone();
        let serve = async {
            loop {
                let mut crowd = Crowd::new(&self, &date);
                if AssertUnwindSafe(crowd.serve()).catch_unwind().await.is_ok() {
                    return;
                }
                tracing::error!(date = %date.id(), "telling fans of their places panicked; going on in half a second");
                Clock::system().sleep(AGAIN).await;
                date.streams().look_at_all();
            }
        };
        stop.run_until_cancelled(serve).await;
    }
}

/// Those whose places are not in memory any more.
type Gone = Vec<(Key, TokenId)>;

/// The streams of one date, and what is being looked up for them.
struct Crowd<'a> {
    services: &'a Services,
    date: &'a Arc<Date>,
    gone: Gone,
    /// Each ends with those who are to be looked up again.
    look_ups: FuturesUnordered<BoxFuture<'a, Gone>>,
    /// Those, when it is time.
    again: FuturesUnordered<BoxFuture<'a, Gone>>,
}

impl<'a> Crowd<'a> {
    fn new(services: &'a Services, date: &'a Arc<Date>) -> Self {
        let (look_ups, again) = (FuturesUnordered::new(), FuturesUnordered::new());
        Self { services, date, gone: Vec::new(), look_ups, again }
    }

    async fn serve(&mut self) {
        let mut cut_off = self.date.cut_off();
        loop {
            if *cut_off.borrow_and_update() {
                wake(self.date.streams().fail_all(&Trouble::Unavailable));
            }
            let round = self.date.round();
            wake(round.wakers);
            self.gone.extend(round.gone);
            self.look_up();
            if round.more {
                tokio::task::yield_now().await;
                continue;
            }
            if self.date.streams().is_done() {
                return;
            }
            tokio::select! {
                () = self.date.stream_news(round.next) => {}
                _ = cut_off.changed() => {}
                Some(gone) = self.look_ups.next() => {
                    if !gone.is_empty() {
                        self.again.push(later(gone).boxed());
                    }
                }
                Some(gone) = self.again.next() => self.gone.extend(gone),
            }
        }
    }

    /// Begins to look up how places have ended. Those who stay do not wait for it.
    fn look_up(&mut self) {
        while !self.gone.is_empty() && self.look_ups.len() < LOOK_UPS {
            let some = self.gone.split_off(self.gone.len().saturating_sub(LOOKED_UP));
            self.look_ups.push(tell_ended(self.services, self.date, some).boxed());
        }
    }
}

/// Until a store is back is a matter of real time, also where a test holds the sale's clock.
async fn later(gone: Gone) -> Gone {
    Clock::system().sleep(AGAIN).await;
    gone
}

/// Tells these how their places have ended. Returned are those of which that is not known yet.
async fn tell_ended(services: &Services, date: &Date, gone: Gone) -> Gone {
    let tokens: Vec<_> = gone.iter().map(|(_, token)| *token).collect();
    let found = services.database.tokens_by_id(&tokens).await.map_err(Failure::from);
    let (streams, mut wakers, mut again) = (date.streams(), Vec::new(), Vec::new());
    let mut found = match found {
        Ok(found) => found,
        Err(Failure::Unavailable) => {
            for (key, token) in gone {
                wakers.extend(streams.away(key));
                again.push((key, token));
            }
            wake(wakers);
            return again;
        }
        Err(failure) => {
            let trouble = Trouble::Broken(format!("{failure:?}"));
            wake(gone.iter().filter_map(|(key, _)| streams.end(*key, Update::Failed(&trouble))));
            return again;
        }
    };
    let lives = |token: &Token| matches!(token.status, TokenStatus::Waiting | TokenStatus::Admitted);
    if found.values().any(lives) {
        // Another process has let it in a moment ago. If that cannot be known now, then soon.
        let _ = date.fresh().await;
    }
    for (key, token) in gone {
        match found.remove(&token) {
            None => wakers.extend(streams.end(key, Update::Failed(&Trouble::NotFound))),
            Some(found) if !lives(&found) => {
                wakers.extend(streams.end(key, Update::Over(&ended(date, &found))))
            }
            Some(_) if date.see(|sale| sale.is_live(token)) => streams.look_again(key),
            Some(_) => again.push((key, token)),
        }
    }
    wake(wakers);
    again
}

fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}
