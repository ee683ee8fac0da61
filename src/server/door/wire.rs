//! A connection on which nothing waits without an end: what it reads has deadlines, and what it writes has to be taken at
//! a pace.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::clock;
use crate::domain::pace::{Least, Pace};

/// How long after a stall what came in meanwhile has to be looked at.
const REPRIEVE: Duration = Duration::from_secs(1);

/// What the connection is in the middle of, as both its bytes and its requests tell it.
#[derive(Debug)]
pub(crate) struct Line {
    phase: Mutex<Phase>,
    /// How many answers were begun.
    answers: AtomicUsize,
    header_timeout: Duration,
    idle_timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The head of a request is awaited until then.
    Head(Instant),
    /// Nothing is awaited; the connection is kept until then.
    Idle(Instant),
    /// A request is being answered.
    Busy,
    /// It is a WebSocket.
    Socket,
}

impl Line {
    pub(super) fn new(header_timeout: Duration, idle_timeout: Duration) -> Self {
        let phase = Mutex::new(Phase::Head(clock::instant() + header_timeout));
        Self { phase, answers: AtomicUsize::new(0), header_timeout, idle_timeout }
    }

    /// A request has come.
    pub(super) fn begins(&self) {
        self.enter(Phase::Busy);
    }

    /// Its answer is about to be sent.
    pub(super) fn answers(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Its answer is made, to the end.
    pub(super) fn ends(&self) {
        self.enter(Phase::Idle(clock::instant() + self.idle_timeout));
    }

    pub(super) fn becomes_socket(&self) {
        self.enter(Phase::Socket);
    }

    fn enter(&self, next: Phase) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        // The answer that made it a socket ends as well.
        if !matches!(*phase, Phase::Socket) {
            *phase = next;
        }
    }

    /// Bytes have come.
    fn heard(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*phase, Phase::Idle(_)) {
            *phase = Phase::Head(clock::instant() + self.header_timeout);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match *self.phase.lock().unwrap_or_else(PoisonError::into_inner) {
            Phase::Head(until) | Phase::Idle(until) => Some(until),
            Phase::Busy | Phase::Socket => None,
        }
    }
}

/// The connection's bytes.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    line: std::sync::Arc<Line>,
    least: Least,
    pace: Pace,
    /// Which answer the pace is of.
    answer: usize,
    reading: Alarm,
    writing: Alarm,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, line: std::sync::Arc<Line>, least: Least) -> Self {
        Self {
            stream,
            line,
            least,
            pace: Pace::default(),
            answer: 0,
            reading: Alarm::default(),
            writing: Alarm::default(),
        }
    }

    /// What is written from here on is another message.
    pub(crate) fn next_message(&mut self) {
        self.pace = Pace::default();
    }

    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let answer = self.line.answers.load(Ordering::Relaxed);
        if answer != self.answer {
            self.answer = answer;
            self.pace = Pace::default();
        }
        match write(Pin::new(&mut self.stream), cx) {
            Poll::Ready(written) => {
                self.writing.off();
                if let Ok(bytes) = written {
                    self.pace.took(bytes, clock::instant());
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                let until = self.pace.waits(self.least, clock::instant());
                ready!(self.writing.poll(until, cx));
                Poll::Ready(Err(too_slow("what was sent is not being taken")))
            }
        }
    }
}

fn too_slow(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, what)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                this.reading.off();
                this.line.heard();
                Poll::Ready(read)
            }
            Poll::Pending => {
                let Some(until) = this.line.deadline() else {
                    this.reading.off();
                    return Poll::Pending;
                };
                ready!(this.reading.poll(until, cx));
                Poll::Ready(Err(too_slow("no request came in time")))
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A timer that takes no room while it is off. One that rings late gives a reprieve: then it was we who stood still, and
/// what the other side did meanwhile has not been looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    is_reprieve: bool,
}

impl Alarm {
    pub(crate) fn off(&mut self) {
        *self = Self::default();
    }

    /// Whether it is that late.
    pub(crate) fn poll(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(clock::until(until)));
        if self.is_reprieve {
            return sleep.as_mut().poll(cx);
        }
        if sleep.deadline() != until.into() {
            sleep.as_mut().reset(until.into());
        }
        ready!(sleep.as_mut().poll(cx));
        if !clock::is_late(until) {
            return Poll::Ready(());
        }
        self.is_reprieve = true;
        sleep.as_mut().reset((clock::instant() + REPRIEVE).into());
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::poll;

    use super::*;

    fn ago(span: Duration) -> Instant {
        clock::instant().checked_sub(span).unwrap()
    }

    #[tokio::test]
    async fn an_alarm_that_rings_late_leaves_time_to_look_at_what_came_meanwhile() {
        let mut alarm = Alarm::default();
        let due = ago(Duration::from_secs(5));
        assert!(poll!(poll_fn(|cx| alarm.poll(due, cx))).is_pending());
        let asked = clock::instant();
        poll_fn(|cx| alarm.poll(due, cx)).await;
        assert!(asked.elapsed() >= REPRIEVE / 2, "and rings then");
        alarm.off();
        assert!(poll!(poll_fn(|cx| alarm.poll(due, cx))).is_pending(), "it is another one");
    }

    #[tokio::test]
    async fn an_alarm_that_is_as_late_as_a_busy_machine_rings_at_once() {
        let due = ago(Duration::from_millis(500));
        let mut alarm = Alarm::default();
        assert!(poll!(poll_fn(|cx| alarm.poll(due, cx))).is_ready());
    }
}
