//! A socket after `connection_ack`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::{Response, ServerError};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::feeds::{Next, Style, Watching};
use super::frames::append_text;
use super::operations::{Event, Operations};
use super::outbox::{Answer, Unsent};
use super::protocol::{ClientMessage, Closing, ServerMessage};
use super::socket::{FRAGMENT_BYTES, Incoming, Socket};
use crate::clock;
use crate::domain::bucket::{Bucket, Taken};
use crate::graphql::code;
use crate::graphql::live::Live;
use crate::graphql::over_limit::OverLimit;
use crate::graphql::request::masking;
use crate::server::endpoint::{Endpoint, Refusal, Session, TransportLimits};
use crate::server::params::Params;
use crate::server::payload::Payload;

/// Shorter messages are sent together.
const SHORT: usize = 2 << 10;

/// The longest id of an operation: it is kept for as long as that runs.
const ID_BYTES: usize = 128;

/// Serves the socket until it ends, and says how to end it.
pub(super) async fn run<E: Live>(endpoint: &Endpoint<E>, socket: &mut Socket, session: &Session) -> Closing {
    let (operations, starts) = (Operations::default(), Bucket::new(clock::instant()));
    let mut connection = Connection { endpoint, socket, session, operations, starts };
    match connection.serve().await {
        Err(closing) => closing,
        Ok(never) => match never {},
    }
}

struct Connection<'a, E> {
    endpoint: &'a Endpoint<E>,
    socket: &'a mut Socket,
    session: &'a Session,
    operations: Operations,
    starts: Bucket,
}

