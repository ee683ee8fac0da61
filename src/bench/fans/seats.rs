//! Many watch the seats of one date while they are held, one after the other: how soon each change is seen (rule 20).

use std::{
    io::{self, Write},
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use serde_json::json;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{
    OPENING, Options, Subject,
    api::Api,
    report::{line, mebibytes, microseconds, rank},
    socket::Socket,
};
use crate::{
    bench::catalog::{create_concert, create_date, text},
    clock,
    clock::Clock,
};

/// Seats that one fan holds.
const SEATS_EACH: usize = 100;

/// Connections that those share.
const HOLDERS: usize = 32;

/// Of the watchers so many look what they are told; the others only take it.
const LOOKING: usize = 100;

/// For so many seconds seats are held while nobody watches: what a hold costs is no cost of a message.
const ALONE: usize = 3;

/// How long the last change may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The aim: 99 of 100 changes are seen within this many milliseconds.
const AIM_MS: i64 = 500;

const SUBSCRIPTION: &str = "subscription ($id: ID!) { seatAvailability(seriesId: $id) { since version snapshot states \
                            availableCount seats(onlyChanged: true) { number status } } }";

const HOLD: &str = "mutation ($input: HoldSeatsInput!) { holdSeats(input: $input) { problem { code } } }";

/// What is seen by all of them together.
struct Seen {
    /// When each seat was held, in milliseconds since the epoch, by its number; 0 before.
    held: Vec<AtomicI64>,
    messages: AtomicU64,
    bytes: AtomicU64,
    snapshots: AtomicU64,
}

/// See the module.
pub(super) struct Outcome {
    watchers: u32,
    holds: usize,
    seconds: f64,
    messages: u64,
    bytes: u64,
    snapshots: u64,
    memory: [Option<u64>; 2],
    /// Microseconds of the server's processor: for a hold that nobody watches, for a message, and for a request that asks for
    /// nothing.
    processor: [Option<f64>; 3],
    /// Milliseconds from the answer to whoever held a seat to each look at it, in ascending order.
    delays: Vec<i64>,
    /// Looks that there should have been.
    expected: usize,
}

/// Measures with one subscription for each fan.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn measure(
    subject: &Subject,
    options: &Options,
    bare: Option<f64>,
) -> Result<Outcome, String> {
    let host = subject.address();
    let per_second = options.per_second as usize;
    let (alone, holds) = (per_second * ALONE, per_second * usize::try_from(options.seconds).unwrap_or(1));
    let mut organizer = Api::connect(host, Some(subject.organizer())).await?;
    let series = create(&mut organizer, alone + holds).await?;
    let tokens = join(host, &series, (alone + holds).div_ceil(SEATS_EACH)).await?;
    let seen = Arc::new(Seen {
        held: (0..=alone + holds).map(|_| AtomicI64::new(0)).collect(),
        messages: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        snapshots: AtomicU64::new(0),
    });
    let spent = subject.spent();
    hold(host, &tokens, &seen, 1..alone + 1, options.per_second).await?;
    let spent_alone = subject.spent().zip(spent).map(|(now, before)| now.saturating_sub(before));
    let a_hold = spent_alone.map(|spent| spent.as_secs_f64() * 1e6 / alone as f64);
    let before = subject.resident();
    let (tell, mut delays) = mpsc::unbounded_channel();
    let mut crowd = open(host, options.fans as usize, &series, &seen, &tell).await?;
    let (opened, spent) = (subject.resident(), subject.spent());
    for count in [&seen.messages, &seen.bytes, &seen.snapshots] {
        count.store(0, Ordering::Relaxed);
    }
    let took = hold(host, &tokens, &seen, alone + 1..alone + holds + 1, options.per_second).await?;
    clock::until(clock::instant() + PATIENCE).await;
    let spent = subject.spent().zip(spent).map(|(now, before)| now.saturating_sub(before));
    let messages = seen.messages.load(Ordering::Relaxed);
    crowd.abort_all();
    let mut all = Vec::new();
    while let Ok(delay) = delays.try_recv() {
        all.push(delay?);
    }
    all.sort_unstable();
    Ok(Outcome {
        watchers: options.fans,
        holds,
        seconds: took.as_secs_f64(),
        messages,
        bytes: seen.bytes.load(Ordering::Relaxed),
        snapshots: seen.snapshots.load(Ordering::Relaxed),
        memory: [before, opened],
        processor: [
            a_hold,
            spent.zip(a_hold).map(|(spent, a_hold)| {
                (spent.as_secs_f64() * 1e6 - a_hold * holds as f64) / messages.max(1) as f64
            }),
            bare,
        ],
        delays: all,
        expected: holds * LOOKING.min(options.fans as usize),
    })
}

