//! The operations that run on one socket.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::Poll;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream, StreamExt};
use tokio_stream::StreamMap;

use crate::graphql::request::Prepared;
use crate::server::endpoint::{Lapse, Refusal};

/// What an operation has to say.
pub(super) enum Event {
    /// An answer; a query or mutation has one, a subscription any number.
    Response(Box<Response>),
    /// It panicked and is over.
    Panic(Box<dyn Any + Send>),
    /// It is over.
    End,
}

type Operation = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// Running operations by their ids. They run only while this is polled, and stop at once when removed.
#[derive(Default)]
pub(super) struct Operations {
    running: StreamMap<String, Operation>,
    /// Those of them that have no end of their own.
    subscriptions: HashSet<String>,
}

impl Operations {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(super) fn start<E: Executor>(
        &mut self,
        id: String,
        executor: E,
        Prepared { request, kind, outline }: Prepared,
    ) {
        // A query or mutation that was allowed to begin is answered: it has an end of its own.
        let lapse = Lapse::of(&request).filter(|_| kind == OperationType::Subscription);
        // Boxed, because the room for it stays when it has been handed on.
        let request = Box::new(request);
        // Made inside the stream, so that a panic while it is made is caught too.
        let answers = stream::once(async move { executor.execute_stream(*request, None) }).flatten();
        let repaired = answers.map(move |mut response| {
            outline.repair(&mut response);
            Box::new(response)
        });
        let events = AssertUnwindSafe(repaired)
            .catch_unwind()
            .map(|answer| answer.map_or_else(Event::Panic, Event::Response))
            .chain(stream::once(async { Event::End }));
        if kind == OperationType::Subscription {
            self.subscriptions.insert(id.clone());
        }
        let operation: Operation = match lapse {
            Some(lapse) => Box::pin(until_lapsed(Box::pin(events), lapse)),
            None => Box::pin(events),
        };
        self.running.insert(id, operation);
    }

    pub(super) fn stop(&mut self, id: &str) {
        self.running.remove(id);
        self.subscriptions.remove(id);
    }

    /// Stops what has no end of its own.
    pub(super) fn stop_subscriptions(&mut self) {
        for id in self.subscriptions.drain() {
            self.running.remove(&id);
        }
    }

    /// The next event of any operation; waits for ever while there are none. Safe to drop while waiting.
    pub(super) async fn next(&mut self) -> (String, Event) {
        match self.running.next().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

/// The events until the token that allowed them ends: then an error, which ends the operation at that moment and not at
/// its next event, and nothing that came later (rule 1).
fn until_lapsed(
    mut events: Operation,
    lapse: BoxFuture<'static, Refusal>,
) -> impl Stream<Item = Event> + Send {
    let mut lapse = Some(lapse);
    stream::poll_fn(move |cx| {
        let Some(waiting) = &mut lapse else { return Poll::Ready(None) };
        match waiting.poll_unpin(cx) {
            Poll::Ready(refusal) => {
                lapse = None;
                let response = Response::from_errors(vec![refusal.to_error()]);
                Poll::Ready(Some(Event::Response(Box::new(response))))
            }
            Poll::Pending => events.poll_next_unpin(cx),
        }
    })
}