impl<E: Live> Connection<'_, E> {
    /// What is done now and then is boxed: a socket waits nearly all of the time, and would keep room for it.
    async fn serve(&mut self) -> Result<std::convert::Infallible, Closing> {
        let mut pulse = Pulse::new(&self.endpoint.limits);
        let outbox = Arc::clone(self.operations.outbox());
        let mut shutdown = std::pin::pin!(self.endpoint.shutdown.cancelled());
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return Err(Box::pin(self.farewell()).await),
                due = pulse.timer.tick() => {
                    pulse.beat(due.into_std())?;
                    Box::pin(self.socket.ping()).await?;
                }
                incoming = self.socket.receive() => {
                    let incoming = incoming?;
                    pulse.felt();
                    if let Incoming::Message(message) = incoming {
                        Box::pin(self.hear(message)).await?;
                    }
                }
                (id, event) = self.operations.next() => Box::pin(self.tell(&id, event)).await?,
                () = outbox.news() => Box::pin(self.deliver()).await?,
            }
            if self.socket.has_shown_up() {
                pulse.felt();
            }
        }
    }

    /// Answers the queries and mutations that were accepted: a mutation acts whether or not anybody hears of it.
    async fn farewell(&mut self) -> Closing {
        self.operations.stop_subscriptions();
        while !self.operations.is_empty() {
            let (id, event) = self.operations.next().await;
            if let Err(closing) = self.tell(&id, event).await {
                return closing;
            }
        }
        Closing::GOING_AWAY
    }

    async fn hear(&mut self, message: ClientMessage) -> Result<(), Closing> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err(Closing::TOO_MANY_INITS),
            ClientMessage::Ping { payload } => self.socket.send(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong {} => Ok(()),
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
            ClientMessage::Subscribe { id, .. } if id.len() > ID_BYTES => {
                Err(Closing::new(4400, format!("The id of an operation has at most {ID_BYTES} bytes.")))
            }
            ClientMessage::Subscribe { id, .. } if self.operations.contains(&id) => {
                Err(Closing::new(4409, format!("Subscriber for {id} already exists.")))
            }
            ClientMessage::Subscribe { id, payload } => {
                let started = match self.count()? {
                    Ok(()) => self.start(&id, payload),
                    Err(error) => Err(vec![error]),
                };
                match started {
                    Ok(()) => Ok(()),
                    Err(errors) => {
                        self.socket.send(&ServerMessage::Error { id: &id, payload: &errors }).await
                    }
                }
            }
        }
    }

    /// Starting an operation costs more than asking for it, so a socket may do it only so often.
    fn count(&mut self) -> Result<Result<(), ServerError>, Closing> {
        let Some(rate) = self.endpoint.limits.operation_rate else { return Ok(Ok(())) };
        match self.starts.take(rate, clock::instant()) {
            Taken::Yes => Ok(Ok(())),
            Taken::Wait(wait) => Ok(Err(too_often(wait))),
            Taken::Abuse => Err(Closing::TOO_MANY_REQUESTS),
        }
    }

    fn start(&mut self, id: &str, params: Params) -> Result<(), Vec<ServerError>> {
        let most = self.endpoint.limits.operations;
        if self.operations.len() >= most {
            let message = format!("This socket already runs {most} operations: complete one of them first.");
            return Err(vec![Refusal { code: code::BAD_USER_INPUT, message }.to_error()]);
        }
        let (request, keep) =
            params.into_request(&self.endpoint.persisted).map_err(|refusal| vec![refusal.to_error()])?;
        let mut prepared = self.endpoint.intake.prepare(request)?;
        keep.keep();
        (self.session)(&mut prepared.request).map_err(|refusal| vec![refusal.to_error()])?;
        prepared.request.data.insert(self.socket.sendable());
        self.operations.start(id.to_owned(), self.endpoint.executor.clone(), prepared);
        Ok(())
    }

    async fn tell(&mut self, id: &str, event: Event) -> Result<(), Closing> {
        match event {
            Event::Response(mut response) => {
                masking::mask(&mut response, &*self.endpoint.request_id);
                self.answer(id, &response).await
            }
            Event::Panic(payload) => {
                let response = masking::panicked(&*payload, &*self.endpoint.request_id);
                self.answer(id, &response).await
            }
            Event::Opened(stream) => {
                self.operations.opened(id, stream);
                Ok(())
            }
            Event::Joined(mut joined) => {
                if let Some(mut first) = joined.first.take() {
                    masking::mask(&mut first, &*self.endpoint.request_id);
                    self.answer(id, &first).await?;
                }
                let Endpoint { feeds, limits, request_id, .. } = self.endpoint;
                let style = Style { limit: limits.answer_bytes, request_id: Arc::clone(request_id) };
                // Unless its first answer has ended it.
                self.operations.joined(id, *joined, feeds, style);
                Ok(())
            }
            Event::End => {
                self.operations.stop(id);
                self.socket.send(&ServerMessage::Complete { id }).await
            }
        }
    }

    /// Sends what the streams have left in the outbox, in as few writes as will do.
    async fn deliver(&mut self) -> Result<(), Closing> {
        let most = self.endpoint.limits.answer_bytes.min(SHORT);
        let mut batch = Vec::new();
        for (number, Unsent { answer, is_last }) in self.operations.outbox().take() {
            let Some(told) = self.operations.told(number) else { continue };
            match answer {
                Answer::Written(answer) if told.prefix().len() + answer.len() < most => {
                    append_text(&mut batch, &[told.prefix(), &answer, b"}"]);
                }
                Answer::Feed => {
                    self.flush(&mut batch).await?;
                    self.follow(number).await?;
                }
                answer => {
                    let id = told.id().to_owned();
                    self.flush(&mut batch).await?;
                    self.answer_alone(&id, answer).await?;
                }
            }
            if is_last && let Some(told) = self.operations.told(number) {
                let id = told.id().to_owned();
                self.operations.stop(&id);
                let complete = Payload::json(&ServerMessage::Complete { id: &id }).into_pieces();
                append_text(&mut batch, &[&complete.concat()]);
            }
            if batch.len() > FRAGMENT_BYTES - SHORT - SHORT {
                self.flush(&mut batch).await?;
            }
        }
        self.flush(&mut batch).await
    }

    /// Sends the next event of the feed that this stream watches. One at a time: a socket keeps no more than that alive, and
    /// who never catches up can still be heard.
    async fn follow(&mut self, number: usize) -> Result<(), Closing> {
        let Some(told) = self.operations.told(number) else { return Ok(()) };
        match told.watching().map_or(Next::Nothing, Watching::next) {
            Next::Nothing => Ok(()),
            Next::Over => {
                let id = told.id().to_owned();
                self.tell(&id, Event::End).await
            }
            Next::Event(event) => match &event.answer {
                Ok(pieces) => {
                    let prefix = told.prefix().clone();
                    // There may be more.
                    self.operations.outbox().ring(number);
                    self.socket.send_shared(prefix, pieces).await
                }
                Err(over) => {
                    let (id, over) = (told.id().to_owned(), over.clone());
                    self.refuse(&id, over).await
                }
            },
        }
    }

    async fn flush(&mut self, batch: &mut Vec<u8>) -> Result<(), Closing> {
        if batch.is_empty() {
            return Ok(());
        }
        self.socket.send_frames(std::mem::take(batch).into()).await
    }

    async fn answer_alone(&mut self, id: &str, answer: Answer) -> Result<(), Closing> {
        match answer {
            Answer::Feed => Ok(()),
            Answer::Response(response) => self.tell(id, Event::Response(response)).await,
            Answer::Written(json) => {
                match Payload::next_written(id, json.into(), self.endpoint.limits.answer_bytes) {
                    Ok(payload) => self.socket.send_payload(payload).await,
                    Err(over) => self.refuse(id, over).await,
                }
            }
        }
    }

    /// Ends an operation whose answer is too long.
    async fn refuse(&mut self, id: &str, over: OverLimit) -> Result<(), Closing> {
        self.operations.stop(id);
        self.socket.send(&ServerMessage::Error { id, payload: &[over.into()] }).await
    }

    /// An operation that was not executed, or that panicked, ends with `error` and without `complete`.
    async fn answer(&mut self, id: &str, response: &Response) -> Result<(), Closing> {
        if masking::is_request_error(response) {
            self.operations.stop(id);
            self.socket.send(&ServerMessage::Error { id, payload: &response.errors }).await
        } else {
            match Payload::next(id, response, self.endpoint.limits.answer_bytes) {
                Ok(payload) => self.socket.send_payload(payload).await,
                Err(over) => self.refuse(id, over).await,
            }
        }
    }
}

