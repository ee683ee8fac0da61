//! The operations that run on one socket.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream, StreamExt};
use tokio_stream::StreamMap;

use super::feeds::{Feeds, Style, Watching};
use super::outbox::{Outbox, Outlet};
use crate::graphql::live::{Joined, Joining, Live, Opening, Way};
use crate::graphql::request::Prepared;
use crate::server::endpoint::{Lapse, Refusal};
use crate::server::payload::next_prefix;
use crate::service::places::PlaceStream;

/// What an operation has to say.
pub(super) enum Event {
    /// An answer; a query or mutation has one, a subscription any number.
    Response(Box<Response>),
    /// It panicked and is over.
    Panic(Box<dyn Any + Send>),
    /// It is a stream that is told by way of the outbox.
    Opened(Box<PlaceStream>),
    /// It watches what others watch as well.
    Joined(Box<Joined>),
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
    /// Those that are told by way of the outbox, by their numbers there.
    streams: Vec<Option<Told>>,
    outbox: Arc<Outbox>,
}

/// An operation that is told by way of the outbox.
pub(super) struct Told {
    id: Box<str>,
    prefix: Bytes,
    stream: Source,
}

/// Where it is told from.
enum Source {
    /// It is being opened.
    Nowhere,
    /// Kept as long as it is watched.
    Place {
        _stream: Box<PlaceStream>,
    },
    Feed(Box<Watching>),
}

impl Told {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What each of its answers begins with.
    pub(super) fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// What it watches together with others.
    pub(super) fn watching(&mut self) -> Option<&mut Watching> {
        match &mut self.stream {
            Source::Feed(watching) => Some(watching),
            Source::Nowhere | Source::Place { .. } => None,
        }
    }
}

impl Operations {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.contains_key(id) || self.number(id).is_some()
    }

    /// One that is still being opened counts once.
    pub(super) fn len(&self) -> usize {
        let told = self.streams.iter().flatten();
        self.running.len() + told.filter(|told| !self.running.contains_key(&*told.id)).count()
    }

    /// Whether nothing runs that has an end of its own, or is a stream.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a stream.
    fn number(&self, id: &str) -> Option<usize> {
        self.streams.iter().position(|told| told.as_ref().is_some_and(|told| *told.id == *id))
    }

    pub(super) fn start<E: Live>(&mut self, id: String, executor: E, prepared: Prepared) {
        match executor.way(prepared) {
            Way::Place(opening) => self.open(id, *opening),
            Way::Shared(joining) => self.join(id, *joining),
            Way::Executed(prepared) => self.execute(id, executor, *prepared),
        }
    }

    fn execute<E: Live>(&mut self, id: String, executor: E, Prepared { request, kind, outline }: Prepared) {
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

    /// A number in the outbox.
    fn number_for(&mut self, id: &str) -> usize {
        let number = self.streams.iter().position(Option::is_none).unwrap_or_else(|| {
            self.streams.push(None);
            self.streams.len() - 1
        });
        let prefix = next_prefix(id).into();
        self.streams[number] = Some(Told { id: id.into(), prefix, stream: Source::Nowhere });
        number
    }

    /// Opens a stream of a place. Once it is open, nothing of it is polled any more.
    fn open(&mut self, id: String, opening: Opening) {
        let stream = self.number_for(&id);
        let (phase, outbox, plan) =
            (self.outbox.phase(), Arc::clone(&self.outbox), Arc::clone(opening.plan()));
        let outlet = Box::new(Outlet { outbox, stream, plan });
        let opened =
            AssertUnwindSafe(opening.open(phase, outlet)).catch_unwind().map(|opened| match opened {
                Ok(Ok(stream)) => vec![Event::Opened(Box::new(stream))],
                Ok(Err(error)) => {
                    vec![Event::Response(Box::new(Response::from_errors(vec![error]))), Event::End]
                }
                Err(panic) => vec![Event::Panic(panic)],
            });
        self.running.insert(id, Box::pin(stream::once(opened).flat_map(stream::iter)));
    }

    /// Joins those who watch the same. Only the end of the token is waited for then, where one was needed.
    fn join(&mut self, id: String, joining: Joining) {
        self.number_for(&id);
        let lapse = if joining.is_restricted() { Lapse::of(joining.request()) } else { None };
        let joined = AssertUnwindSafe(joining.join()).catch_unwind().map(|joined| match joined {
            Ok(Ok(joined)) => vec![Event::Joined(Box::new(joined))],
            Ok(Err(response)) => vec![Event::Response(response), Event::End],
            Err(panic) => vec![Event::Panic(panic)],
        });
        let joined = Box::pin(stream::once(joined).flat_map(stream::iter));
        let operation: Operation = match lapse {
            Some(lapse) => Box::pin(until_lapsed(Box::pin(joined.chain(stream::pending())), lapse)),
            None => joined,
        };
        self.running.insert(id, operation);
    }

    /// The stream is open.
    pub(super) fn opened(&mut self, id: &str, stream: Box<PlaceStream>) {
        self.running.remove(id);
        if let Some(told) = self.told_by_id(id) {
            told.stream = Source::Place { _stream: stream };
        }
    }

    /// It has joined.
    pub(super) fn joined(&mut self, id: &str, joined: Joined, feeds: &Feeds, style: Style) {
        let Some(number) = self.number(id) else { return };
        let watching = feeds.join(joined, style, &self.outbox, number);
        if let Some(told) = &mut self.streams[number] {
            told.stream = Source::Feed(Box::new(watching));
        }
    }

    fn told_by_id(&mut self, id: &str) -> Option<&mut Told> {
        let number = self.number(id)?;
        self.streams[number].as_mut()
    }

    pub(super) fn stop(&mut self, id: &str) {
        self.running.remove(id);
        self.subscriptions.remove(id);
        if let Some(number) = self.number(id) {
            self.stop_stream(number);
        }
    }

    fn stop_stream(&mut self, number: usize) {
        // First it is told nothing more, then what it was told is forgotten: the next stream of that number begins with
        // nothing.
        self.streams[number] = None;
        self.outbox.clear(number);
    }

    /// Stops what has no end of its own.
    pub(super) fn stop_subscriptions(&mut self) {
        for id in self.subscriptions.drain() {
            self.running.remove(&id);
        }
        for number in 0..self.streams.len() {
            if let Some(told) = &self.streams[number] {
                self.running.remove(&*told.id);
            }
            self.stop_stream(number);
        }
    }

    /// The next event of any operation; waits for ever while there are none. Safe to drop while waiting.
    pub(super) async fn next(&mut self) -> (String, Event) {
        match self.running.next().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// What streams have to say.
    pub(super) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The stream with this number in the outbox.
    pub(super) fn told(&mut self, number: usize) -> Option<&mut Told> {
        self.streams.get_mut(number)?.as_mut()
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
