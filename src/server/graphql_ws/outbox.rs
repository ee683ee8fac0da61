//! What the streams of one socket have to say and have not sent: at most one answer each, the newest. Whoever has news leaves
//! it here and goes on; the socket takes all there is as soon as it can write.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use async_graphql::Response;

use crate::graphql::live::PlacePlan;
use crate::service::places::{Subscriber, Update};

/// The unsent answers of one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By the number of the stream; there are as many as a socket may run operations, at most.
    unsent: Vec<Option<Unsent>>,
    socket: Option<Waker>,
}

/// What a stream has to say.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) answer: Answer,
    /// Whether nothing comes after it.
    pub(super) is_last: bool,
}

#[derive(Debug)]
pub(super) enum Answer {
    /// The bytes of an answer.
    Written(Vec<u8>),
    /// One that is still to be masked and written.
    Response(Box<Response>),
    /// The feed has something.
    Feed,
}

impl Outbox {
    /// What streams are told together by: those of one socket.
    pub(super) fn phase(self: &Arc<Self>) -> u32 {
        // Two sockets are farther apart than that in memory.
        u32::try_from((Arc::as_ptr(self).addr() >> 4) & 0xffff_ffff).unwrap_or_default()
    }

    /// Leaves news of this stream, in the place of what it has not sent yet. Whom to wake, if anybody waits.
    fn put(&self, stream: usize, unsent: Unsent) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.unsent.len() <= stream {
            inner.unsent.resize_with(stream + 1, || None);
        }
        inner.unsent[stream] = Some(unsent);
        inner.socket.take()
    }

    /// The feed that this stream watches has something.
    pub(super) fn ring(&self, stream: usize) -> Option<Waker> {
        self.put(stream, Unsent { answer: Answer::Feed, is_last: false })
    }

    /// Forgets what this stream has not sent.
    pub(super) fn clear(&self, stream: usize) {
        if let Some(unsent) = self.lock().unsent.get_mut(stream) {
            *unsent = None;
        }
    }

    /// Waits until a stream has something to say. Safe to drop while waiting.
    pub(super) async fn news(&self) {
        poll_fn(|cx| {
            let mut inner = self.lock();
            if inner.unsent.iter().any(Option::is_some) {
                return Poll::Ready(());
            }
            match &mut inner.socket {
                Some(socket) => socket.clone_from(cx.waker()),
                None => inner.socket = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await;
    }

    /// All that is unsent, with the numbers of the streams.
    pub(super) fn take(&self) -> Vec<(usize, Unsent)> {
        let mut inner = self.lock();
        let unsent = inner.unsent.iter_mut().enumerate();
        unsent.filter_map(|(stream, unsent)| Some((stream, unsent.take()?))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of a place, as the one who tells it sees it.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) outbox: Arc<Outbox>,
    /// Its number.
    pub(super) stream: usize,
    pub(super) plan: Arc<PlacePlan>,
}

impl Subscriber for Outlet {
    fn tell(&self, update: Update<'_>) -> Option<Waker> {
        let answer = match update {
            Update::Place(place) | Update::Over(place) => Answer::Written(self.plan.answer(place)),
            Update::Away(trouble) | Update::Failed(trouble) => {
                Answer::Response(Box::new(Response::from_errors(vec![self.plan.failure(trouble)])))
            }
        };
        let is_last = matches!(update, Update::Over(_) | Update::Failed(_));
        self.outbox.put(self.stream, Unsent { answer, is_last })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn answer(text: &str) -> Unsent {
        Unsent { answer: Answer::Written(text.into()), is_last: false }
    }

    fn texts(outbox: &Outbox) -> Vec<(usize, String)> {
        let text = |(stream, unsent): (usize, Unsent)| match unsent.answer {
            Answer::Written(bytes) => (stream, String::from_utf8(bytes).unwrap()),
            other => panic!("{other:?}"),
        };
        outbox.take().into_iter().map(text).collect()
    }

    /// Rule 21: whatever a socket does not take, it is one answer a stream.
    #[test]
    fn of_each_stream_the_newest_is_kept_and_the_socket_is_woken_once() {
        let outbox = Arc::new(Outbox::default());
        assert!(outbox.news().now_or_never().is_none());
        let woken: Vec<_> = (0..1_000).map(|n| outbox.put(n % 3, answer(&n.to_string())).is_some()).collect();
        assert_eq!(woken.iter().filter(|woken| **woken).count(), 1);
        assert!(woken[0]);
        assert!(outbox.news().now_or_never().is_some());
        let told = [(0, "999".to_owned()), (1, "997".to_owned()), (2, "998".to_owned())];
        assert_eq!(texts(&outbox), told);
        assert_eq!(texts(&outbox), []);
    }

    #[test]
    fn what_a_stream_has_not_sent_goes_with_it() {
        let outbox = Arc::new(Outbox::default());
        outbox.put(0, answer("a"));
        outbox.put(1, answer("b"));
        outbox.clear(0);
        outbox.clear(7);
        assert_eq!(texts(&outbox), [(1, "b".to_owned())]);
    }
}