fn too_often(wait: Duration) -> ServerError {
    let message = "This socket starts operations too often: wait as long as retryAfterMs says.".to_owned();
    let mut error = Refusal { code: code::RATE_LIMITED, message }.to_error();
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    error.extensions.get_or_insert_default().set("retryAfterMs", millis);
    error
}

/// Pings a client that says nothing, and gives up one that does not answer.
struct Pulse<'a> {
    timer: Interval,
    limits: &'a TransportLimits,
    waits_for_pong: bool,
}

impl<'a> Pulse<'a> {
    fn new(limits: &'a TransportLimits) -> Self {
        let mut timer = interval(limits.ping_interval);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        timer.reset_after(limits.ping_interval);
        Self { timer, limits, waits_for_pong: false }
    }

    /// The timer, which was due then, has run out: it is time for a ping, or past the time for its answer. If it is late
    /// it was we who stood still, and the answer may be there: there is another ping, and time for that.
    fn beat(&mut self, due: Instant) -> Result<(), Closing> {
        if self.waits_for_pong && !clock::is_late(due) {
            return Err(Closing::NO_PONG);
        }
        self.waits_for_pong = true;
        self.timer.reset_after(self.limits.pong_timeout);
        Ok(())
    }

    /// Whatever the client says shows that it is there.
    fn felt(&mut self) {
        self.waits_for_pong = false;
        self.timer.reset_after(self.limits.ping_interval);
    }
}
