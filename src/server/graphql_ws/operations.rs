//! The operations that run on one socket.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response};
use futures_util::stream::{self, Stream, StreamExt};
use tokio_stream::StreamMap;

use crate::graphql::request::Prepared;

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
        self.running.insert(id, Box::pin(events));
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
