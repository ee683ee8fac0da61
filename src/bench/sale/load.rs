//! What the fans send: bytes that are ready before the measurement begins, over connections that are kept alive. The load
//! shares the machine with what it measures, so it formats nothing and parses no JSON while the clock runs.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::clock;

/// One connection to a server.
pub(super) struct Line {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Line {
    async fn open(host: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(host).await.map_err(|error| format!("{host}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, answer: Vec::with_capacity(4_096) })
    }

    /// Sends a request and returns the body of the answer.
    async fn ask(&mut self, request: &[u8]) -> Result<&[u8], String> {
        self.stream.write_all(request).await.map_err(|error| error.to_string())?;
        self.answer.clear();
        loop {
            if let Some(body) = body(&self.answer)? {
                return Ok(&self.answer[body]);
            }
            let read = self.stream.read_buf(&mut self.answer).await.map_err(|error| error.to_string())?;
            if read == 0 {
                return Err("the server closed a connection".to_owned());
            }
        }
    }
}

/// Where the body of an answer is, once all of it is there. The server always states its length.
fn body(answer: &[u8]) -> Result<Option<Range<usize>>, String> {
    let Some(head) = find(answer, b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&answer[..head]);
    if !text.starts_with("HTTP/1.1 200") {
        return Err(format!("the server answered {}", String::from_utf8_lossy(answer)));
    }
    let length = text.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let end = head + 4 + length.ok_or("the server did not state the length of an answer")?;
    Ok((answer.len() >= end).then_some(head + 4..end))
}

/// Where `what` begins.
pub(super) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// What came of a load.
pub(in crate::bench) struct Driven<T, const N: usize> {
    /// From the first request to the last answer.
    took: Duration,
    /// How long each answer of each step took, in microseconds, in ascending order.
    waits: [Vec<u32>; N],
    /// What was read from the answers, in no order.
    pub(in crate::bench) answers: Vec<T>,
}

impl<T, const N: usize> Driven<T, N> {
    /// How many ways were gone.
    pub(in crate::bench) fn count(&self) -> usize {
        self.answers.len() / N
    }

    /// How many of them in a second.
    pub(in crate::bench) fn per_second(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    /// What half and 99 of 100 answers of this step did not exceed, in milliseconds.
    pub(super) fn waits_ms(&self, step: usize) -> [f64; 2] {
        let waits = &self.waits[step];
        [50, 99].map(|percent| {
            let rank = (waits.len() * percent).div_ceil(100).max(1);
            waits.get(rank - 1).map_or(f64::NAN, |wait| f64::from(*wait) / 1_000.0)
        })
    }
}

/// Where a load goes, and over how many connections.
#[derive(Clone)]
pub(in crate::bench) struct Load {
    /// The servers, over which the connections are spread evenly.
    pub(in crate::bench) hosts: Vec<SocketAddr>,
    pub(in crate::bench) connections: usize,
}

impl Load {
    /// Goes every way once, as many at a time as there are connections: the requests of a way one after the other, over
    /// whichever connection is free.
    ///
    /// # Errors
    /// If a connection fails or `read` refuses an answer.
    pub(in crate::bench) async fn drive<T: Send + 'static, const N: usize>(
        &self,
        ways: Vec<[Vec<u8>; N]>,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<Driven<T, N>, String> {
        let (ways, next) = (Arc::new(ways), Arc::new(AtomicUsize::new(0)));
        self.run(move || ways.get(next.fetch_add(1, Ordering::Relaxed)).cloned(), read).await
    }

    /// Repeats one request for so long.
    ///
    /// # Errors
    /// If a connection fails or the answer is no success.
    pub(in crate::bench) async fn repeat(
        &self,
        request: &[u8],
        span: Duration,
    ) -> Result<Driven<(), 1>, String> {
        let (request, until) = (request.to_vec(), clock::instant() + span);
        self.run(move || (clock::instant() < until).then(|| [request.clone()]), |_| Ok(())).await
    }

    async fn run<T: Send + 'static, const N: usize>(
        &self,
        next: impl Fn() -> Option<[Vec<u8>; N]> + Clone + Send + 'static,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<Driven<T, N>, String> {
        let hosts = self.hosts.iter().cycle().take(self.connections);
        let lines = try_join_all(hosts.map(|host| Line::open(*host))).await?;
        let begun = clock::instant();
        let tasks = lines.into_iter().map(|line| tokio::spawn(go(line, next.clone(), read)));
        let done = try_join_all(tasks).await.map_err(|error| error.to_string())?;
        let took = begun.elapsed();
        let (mut waits, mut answers) = (std::array::from_fn(|_| Vec::new()), Vec::new());
        for task in done {
            let (some, more) = task?;
            waits.iter_mut().zip(some).for_each(|(all, some)| all.extend(some));
            answers.extend(more);
        }
        waits.iter_mut().for_each(|all: &mut Vec<u32>| all.sort_unstable());
        Ok(Driven { took, waits, answers })
    }
}

/// One connection's share of the ways, for as long as there are any.
async fn go<T, const N: usize>(
    mut line: Line,
    next: impl Fn() -> Option<[Vec<u8>; N]>,
    read: fn(&[u8]) -> Result<T, String>,
) -> Result<([Vec<u32>; N], Vec<T>), String> {
    let (mut waits, mut answers) = (std::array::from_fn(|_| Vec::new()), Vec::new());
    while let Some(way) = next() {
        for (request, waits) in way.iter().zip(&mut waits) {
            let asked = clock::instant();
            answers.push(read(line.ask(request).await?)?);
            waits.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
    Ok((waits, answers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let text = b"HTTP/1.1 200 OK\r\nx: y\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(body(text), Ok(Some(text.len() - 4..text.len())));
        for cut in 0..text.len() {
            assert_eq!(body(&text[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn a_refusal_ends_the_measurement() {
        assert!(body(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