/// A date on sale with so many seats, all of which may be held.
async fn create(api: &mut Api, seats: usize) -> Result<String, String> {
    let concert = create_concert(api, "Seats").await?;
    let house = Some((seats.div_ceil(SEATS_EACH), SEATS_EACH));
    let policy = json!({ "maxActive": null, "admitPerInterval": 1_000_000, "maxSeatsPerUser": SEATS_EACH });
    text(&create_date(api, &concert, house, policy, "id").await?["id"])
}

/// Tokens of so many who are admitted.
async fn join(host: SocketAddr, series: &str, count: usize) -> Result<Vec<String>, String> {
    let mut api = Api::connect(host, None).await?;
    let issue = "mutation ($input: IssueTokenInput!) { issueToken(input: $input) { token } }";
    let mut tokens = Vec::new();
    for fan in 0..count {
        let input = json!({ "seriesId": series, "userId": format!("holder-{fan}") });
        let issued = api.run(issue, &json!({ "input": input })).await?;
        let token = text(&issued["issueToken"]["token"]);
        tokens.push(token.map_err(|_| format!("a fan could not join: {issued}"))?);
    }
    Ok(tokens)
}

type Tell = mpsc::UnboundedSender<Result<i64, String>>;

/// Opens every socket, and returns when all know the seats.
async fn open(
    host: SocketAddr,
    count: usize,
    series: &str,
    seen: &Arc<Seen>,
    tell: &Tell,
) -> Result<JoinSet<()>, String> {
    let (opening, mut crowd) = (Arc::new(Semaphore::new(OPENING)), JoinSet::new());
    let (ready, mut are_ready) = mpsc::unbounded_channel();
    for number in 0..count {
        let (opening, ready, seen, tell) =
            (Arc::clone(&opening), ready.clone(), Arc::clone(seen), tell.clone());
        let payload = json!({ "query": SUBSCRIPTION, "variables": { "id": series } });
        // Spread over all of them.
        let looks = number * LOOKING / count != (number + 1) * LOOKING / count;
        crowd.spawn(async move {
            let opened = async {
                let _turn = opening.acquire().await.map_err(|error| error.to_string())?;
                let mut socket = Socket::open(number, host, None).await?;
                socket.subscribe(0, &payload).await?;
                socket.expect("\"next\"").await?;
                Ok::<_, String>(socket)
            };
            match opened.await {
                Ok(mut socket) => {
                    // Nobody listens any more once the measurement has failed.
                    let _ = ready.send(Ok(()));
                    while socket.hear_all(|text| seen.hear(text, looks.then_some(&tell))).await.is_ok() {}
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
    }
    for _ in 0..count {
        are_ready.recv().await.ok_or("nobody is left")??;
    }
    Ok(crowd)
}

impl Seen {
    fn hear(&self, text: &[u8], tell: Option<&Tell>) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        let Some(tell) = tell else { return };
        let (text, now) = (String::from_utf8_lossy(text), Clock::system().now().timestamp_millis());
        if text.contains("\"snapshot\":true") {
            self.snapshots.fetch_add(1, Ordering::Relaxed);
        }
        for seat in held(&text) {
            let Some(at) = self.held.get(seat).map(|at| at.load(Ordering::Acquire)) else { continue };
            // Seen before the answer was: that is no wait.
            let _ = tell.send(Ok(if at == 0 { 0 } else { (now - at).max(0) }));
        }
    }
}

/// The numbers of the seats that are held in an event.
fn held(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.split("\"number\":").skip(1).filter_map(|seat| {
        let (number, rest) = seat.split_once(',')?;
        rest.starts_with("\"status\":\"HELD\"").then(|| number.parse().ok()).flatten()
    })
}

/// Holds these seats one after the other, so many a second; how long it took.
async fn hold(
    host: SocketAddr,
    tokens: &[String],
    seen: &Arc<Seen>,
    seats: Range<usize>,
    per_second: u32,
) -> Result<Duration, String> {
    let (next, begun) = (&AtomicUsize::new(seats.start), clock::instant());
    let seats = &seats;
    let holders = (0..HOLDERS).map(|_| async move {
        let mut api = Api::connect(host, None).await?;
        loop {
            let seat = next.fetch_add(1, Ordering::Relaxed);
            if !seats.contains(&seat) {
                return Ok::<_, String>(());
            }
            let nth = u32::try_from(seat - seats.start).unwrap_or(u32::MAX);
            clock::until(begun + Duration::from_secs(1) * nth / per_second).await;
            api.speak_as(tokens.get((seat - 1) / SEATS_EACH).cloned());
            let answer = api.run(HOLD, &json!({ "input": { "numbers": [seat] } })).await?;
            if !answer["holdSeats"]["problem"].is_null() {
                return Err(format!("seat {seat} could not be held: {answer}"));
            }
            seen.held[seat].store(Clock::system().now().timestamp_millis(), Ordering::Release);
        }
    });
    try_join_all(holders).await?;
    Ok(begun.elapsed())
}

impl Outcome {
    /// Whether the aim is met, with as many holds a second as were asked for, and nothing missed.
    pub(super) fn is_fine(&self, per_second: u32) -> bool {
        let rate = self.holds as f64 / self.seconds;
        rank(&self.delays, 99).is_some_and(|delay| delay <= AIM_MS)
            && self.delays.len() >= self.expected
            && rate >= f64::from(per_second) * 0.9
    }

    /// Prints the table.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write(&self, out: &mut impl Write, is_fine: bool) -> io::Result<()> {
        let [before, opened] = self.memory;
        line(out, "watchers of one date's seats", self.watchers)?;
        line(out, "holds a second", format!("{:.0}", self.holds as f64 / self.seconds))?;
        line(out, "server memory, before", mebibytes(before))?;
        line(out, "server memory, all watch", mebibytes(opened))?;
        line(out, "messages a second", format!("{:.0}", self.messages as f64 / self.seconds))?;
        line(out, "bytes a message", self.bytes / self.messages.max(1))?;
        line(out, "new snapshots, of those who looked", self.snapshots)?;
        let [a_hold, message, bare] = self.processor;
        line(out, "processor, a hold", microseconds(a_hold))?;
        line(out, "processor, a message beside holds", microseconds(message))?;
        line(out, "processor, a bare request", microseconds(bare))?;
        let ratio = message.zip(bare).map(|(message, bare)| message / bare);
        line(
            out,
            "  a message in requests",
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
        )?;
        line(out, "changes seen, of those to see", format!("{} of {}", self.delays.len(), self.expected))?;
        for (name, percent) in [("50%", 50), ("99%", 99), ("longest", 100)] {
            let delay =
                rank(&self.delays, percent).map_or_else(|| "-".to_owned(), |delay| format!("{delay} ms"));
            line(out, &format!("hold to message, {name}"), delay)?;
        }
        line(out, "aim (99% within 500 ms)", if is_fine { "met" } else { "missed" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_held_seats_of_an_event_are_found() {
        let text = r#"{"seats":[{"number":7,"status":"HELD"},{"number":8,"status":"AVAILABLE"},{"number":12,"status":"HELD"}]}"#;
        assert_eq!(held(text).collect::<Vec<_>>(), [7, 12]);
    }

    #[test]
    fn late_or_missing_changes_miss_the_aim() {
        let outcome = |delays: Vec<i64>| Outcome {
            watchers: 1,
            holds: 100,
            seconds: 1.0,
            messages: 1,
            bytes: 1,
            snapshots: 0,
            memory: [None; 2],
            processor: [None; 3],
            delays,
            expected: 100,
        };
        assert!(outcome(vec![AIM_MS; 100]).is_fine(100));
        assert!(!outcome(vec![AIM_MS + 1; 100]).is_fine(100));
        assert!(!outcome(vec![1; 99]).is_fine(100));
        assert!(!outcome(vec![1; 100]).is_fine(200));
    }
}
